import re

import pytest

from segmentation import execution, services
from segmentation.engine.recipe import Recipe
from segmentation.models import Job, Run
from segmentation.models.jobs import State
from tests.markup import markup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def page_of(browser, run, query=""):
    response = browser.get(f"/runs/{run.pk}/{query}")
    assert response.status_code == 200
    return markup(response)


def test_waiting_run_says_its_place_and_that_no_worker_runs(browser, queued_run):
    page = page_of(browser, queued_run)
    assert "Waiting to start" in page
    assert "No worker is running" in page
    assert "http-equiv" in page
    assert f"/runs/{queued_run.pk}/cancel/" in page


def test_waiting_run_counts_those_before_it(browser, image, queued_run, worker_row):
    later = services.create_run(image=image, recipe=Recipe())
    assert "1 run before yours." in page_of(browser, later)
    assert "Yours is next." in page_of(browser, queued_run)


def test_working_run_shows_percent_in_page_and_title_and_its_stages(browser, queued_run, worker_row):
    lease = Job.objects.claim(queued_run.pk, worker_id=worker_row.pk)
    Job.objects.extend_lease(lease, stage="fitting", percent=42)
    page = page_of(browser, queued_run)
    title = re.search("<title>(.*?)</title>", page, re.DOTALL)[1]
    assert re.search(rf"42\s?%.*{re.escape(queued_run.image.name)}", title.replace("&#8239;", " "))
    assert 'value="42"' in page
    marks = dict(re.findall(r'<li data-stage="(\w+)"(?: class="(\w+)")?', page))
    assert marks == {"reading": "done", "counting": "done", "fitting": "now", "labelling": "", "writing": ""}


def test_page_of_an_active_run_is_never_kept_by_the_browser(browser, queued_run):
    assert "no-store" in browser.get(f"/runs/{queued_run.pk}/").headers["Cache-Control"]


def test_cancel_and_retry_by_form(browser, queued_run):
    address = f"/runs/{queued_run.pk}/"
    assert browser.post(f"{address}cancel/").url == address
    page = page_of(browser, queued_run)
    assert "This run was cancelled" in page
    assert "Your picture and your settings are kept." in page
    assert browser.post(f"{address}retry/").url == address
    assert Run.objects.get().job.state == State.QUEUED


def test_cancelling_what_is_over_says_so(browser, finished_run):
    response = browser.post(f"/runs/{finished_run.pk}/cancel/", follow=True)
    assert "there is nothing to cancel" in markup(response)


def test_retrying_what_has_succeeded_changes_nothing(browser, finished_run):
    response = browser.post(f"/runs/{finished_run.pk}/retry/", follow=True)
    assert "Only a run that failed or was cancelled" in markup(response)
    assert Run.objects.get().succeeded


@pytest.mark.parametrize(
    ("code", "heading"),
    [
        ("worker_lost", "The server stopped during this run"),
        ("out_of_memory", "This picture needs more memory than a run may take"),
        ("deadline", "This run took longer than a run may take"),
        ("a_code_of_tomorrow", "This run failed"),
    ],
)
def test_failed_run_says_what_happened_what_is_kept_and_what_to_do(browser, queued_run, worker_row, code, heading):
    lease = Job.objects.claim(queued_run.pk, worker_id=worker_row.pk)
    Job.objects.fail(lease, code=code, detail="It did not end well.")
    page = page_of(browser, queued_run)
    assert heading in page
    assert "Your picture and your settings are kept." in page
    assert f"/runs/{queued_run.pk}/retry/" in page
    assert f"{queued_run.image.get_absolute_url()}?like={queued_run.pk}" in page
    assert f"{str(queued_run.pk)[:4]}-{str(queued_run.pk)[4:8]}" in page


def test_finished_run_shows_three_pictures_and_links_to_each_download(browser, finished_run):
    page = page_of(browser, finished_run)
    run, image = f"/runs/{finished_run.pk}", f"/images/{finished_run.image_id}"
    for source in (f"{image}/display", f"{run}/segmented.png", f"{run}/binary.png"):
        assert f'src="{source}"' in page
    for download in (f"{image}/original", f"{run}/segmented.png?download=1", f"{run}/binary.png?download=1"):
        assert f'href="{download}"' in page


def test_table_has_every_cluster_with_its_measures(browser, finished_run):
    page = page_of(browser, finished_run)
    rows = services.stored_result(run=finished_run).clusters
    assert re.findall(r'data-pixels="(\d+)"', page) == [str(row.pixels) for row in rows]
    for row in rows:
        assert row.mean_colour in page
        assert f"{row.share * 100:.1f}" in page
    checked = re.findall(r'name="foreground" value="(\d+)"[^>]*checked', page)
    assert checked == [str(row.index) for row in rows if row.foreground]


def test_well_separated_colours_without_script(browser, finished_run):
    page = page_of(browser, finished_run, "?palette=separated")
    rows = services.stored_result(run=finished_run).clusters
    assert re.findall(r'<rect[^>]*fill="(#\w+)" data-c="0"', page)
    assert set(re.findall(r'<rect[^>]*fill="(#\w+)" data-c="0"', page)) == {rows[0].separated_colour}
    assert f"/runs/{finished_run.pk}/segmented.png?palette=separated" in page
    assert "download=1&amp;palette=separated" in page


def test_foreground_is_kept_by_form_as_a_new_revision(browser, finished_run):
    address = f"/runs/{finished_run.pk}/legend/"
    assert browser.post(address, {"revision": 0, "foreground": ["1"]}).status_code == 302
    finished_run.refresh_from_db()
    assert finished_run.revision == 1
    assert [row.foreground for row in services.stored_result(run=finished_run).clusters][:2] == [False, True]


def test_foreground_changed_elsewhere_is_not_overwritten(browser, finished_run):
    address = f"/runs/{finished_run.pk}/legend/"
    browser.post(address, {"revision": 0, "foreground": ["1"]})
    response = browser.post(address, {"revision": 0, "foreground": ["0"]}, follow=True)
    assert "changed in another window" in markup(response)
    assert [row.foreground for row in services.stored_result(run=Run.objects.get()).clusters][:2] == [False, True]


@pytest.mark.parametrize("data", [{}, {"revision": "x"}, {"revision": 0, "foreground": ["99"]}])
def test_table_that_does_not_fit_changes_nothing(browser, finished_run, data):
    response = browser.post(f"/runs/{finished_run.pk}/legend/", data, follow=True)
    assert "Nothing was changed." in markup(response)
    assert Run.objects.get().revision == 0


def test_legend_of_a_run_without_result_cannot_be_changed(browser, queued_run):
    response = browser.post(f"/runs/{queued_run.pk}/legend/", {"revision": 0}, follow=True)
    assert "This run has no result yet." in markup(response)


def test_clusters_are_merged_and_that_is_undone_by_form(browser, finished_run):
    address = f"/runs/{finished_run.pk}/"
    page = page_of(browser, finished_run)
    assert re.search("Clusters [123] and [123] overlap most", page)
    assert "data-undo hidden" in page
    response = browser.post(f"{address}legend/merge/", {"revision": 0, "into": 0, "other": 2}, follow=True)
    page = markup(response)
    assert re.search("<h1>2 clusters", page)
    assert "merged from 2" in page
    assert "The picture has only" not in page  # fewer clusters than asked for, but because somebody wanted that
    assert "data-undo hidden" not in page
    labels = browser.get(f"{address}labels.png?download")
    assert "phantom-k2-labels.png" in labels.headers["Content-Disposition"]
    labels.close()
    page = markup(browser.post(f"{address}legend/undo/", {"revision": 1}, follow=True))
    assert re.search("<h1>3 clusters", page)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"revision": 0, "into": 0, "other": 0}, "cannot be merged with itself"),
        ({"revision": 0, "into": 0, "other": 9}, "There is no cluster 10"),
        ({"revision": 3, "into": 0, "other": 1}, "changed in another window"),
        ({"revision": 0}, "Choose two clusters"),
    ],
)
def test_a_merge_that_cannot_be_says_why(browser, finished_run, form, says):
    response = browser.post(f"/runs/{finished_run.pk}/legend/merge/", form, follow=True)
    assert says in markup(response)
    assert Run.objects.get().revision == 0


def test_nothing_to_undo_says_so(browser, finished_run):
    response = browser.post(f"/runs/{finished_run.pk}/legend/undo/", {"revision": 0}, follow=True)
    assert "There is nothing to undo" in markup(response)


def test_regions_are_counted_when_somebody_asks_and_shown_from_then_on(browser, finished_run):
    assert "?count=regions" in page_of(browser, finished_run)
    counted = page_of(browser, finished_run, "?count=regions")
    regions = [str(n) for n in services.connected_regions(run=finished_run)]
    assert re.findall(r"data-regions>(\d+)<", counted) == regions
    assert re.findall(r"data-regions>(\d+)<", page_of(browser, finished_run)) == regions


@pytest.mark.parametrize("name", ["uncertainty", "novelty"])
def test_maps_of_uncertainty_and_novelty_are_on_the_page_and_can_be_downloaded(browser, finished_run, name):
    page = page_of(browser, finished_run)
    assert f'data-zoom="{name}"' in page
    assert f"/runs/{finished_run.pk}/{name}.png?download=1" in page
    for query in ("?palette=heat", "?download=1"):
        response = browser.get(f"/runs/{finished_run.pk}/{name}.png{query}")
        assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        response.close()
    assert f"phantom-k3-{name}.png" in response.headers["Content-Disposition"]


def test_regions_offer_other_numbers_of_them_and_no_maps_of_uncertainty_and_novelty(browser, image):
    run = services.create_run(image=image, recipe=Recipe(preset="regions", n_clusters=4))
    execution.serve_until_empty()
    page = page_of(browser, Run.objects.get(pk=run.pk))
    assert re.search(r'name="n_clusters"\s+value="6">More regions: 6', page)
    assert re.search(r'name="n_clusters"\s+value="3">Fewer regions: 3', page)
    assert 'name="preset" value="regions"' in page
    assert "uncertainty" not in page
    assert browser.get(f"/runs/{run.pk}/uncertainty.png").status_code == 404


def test_deleting_a_run_asks_first_and_leaves_the_picture(browser, finished_run):
    address = f"/runs/{finished_run.pk}/delete/"
    image = finished_run.image
    assert f"Delete this run of {image.name}" in markup(browser.get(address))
    assert Run.objects.exists()
    assert browser.post(address).url == image.get_absolute_url()
    assert not Run.objects.exists()
    image.refresh_from_db()


@pytest.mark.parametrize("action", ["cancel", "retry", "legend"])
def test_looking_changes_nothing(browser, queued_run, action):
    assert browser.get(f"/runs/{queued_run.pk}/{action}/").status_code == 405


def test_staff_who_may_only_look_see_the_result_and_no_way_to_change_it(client, staff, finished_run):
    staff.user_permissions.set(staff.user_permissions.filter(codename__startswith="view_"))
    client.force_login(staff)
    page = page_of(client, finished_run)
    assert "disabled" in page
    assert f"/images/{finished_run.image_id}/run/" not in page
    for action in ("cancel", "retry", "legend", "delete"):
        assert client.post(f"/runs/{finished_run.pk}/{action}/").status_code == 403


@pytest.mark.parametrize("state", ["queued", "cancelled", "succeeded"])
def test_staff_see_whose_run_it_is_and_are_offered_no_change_of_it(client, staff, queued_run, state):
    if state == "succeeded":
        execution.serve_until_empty()
    elif state == "cancelled":
        services.cancel_run(run=queued_run)
    client.force_login(staff)
    page = page_of(client, queued_run)
    assert "This belongs to owner. You see it as staff." in page
    assert f'href="/admin/segmentation/run/{queued_run.pk}/change/"' in page
    for action in ("cancel", "retry", "merge", "undo", "delete"):
        assert f"/runs/{queued_run.pk}/{action}/" not in page
    assert page.count('name="foreground"') == page.count("disabled>")
    assert f"/images/{queued_run.image_id}/run/" not in page


def test_the_owner_is_not_told_whose_run_it_is(browser, queued_run):
    assert "This belongs to" not in page_of(browser, queued_run)


def test_stranger_and_visitor_see_nothing(client, stranger, finished_run):
    address = f"/runs/{finished_run.pk}/"
    assert client.get(address).url == f"/accounts/login/?next={address}"
    client.force_login(stranger)
    assert client.get(address).status_code == 404


def test_nothing_on_the_page_needs_a_style_or_script_inside_it(browser, finished_run):
    page = page_of(browser, finished_run)
    assert not re.search(r"\sstyle=|<style|\son\w+=", page)
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)


def test_regions_are_called_so_from_the_form_to_the_result(browser, image):
    browser.post(f"/images/{image.pk}/run/", {"preset": "regions", "auto": "on"})
    run = Run.objects.get()
    assert (run.n_clusters, run.recipe["preset"]) == (None, "regions")
    assert "<h1>Waiting to start</h1>" in markup(browser.get(run.get_absolute_url()))
    execution.serve_until_empty()
    page = markup(browser.get(run.get_absolute_url()))
    found = len(Run.objects.get().current_revision.legend["clusters"])
    assert f"{found} regions</h1>" in page.replace('<span class="auto-mark">chosen automatically</span>', "").replace(
        " </h1>", "</h1>"
    )
    assert "Log-likelihood" in page
    assert "Iterations" not in page
    assert f"{found} regions" in markup(browser.get("/history/"))
    download = browser.get(f"{run.get_absolute_url()}labels.png?download=1")
    assert f'filename="phantom-regions{found}-labels.png"' in download.headers["Content-Disposition"]
    download.close()
