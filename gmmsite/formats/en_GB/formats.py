"""Dates in English: months as words and 24 hours, as `Intl` has them for en-GB; Django's own are "2:30 p.m." and "25/10/2006"."""

DATE_FORMAT = "j F Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j F Y, H:i"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i"
