from django.db import InterfaceError, OperationalError

OUTAGE = (OperationalError, InterfaceError)
"""What is raised while the database does not answer: it is locked, full, restarted or out of reach. Other errors of it are bugs."""
