"""Number fields, sliders and the theme button: displayed values and limits."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_stepper_stays_within_its_bounds_however_it_is_used(open_own_window):
    page = open_own_window()
    page.goto("/")
    field = page.locator("#clusters")
    fewer, more = (
        page.get_by_role("button", name="One cluster fewer"),
        page.get_by_role("button", name="One cluster more"),
    )
    for typed, shown in (("31", "31"), ("99", "32"), ("1", "2"), ("", "2"), ("4.6", "5"), ("-3", "2")):
        field.fill(typed)
        field.blur()
        expect(field).to_have_value(shown)
    expect(fewer).to_have_attribute("aria-disabled", "true")
    fewer.click(force=True)  # it says that it is off, and can be pressed all the same
    expect(field).to_have_value("2")
    more.click()
    expect(field).to_have_value("3")
    expect(fewer).to_have_attribute("aria-disabled", "false")
    field.fill("31")
    more.click()
    expect(field).to_have_value("32")
    expect(more).to_have_attribute("aria-disabled", "true")
    more.click(force=True)
    expect(field).to_have_value("32")


def test_slider_and_number_say_the_same(open_own_window, image):
    page = open_own_window()
    page.goto(image.get_absolute_url())
    field, slider = page.locator("#clusters"), page.locator("[data-range-for=clusters]")
    field.fill("17")
    expect(slider).to_have_value("17")
    assert "* 0.5)" in slider.evaluate("range => range.style.getPropertyValue('--fill')")
    slider.focus()
    page.keyboard.press("End")
    expect(field).to_have_value("32")
    page.keyboard.press("Home")
    expect(field).to_have_value("2")
    field.fill("400")
    field.blur()
    expect(field).to_have_value("32")
    expect(slider).to_have_value("32")


@pytest.mark.parametrize("percent", [0, 25, 100])
def test_the_divider_shows_the_original_on_its_left_and_the_result_on_its_right(open_window, percent):
    page = open_window()
    page.goto("/")
    box = page.locator("[data-compare]")
    assert box.evaluate("box => getComputedStyle(box).getPropertyValue('--split')") == "42%"
    slide = box.locator("input")
    slide.evaluate("(slide, value) => { slide.value = value; slide.dispatchEvent(new Event('input')); }", str(percent))
    assert box.evaluate("box => getComputedStyle(box).getPropertyValue('--split')") == f"{percent}%"
    over = box.locator("[data-over]")
    assert f"{percent}%" in over.evaluate("over => getComputedStyle(over).clipPath + getComputedStyle(over).maskImage")


def test_the_theme_goes_round_and_is_kept(open_own_window):
    page = open_own_window(theme="light")
    page.goto("/help/")
    root, button = page.locator("html"), page.locator("form[data-theme-form] button").first
    ink = "getComputedStyle(document.body).color"
    light = page.evaluate(ink)
    for theme, said, scheme in (
        ("light", "light", "light"),
        ("dark", "dark", "dark"),
        (None, "system", "light dark"),
    ):
        with page.expect_response("**/theme/") as kept:
            button.click()
        assert kept.value.ok
        expect(button).to_have_accessible_name(f"Theme: {said}")
        expect(page.locator("meta[name=color-scheme]")).to_have_attribute("content", scheme)
        if theme:
            expect(root).to_have_attribute("data-theme", theme)
        else:
            expect(root).not_to_have_attribute("data-theme", "dark")
        assert (page.evaluate(ink) == light) == (theme != "dark")
        page.reload()
        expect(button).to_have_accessible_name(f"Theme: {said}")
        assert (page.evaluate(ink) == light) == (theme != "dark")
