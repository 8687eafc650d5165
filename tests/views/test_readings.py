"""The part of a picture's page that says how its file is read, and its form, which works without JavaScript."""

import io
import re
from html import unescape

import numpy as np
import PIL.Image
import pytest
import tifffile

from segmentation.models import Image
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


@pytest.fixture
def microscopy(owner):
    return factories.make_image(owner, factories.ome_stack(), name="cells.ome.tif")


def page(browser, image):
    return text_of(browser.get(f"/images/{image.pk}/"))


def text_of(response):
    """The part of the page about the file: its text without tags."""
    part = re.search(r'<section id="reading".*?</section>', response.content.decode(), re.DOTALL)[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", part))).replace("\u202f", " ")


def send(browser, image, **fields):
    return browser.post(f"/images/{image.pk}/reading/", fields)


def test_the_page_says_what_is_known_of_the_file_and_where_from(browser, microscopy):
    shown = page(browser, microscopy)
    assert "Size of a pixel 0.25 × 0.5 µm, from its OME metadata" in shown
    assert "plane 1 of 2" in shown
    assert "Channels DAPI, GFP" in shown


def test_a_photograph_has_no_more_fields_than_it_needs(browser, image):
    fields = re.findall(r'id="reading-(\w+)"', browser.get(f"/images/{image.pk}/").content.decode())
    assert fields == ["title", "pixel_size", "no_data"]
    assert "Size of a pixel not known" in page(browser, image)


def test_plane_channels_no_data_and_size_are_chosen_in_one_form(browser, microscopy):
    sent = send(browser, microscopy, pixel_size="2 nm", z="2", channels="2", no_data="7")
    assert (sent.status_code, sent.url) == (302, f"/images/{microscopy.pk}/#reading")
    shown = page(browser, microscopy)
    assert "Size of a pixel 2 nm, given by hand" in shown
    assert "plane 2 of 2" in shown
    assert "Channels GFP" in shown
    assert "No data 7: 240 pixels" in shown
    send(browser, microscopy, z="1")
    stored = Image.objects.get()
    assert (stored.reading, stored.pixel_size) == (None, None)


def test_the_form_shows_what_was_chosen(browser, microscopy):
    send(browser, microscopy, pixel_size="0,5 x 1 micron", z="2", channels="2, 1", no_data="-1.5")
    content = browser.get(f"/images/{microscopy.pk}/").content.decode()
    values = dict(re.findall(r'id="reading-(\w+)"\s+name="\w+"\s+type="text"\s+value="([^"]*)"', content))
    assert values == {"pixel_size": "0.5 x 1 µm", "z": "2", "channels": "2, 1", "no_data": "-1.5"}
    assert send(browser, microscopy, **values).status_code == 302
    assert Image.objects.get().pixel_size == {"width": 0.5, "height": 1.0, "unit": "um", "source": "person"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"pixel_size": "large"}, "pixel_size"),
        ({"pixel_size": "0.25"}, "pixel_size"),
        ({"no_data": "none"}, "no_data"),
        ({"no_data": "nan"}, "no_data"),
        ({"z": "3"}, "z"),
        ({"z": "0"}, "z"),
        ({"channels": "1, 3"}, "channels"),
        ({"channels": "0"}, "channels"),
        ({"channels": "1 1"}, "channels"),
        ({"channels": "red"}, "channels"),
    ],
)
def test_what_makes_no_sense_is_told_beside_its_field_and_changes_nothing(browser, microscopy, fields, field):
    response = send(browser, microscopy, **fields)
    content = response.content.decode()
    assert response.status_code == 422
    assert re.findall(r'id="reading-(\w+)-error"', content) == [field]
    assert f'value="{fields[field]}"' in content
    stored = Image.objects.get()
    assert (stored.reading, stored.pixel_size) == (None, None)


def test_a_resolution_is_only_suggested_until_somebody_takes_it_over(browser, owner):
    file = io.BytesIO()
    PIL.Image.fromarray(factories.pixels()).save(file, "PNG", dpi=(96, 96))
    image = factories.make_image(owner, file.getvalue())
    shown = page(browser, image)
    assert "Size of a pixel not known" in shown
    assert "96 dpi suggests 264.6 µm: use it" in shown
    assert send(browser, image, use_suggested="1").status_code == 302
    shown = page(browser, image)
    assert "given by hand" in shown
    assert "dpi suggests" not in shown


def test_an_alpha_band_can_be_data(browser, owner):
    values = np.dstack([np.full((20, 30, 3), 90), np.repeat([[0, 200]], 15, axis=1).repeat(20, axis=0)]).astype(
        np.uint8
    )
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    image = factories.make_image(owner, file.getvalue(), name="aerial.tif")
    assert "No data 300 pixels" in page(browser, image)
    assert send(browser, image, alpha="data").status_code == 302
    assert "No data" not in page(browser, image).partition("Change")[0]
    assert Image.objects.get().fitted_bands == 4
    content = browser.get(f"/images/{image.pk}/").content.decode()
    assert re.search(r'<option value="data"\s+selected', content)


def test_staff_who_look_see_what_is_known_and_no_form(client, staff, microscopy):
    client.force_login(staff)
    response = client.get(f"/images/{microscopy.pk}/")
    assert "Size of a pixel" in text_of(response)
    assert "reading-pixel_size" not in response.content.decode()
