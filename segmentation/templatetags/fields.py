"""Fields of forms in the design's own markup: label above, control, hint or error."""

from typing import Any

from django import template
from django.forms import BoundField

register = template.Library()


@register.inclusion_tag("account/_field.html")
def field(
    bound: BoundField, label: str, *, small: str = "", hint: str = "", link: str = "", link_text: str = ""
) -> dict[str, Any]:
    """Show one field of a form.

    Parameters
    ----------
    bound : BoundField
    label : str
        What people call it.
    small : str
        Added to the label in small type.
    hint : str
        Below the control.
    link, link_text : str
        A link beside the label.
    """
    describing = [f"{bound.id_for_label}-error"] * bool(bound.errors) + [f"{bound.id_for_label}-hint"] * bool(hint)
    attributes = {"class": "input", "placeholder": "", "aria-describedby": " ".join(describing)}
    if bound.errors:
        attributes["aria-invalid"] = "true"
    control = bound.as_widget(
        attrs={name: value for name, value in attributes.items() if value or name == "placeholder"}
    )
    return {
        "field": bound,
        "control": control,
        "label": label,
        "small": small,
        "hint": hint,
        "link": link,
        "link_text": link_text,
    }
