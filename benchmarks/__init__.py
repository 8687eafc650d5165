"""Measurements that tests do not make: speed, quality, load."""
