"""The parts of `manage.py segment`: what is asked for, the child process of a picture, and the folders of results."""
