"""The whole workflow of a person, from sign-up to sign-out."""

import io
import re

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect

from segmentation.samples import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "plum-orbit-lantern"
PHOTOGRAPH = next(sample for sample in SAMPLES if sample.slug == "china")


def sign_up(page, name="ada"):
    page.goto("/accounts/signup/")
    page.get_by_label("User name").fill(name)
    page.locator("input[name=password1]").fill(PASSWORD)
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/")


def fetched(page, address):
    response = page.request.get(address)
    assert response.ok, (address, response.status)
    return np.asarray(PIL.Image.open(io.BytesIO(response.body())))


def drawn(page, name):
    """Return the pixels of a picture or canvas as the page shows them."""
    return np.array(
        page.evaluate(
            """name => {
              const shown = document.querySelector(`[data-drawn="${name}"]`);
              const width = shown.naturalWidth ?? shown.width, height = shown.naturalHeight ?? shown.height;
              const board = Object.assign(document.createElement("canvas"), {width, height});
              const context = board.getContext("2d");
              context.drawImage(shown, 0, 0);
              return [...context.getImageData(0, 0, width, height).data].filter((_, i) => i % 4 === 0);
            }""",
            name,
        )
    )


def run_address(page):
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    return re.search(r"/runs/[0-9a-f-]{36}/", page.url)[0]


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("phone", "dark")])
def test_the_whole_story(open_window, size, theme):
    page = open_window(size, theme)
    sign_up(page)
    expect(page.get_by_text("ada")).to_be_attached()

    page.locator("input[name=n_clusters]").fill("4")
    page.locator("input[name=image]").set_input_files(PHOTOGRAPH.path)
    address = run_address(page)
    expect(page.get_by_role("heading", name="4 clusters")).to_be_visible(timeout=30_000)

    original = fetched(page, page.locator("[data-zoom=original] img").get_attribute("src"))
    labels = fetched(page, f"{address}labels.png")
    binary = fetched(page, f"{address}binary.png")
    assert original.shape == (PHOTOGRAPH.height, PHOTOGRAPH.width, 3)
    assert sorted(np.unique(labels)) == [0, 1, 2, 3]
    assert sorted(np.unique(binary)) == [0, 255]
    rows = page.locator("[data-legend] tbody tr")
    expect(rows).to_have_count(4)
    chosen = [rows.nth(i).get_by_role("checkbox").is_checked() for i in range(4)]
    np.testing.assert_array_equal(binary == 255, np.isin(labels, np.flatnonzero(chosen)))
    segmented = PIL.Image.open(io.BytesIO(page.request.get(f"{address}segmented.png").body())).convert("RGBA")
    for cluster in range(4):
        inside = np.asarray(segmented)[labels == cluster][:, :3]
        assert (inside == inside[0]).all()
        np.testing.assert_allclose(inside[0], original[labels == cluster].mean(axis=0), atol=1.5)

    first = rows.nth(0).get_by_role("checkbox")
    with page.expect_response(lambda response: response.request.method == "PATCH") as saved:
        first.click()
    assert saved.value.ok
    expected = np.isin(labels, np.flatnonzero([not chosen[0], *chosen[1:]]))
    expect(page.locator("canvas[data-drawn=binary]")).to_be_attached()  # drawn whenever: the request goes beside it
    np.testing.assert_array_equal(drawn(page, "binary") == 255, expected.ravel())
    np.testing.assert_array_equal(fetched(page, f"{address}binary.png") == 255, expected)
    page.reload()
    expect(first).to_be_checked(checked=not chosen[0])

    page.get_by_role("link", name="History").click()
    card = page.locator(".thumb", has_text=PHOTOGRAPH.path.name)
    expect(card).to_have_count(1)
    card.get_by_role("link").first.click()
    assert address in page.url

    page.goto("/account/")
    page.get_by_role("button", name="Sign out").click()
    page.goto(address)
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next="))


def test_without_scripts_the_story_is_the_same(open_window):
    page = open_window(scripts=False)
    sign_up(page, "grace")
    page.locator("input[name=n_clusters]").fill("3")
    page.locator("input[name=image]").set_input_files(PHOTOGRAPH.path)
    page.get_by_role("button", name="Upload and run").click()
    address = run_address(page)
    expect(page.get_by_role("heading", name="3 clusters", exact=True)).to_be_visible(timeout=30_000)
    boxes = page.locator("[data-legend] tbody").get_by_role("checkbox")
    before = [boxes.nth(i).is_checked() for i in range(3)]
    boxes.nth(0).set_checked(not before[0])
    page.get_by_role("button", name="Save").click()
    page.goto(address)
    expect(boxes.nth(0)).to_be_checked(checked=not before[0])
    labels, binary = fetched(page, f"{address}labels.png"), fetched(page, f"{address}binary.png")
    np.testing.assert_array_equal(binary == 255, np.isin(labels, np.flatnonzero([not before[0], *before[1:]])))


def test_a_sample_is_one_click_away(open_window):
    page = open_window()
    sign_up(page)
    page.locator(".samples button, .samples a").first.click()
    run_address(page)
    expect(page.get_by_role("heading", name="3 clusters")).to_be_visible()


def test_a_pasted_picture_is_segmented(open_window):
    page = open_window()
    sign_up(page)
    page.evaluate(
        """async () => {
          const board = Object.assign(document.createElement("canvas"), {width: 60, height: 40});
          const context = board.getContext("2d");
          context.fillStyle = "#c02020"; context.fillRect(0, 0, 30, 40);
          context.fillStyle = "#2020c0"; context.fillRect(30, 0, 30, 40);
          const blob = await new Promise((resolve) => board.toBlob(resolve));
          const data = new DataTransfer();
          data.items.add(new File([blob], "image.png", {type: "image/png"}));
          document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }"""
    )
    run_address(page)
    expect(page.locator("[data-legend] tbody tr")).to_have_count(2)
    expect(page.locator("[data-legend] tbody")).to_contain_text("#c02020")
    expect(page.locator("[data-legend] tbody")).to_contain_text("1,200")


def test_a_file_that_is_no_picture_is_refused_where_it_was_dropped(open_window):
    page = open_window()
    sign_up(page)
    page.locator("input[name=image]").set_input_files(
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"not a picture"}
    )
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("notes.png was not uploaded")
    expect(notice).to_contain_text("Nothing was stored.")
    expect(page.get_by_text("Drop a picture here")).to_be_visible()


def test_a_change_in_another_tab_is_not_overwritten(open_window):
    page = open_window()
    sign_up(page)
    page.locator("input[name=image]").set_input_files(PHOTOGRAPH.path)
    address = run_address(page)
    expect(page.locator("[data-legend] tbody tr")).to_have_count(3)
    other = page.context.new_page()
    other.goto(address)
    for tab, index in ((page, 0), (other, 1)):
        with tab.expect_response(lambda response: response.request.method == "PATCH") as answer:
            tab.locator("[data-legend] tbody").get_by_role("checkbox").nth(index).click()
    assert answer.value.status == 409
    shown = page.locator("[data-legend] tbody").get_by_role("checkbox").nth(0).is_checked()
    expect(other.locator("[data-legend] tbody").get_by_role("checkbox").nth(0)).to_be_checked(checked=shown)


def test_regions_are_chosen_on_the_page_of_a_picture(open_window):
    page = open_window()
    sign_up(page)
    page.locator(".samples button").first.click()
    run_address(page)
    expect(page.locator("[data-legend] tbody tr")).to_have_count(3, timeout=30_000)
    page.locator(".crumb").click()
    page.get_by_text("More options").click()
    expect(page.get_by_label("Shape of clusters")).to_be_visible()
    page.get_by_role("radio", name="Regions").check()
    expect(page.locator("label[for=clusters]")).to_have_text("Regions", use_inner_text=True)
    expect(page.get_by_label("Shape of clusters")).to_be_hidden()
    expect(page.get_by_label("Choose for me")).to_be_checked()
    expect(page.locator("input[name=n_clusters]")).to_be_disabled()
    page.get_by_role("button", name="Run at full size").click()
    address = run_address(page)
    expect(page.get_by_role("heading", name=re.compile(r"\d+ regions"))).to_be_visible(timeout=30_000)
    labels = fetched(page, f"{address}labels.png")
    expect(page.locator("[data-legend] tbody tr")).to_have_count(int(labels.max()) + 1)
