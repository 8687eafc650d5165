"""Two people who come for a number: the area of particles in a micrograph, and hectares of a map."""

import io
import re

import numpy as np
import pytest
import tifffile
from playwright.sync_api import expect

from tests.engine.imaging.geotiffs import geotiff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RUN = re.compile(r"/runs/[0-9a-f-]{36}/$")


def noisy(values):
    return (values + np.random.default_rng(0).normal(0, 20, values.shape)).clip(0, 65535).astype(np.uint16)


def micrograph():
    """A 16-bit micrograph of 0.25 µm a pixel: a bright particle of 80 x 60 pixels, 300 µm², on a dark ground of 2700 µm²."""
    values = np.full((200, 240), 2000.0)
    values[50:110, 60:140] = 9000
    file = io.BytesIO()
    tifffile.imwrite(file, noisy(values), imagej=True, resolution=(4, 4), metadata={"unit": "um"})
    return file.getvalue()


def satellite():
    """Four bands of 10 m in UTM zone 31 north, east of its meridian: water and land of 200 x 150 pixels each, and no data."""
    values = np.empty((220, 300, 4))
    values[:, :150], values[:, 150:] = (300, 500, 700, 200), (900, 1100, 1000, 4000)
    values = noisy(values)
    values[200:] = 0
    return geotiff(
        keys=[(1024, 0, 1, 1), (1025, 0, 1, 1), (3072, 0, 1, 32631)],
        scale=(10, 10, 0),
        points=(0, 0, 0, 679_000, 5_000_000, 0),
        values=values,
        photometric="minisblack",
        planarconfig="contig",
        extratags=[(42113, "s", 0, "0", True)],
    )


def upload(page, data, name, clusters=2):
    page.goto("/")
    page.locator("input[name=n_clusters]").fill(str(clusters))
    page.locator("input[name=image]").set_input_files({"name": name, "mimeType": "image/tiff", "buffer": data})
    page.wait_for_url(RUN)
    expect(page.locator("[data-legend] tbody tr")).to_have_count(clusters, timeout=30_000)


def areas(page):
    """The title of the column of areas, and the numbers below it: of each cluster, then of the foreground."""
    table = page.locator("[data-legend] table")
    titles = table.locator("thead th").all_text_contents()
    place = next(number for number, title in enumerate(titles) if title.strip().startswith("Area"))
    cells = [row.locator("td").nth(place).inner_text() for row in table.locator("tbody tr, tfoot tr").all()]
    return re.sub(r"\s+", " ", titles[place]).strip(), [float(cell.replace(",", "")) for cell in cells]


def test_a_materials_scientist_reads_the_area_of_a_particle_off_the_page(sign_in, owner):
    page = sign_in(owner)
    upload(page, micrograph(), "alloy.tif")
    title, (ground, particle, foreground) = areas(page)
    assert title == "Area µm²"
    assert (ground, particle, foreground) == (pytest.approx(2700, rel=1e-3), pytest.approx(300, rel=1e-3), particle)
    expect(page.get_by_text("A pixel is 0.25\u202fµm, from ImageJ.")).to_be_visible()
    values = page.locator("#bands tbody tr")
    expect(values.nth(0)).to_contain_text(re.compile(r"\b(1,999|2,000|2,001) ± (19|20)"))
    expect(values.nth(1)).to_contain_text(re.compile(r"\b(8,999|9,000|9,001) ± (19|20)"))

    page.get_by_role("link", name="alloy.tif").first.click()
    about = page.locator("#reading")
    expect(about).to_contain_text("0.25\u202fµm, from ImageJ")
    about.get_by_text("Change", exact=False).first.click()
    about.get_by_label("Size of a pixel").fill("about half")
    about.get_by_role("button", name="Read it in this way").click()
    expect(page.locator("#reading-pixel_size-error")).to_contain_text("must be a number with a unit of length")
    page.get_by_label("Size of a pixel").fill("0.5 µm")
    page.get_by_role("button", name="Read it in this way").click()
    expect(page.locator("#reading")).to_contain_text("0.5\u202fµm, given by hand")
    page.goto(page.locator(".thumb a.cover").first.get_attribute("href"))
    assert areas(page)[1] == [
        pytest.approx(10_800, rel=1e-3),
        pytest.approx(1200, rel=1e-3),
        pytest.approx(1200, rel=1e-3),
    ]


def test_a_remote_sensing_analyst_reads_hectares_off_the_page(sign_in, owner):
    page = sign_in(owner)
    upload(page, satellite(), "coast.tif")
    title, (water, land, _foreground) = areas(page)
    assert title == "Area ha"
    assert (water, land) == (pytest.approx(300, rel=1e-3), pytest.approx(300, rel=1e-3))  # not the 660 with no data
    expect(page.get_by_text("on the surface of the earth")).to_be_visible()
    boxes = page.locator("[data-legend] input[name=foreground]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    total = page.locator("[data-fg-area]")
    expect(total).to_have_text(re.compile(r"^(600|599\.\d|600\.\d)$"))
    boxes.nth(0).uncheck()
    expect(total).to_have_text(re.compile(r"^(300|299\.\d|300\.\d)$"))

    page.get_by_role("link", name="coast.tif").first.click()
    about = page.locator("#reading")
    expect(about).to_contain_text("WGS 84 / UTM zone 31N (EPSG 32631)")
    expect(about).to_contain_text("0: 6,000 pixels")


def test_a_file_is_read_in_another_way_without_scripts(sign_in, owner):
    page = sign_in(owner, scripts=False)
    page.goto("/")
    page.locator("input[name=image]").set_input_files(
        {"name": "coast.tif", "mimeType": "image/tiff", "buffer": satellite()}
    )
    page.locator("input[name=n_clusters]").fill("2")
    page.locator("form:has(input[name=image]) button[type=submit]").first.click()
    page.wait_for_url(RUN)
    page.get_by_role("link", name="coast.tif").first.click()
    page.locator("#reading summary").click()
    page.get_by_label("Channels").fill("4, 1")
    page.get_by_label("Value of no data").fill("-1")
    page.get_by_role("button", name="Read it in this way").click()
    expect(page.locator("#reading")).to_contain_text("Channels4, 1")
    expect(page.locator("#reading")).not_to_contain_text("6,000 pixels")
