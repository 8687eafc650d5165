"""Template tag that renders a form field with its label, hint and errors."""

from typing import Any

from django import template
from django.forms import BoundField

register = template.Library()


@register.inclusion_tag("account/_field.html")
def field(
    bound: BoundField, label: str, *, small: str = "", hint: str = "", link: str = "", link_text: str = ""
) -> dict[str, Any]:
    """Render a form field.

    Parameters
    ----------
    bound : BoundField
    label : str
        Label of the field.
    small : str
        Text added to the label in small type.
    hint : str
        Text below the control.
    link, link_text : str
        Address and text of a link beside the label.
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
