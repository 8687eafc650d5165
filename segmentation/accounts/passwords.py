"""Password validator based on the number of guesses that a password takes."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_MIN_GUESSES = 1e9  # Winter2025!! takes a third of that
_MAX_CHARACTERS = 20  # the estimate takes at most 0.2 s for as many, but 4 s for 60
_ATTRIBUTES = ("username", "first_name", "last_name", "email")
_OF_THE_SITE = ("gmm", "studio", "gmmstudio", "segmentation")


class GuessesValidator:
    """Rejects passwords that take fewer than a thousand million guesses, as estimated by zxcvbn.

    The words that zxcvbn tries include the person's name and address. Of a long password only the beginning is estimated;
    more characters can only increase the number of guesses.
    """

    def validate(self, password: str, user: Any = None) -> None:
        from zxcvbn import zxcvbn  # noqa: PLC0415 - it loads large word lists, which only a new password needs

        about = [str(getattr(user, name, "") or "") for name in _ATTRIBUTES]
        parts = [part for text in about for part in (text, *text.replace("@", ".").split(".")) if part]
        if float(zxcvbn(password[:_MAX_CHARACTERS], user_inputs=[*parts, *_OF_THE_SITE])["guesses"]) < _MIN_GUESSES:
            raise ValidationError(
                _(
                    "This password is easy to guess. Use several unrelated words, or let a password manager generate one."
                ),
                code="password_easy_to_guess",
            )

    def get_help_text(self) -> str:
        return _("Your password must not be easy to guess, such as a word with a year.")
