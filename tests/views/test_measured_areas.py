"""The areas of clusters and the values of their bands on a run's page."""

import re
from html import unescape

import numpy as np
import pytest

from segmentation import execution, services
from segmentation.engine.recipe import Reading
from segmentation.models import Image, Run
from tests import factories
from tests.engine.imaging.geotiffs import utm

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def finished(image, n_clusters=2):
    run = factories.make_run(image, n_clusters)
    execution.serve_until_empty()
    return Run.objects.get(pk=run.pk)


def table(response, number=0):
    """The cells of a table of the page as text."""
    part = re.findall(r"<table.*?</table>", response.content.decode(), re.DOTALL)[number]
    rows = re.findall(r"<tr.*?</tr>", part, re.DOTALL)
    return [[text(cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)] for row in rows]


def text(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def column(rows, title):
    place = next(place for place, cell in enumerate(rows[0]) if cell.startswith(title))
    return [row[place] for row in rows]


def land():
    values = np.empty((300, 400, 4), np.uint16)
    values[:, :100], values[:, 100:] = (400, 600, 800, 3000), (2000, 1500, 1000, 500)
    values += np.random.default_rng(0).integers(0, 50, values.shape).astype(np.uint16)
    return utm(values=values, photometric="minisblack", planarconfig="contig", points=(0, 0, 0, 700_000, 5_000_000, 0))


def test_a_picture_without_a_size_has_no_areas(browser, finished_run):
    response = browser.get(f"/runs/{finished_run.pk}/")
    assert "Area" not in [cell.partition(" ")[0] for cell in table(response)[0]]
    assert "Areas are" not in response.content.decode()
    assert 'id="bands"' not in response.content.decode()


def test_areas_of_a_map_are_on_the_earth_in_hectares(browser, owner):
    run = finished(factories.make_image(owner, land(), name="land.tif"))
    response = browser.get(f"/runs/{run.pk}/")
    areas = column(table(response), "Area")
    assert areas[0] == "Area ha"
    shares = sorted(float(area) for area in areas[1:3])
    assert shares == pytest.approx([300, 900], rel=1e-3)  # of 10 m; the scale of UTM there is nearly 1
    assert "on the surface of the earth" in response.content.decode()


def test_deep_pictures_tell_the_values_of_their_bands_by_name(browser, owner):
    image = factories.make_image(owner, factories.ome_stack(), name="cells.ome.tif")
    services.change_reading(image=image, reading=Reading(no_data=7))
    response = browser.get(f"/runs/{finished(image).pk}/")
    assert column(table(response), "Area")[0] == "Area µm²"
    rows = table(response, number=1)
    assert rows[0][1:] == ["DAPI", "GFP"]
    assert any(re.fullmatch(r"9\d\d\.?\d* ± \d+\.\d+", cell) for cell in rows[-1])


def test_a_size_that_is_given_later_shows_in_results_that_exist(browser, finished_run):
    services.change_pixel_size(image=Image.objects.get(), pixel_size=services.parse_pixel_size("2 mm"))
    response = browser.get(f"/runs/{finished_run.pk}/")
    rows = table(response)
    assert column(rows, "Area")[0] == "Area mm²"
    for area, pixels in zip(column(rows, "Area")[1:], column(rows, "Pixels")[1:], strict=True):
        assert float(area.replace(",", "")) == 4 * float(pixels.replace(",", ""))
    assert "A pixel is 2\u202fmm, given by hand." in unescape(response.content.decode())
