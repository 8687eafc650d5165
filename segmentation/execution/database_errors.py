from django.db import InterfaceError, OperationalError

DATABASE_UNAVAILABLE = (OperationalError, InterfaceError)
"""The exceptions of a database that is locked, full, restarting or unreachable. All other database errors are bugs."""
