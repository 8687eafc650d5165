"""Accounts: what this site adds to django-allauth. The settings name the classes that allauth and Django load."""
