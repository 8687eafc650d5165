"""Pictures that the browser paints equal those of the server, pixel by pixel."""

import io

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def shown_pixels(page, name):
    """Return the pixels of a canvas as an array (height, width, 4) of values from 0 to 255."""
    found = page.locator(f"canvas[data-drawn={name}]")
    expect(found).to_be_attached()
    width, height, values = found.evaluate(
        """canvas => {
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return [canvas.width, canvas.height, [...data]];
        }"""
    )
    return np.array(values, dtype=np.uint8).reshape(height, width, 4)


def served_pixels(page, address):
    answer = page.request.get(address)
    assert answer.ok, (address, answer.status)
    return PIL.Image.open(io.BytesIO(answer.body()))


def test_the_recoloured_picture_has_the_colours_of_the_server_channel_by_channel(open_own_window, finished_run):
    page = open_own_window()
    page.goto(finished_run.get_absolute_url())
    address = finished_run.get_absolute_url()
    colours = [row["colour"] for row in page.request.get(f"/api/v1/runs/{finished_run.pk}").json()["clusters"]]
    page.locator("label", has=page.locator("[data-palette]")).click()
    served = np.asarray(served_pixels(page, f"{address}segmented.png?palette=separated").convert("RGBA"))
    np.testing.assert_array_equal(shown_pixels(page, "segmented"), served)
    assert (served[..., 0] != served[..., 2]).any()  # or exchanged channels would go unseen
    page.locator("label", has=page.locator("[data-palette]")).click()
    labels = np.asarray(served_pixels(page, f"{address}labels.png"))
    own = np.array([[int(hex_[i : i + 2], 16) for i in (1, 3, 5)] for hex_ in colours])
    page.wait_for_function(
        """([word]) => {
          const {data} = document.querySelector("canvas[data-drawn=segmented]").getContext("2d").getImageData(0, 0, 1, 1);
          return [...data.slice(0, 3)].join() === word;
        }""",
        arg=[",".join(str(n) for n in own[labels[0, 0]])],
    )
    np.testing.assert_array_equal(shown_pixels(page, "segmented")[..., :3], own[labels])
    assert (own[:, 0] != own[:, 2]).any()


def test_the_binary_picture_and_its_share_follow_the_boxes(open_own_window, finished_run):
    page = open_own_window()
    page.goto(finished_run.get_absolute_url())
    labels = np.asarray(served_pixels(page, f"{finished_run.get_absolute_url()}labels.png"))
    boxes = page.locator("[data-legend] tbody").get_by_role("checkbox")
    chosen = [boxes.nth(i).is_checked() for i in range(3)]
    with page.expect_response(lambda response: response.request.method == "PATCH"):
        boxes.nth(2).click()
    foreground = np.isin(labels, np.flatnonzero([chosen[0], chosen[1], not chosen[2]]))
    drawn = shown_pixels(page, "binary")
    np.testing.assert_array_equal(drawn[..., :3], np.repeat(np.where(foreground, 255, 0)[..., None], 3, axis=2))
    assert (drawn[..., 3] == 255).all()
    expect(page.locator("[data-fg-share]").first).to_have_text(f"{foreground.mean() * 100:.1f}\u202f%")
    width = float(page.locator("[data-fg-part]").get_attribute("width"))
    assert width == pytest.approx(1000 * foreground.mean())
