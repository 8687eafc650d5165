"""What this site decides about accounts; all else is django-allauth's. The settings name what allauth and Django load."""
