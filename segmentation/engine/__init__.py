"""The numerics and the pictures. Knows nothing of Django, users or databases; the command line runs on it alone."""
