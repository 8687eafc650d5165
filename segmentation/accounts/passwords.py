"""How hard a password is to guess."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_FEWEST_GUESSES = 1e9  # Winter2025!! takes a third of that
_LOOKED_AT = 20  # characters; the estimate takes 0.2 s for as many at worst, and 4 s for 60
_ATTRIBUTES = ("username", "first_name", "last_name", "email")
_OF_THE_SITE = ("gmm", "studio", "gmmstudio", "segmentation")


class GuessesValidator:
    """Refuses what a program that knows people guesses soon: known passwords with a 0 for an o, a season with a year.

    zxcvbn estimates the guesses, with the person's name and address among its words. Of a long password only the beginning
    counts: what stands behind it can only add to them.
    """

    def validate(self, password: str, user: Any = None) -> None:
        from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists of words are loaded when somebody chooses a password

        about = [str(getattr(user, name, "") or "") for name in _ATTRIBUTES]
        parts = [part for text in about for part in (text, *text.replace("@", ".").split(".")) if part]
        if float(zxcvbn(password[:_LOOKED_AT], user_inputs=[*parts, *_OF_THE_SITE])["guesses"]) < _FEWEST_GUESSES:
            raise ValidationError(
                _(
                    "This password is easy to guess. Use several unrelated words, or let a password manager generate one."
                ),
                code="password_easy_to_guess",
            )

    def get_help_text(self) -> str:
        return _("Your password must not be easy to guess, such as a word with a year.")
