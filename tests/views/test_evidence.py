"""The explanation of an automatically chosen number of clusters."""

import io
import json

import numpy as np
import PIL.Image
import pytest

from segmentation import execution, files, services
from segmentation.engine.recipe import Recipe
from segmentation.models import Run
from tests import factories
from tests.markup import markup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


@pytest.fixture
def auto_run(owner):
    """Return a run that chooses the number of clusters of a noisy picture with three colours."""
    image = factories.make_image(owner, factories.encoded(factories.pixels(240, 180)))
    services.create_run(image=image, recipe=Recipe(n_clusters=None))
    execution.serve_until_empty()
    return Run.objects.select_related("job", "image", "result").get()


def test_the_engine_finds_the_three_colours_and_says_why(browser, auto_run):
    evidence = services.evidence(run=auto_run)
    assert evidence.n_clusters == 3 == len(services.stored_result(run=auto_run).clusters)
    assert [row.n_clusters for row in evidence.rows] == list(range(1, len(evidence.rows) + 1))
    for row in evidence.rows:
        assert row.icl == pytest.approx(row.fit - row.overlap - row.parameters)
    page = markup(browser.get(auto_run.get_absolute_url()))
    assert "Why 3 clusters" in page
    assert evidence.sentence in page
    assert "chosen automatically" in page


def test_the_file_holds_the_reason_as_a_code_with_values(auto_run):
    arrays = fit_arrays(auto_run)
    assert json.loads(str(arrays["evidence_reason"])) == {"code": "best", "values": {"n_clusters": 3}}
    assert "evidence_sentence" not in arrays


def test_a_file_of_an_earlier_release_gives_the_same_reason(browser, auto_run):
    """Evidence of an earlier release contains an English sentence instead of a code."""
    before = services.evidence(run=auto_run)
    arrays = fit_arrays(auto_run)
    del arrays["evidence_reason"]
    arrays["evidence_sentence"] = np.array("Three clusters describe this picture best.")
    earlier = io.BytesIO()
    np.savez_compressed(earlier, allow_pickle=False, **arrays)
    key = auto_run.result.files["fit.npz"]["key"]
    files.delete(key)
    files.put(key, earlier.getvalue())
    assert services.evidence(run=Run.objects.select_related("job", "image", "result").get()) == before
    assert before.sentence in markup(browser.get(auto_run.get_absolute_url()))


def fit_arrays(run):
    with np.load(io.BytesIO(files.read(run.result.files["fit.npz"]["key"])), allow_pickle=False) as arrays:
        return dict(arrays)


def test_every_number_has_its_little_picture(browser, auto_run):
    for row in services.evidence(run=auto_run).rows:
        response = browser.get(f"{auto_run.get_absolute_url()}evidence/{row.n_clusters}.png")
        assert response.headers["Content-Type"] == "image/png"
        with PIL.Image.open(io.BytesIO(response.content)) as picture:
            indices = np.asarray(picture)
        assert indices.shape == (60, 80)
        assert indices.max() < row.n_clusters
    assert browser.get(f"{auto_run.get_absolute_url()}evidence/0.png").status_code == 404
    assert browser.get(f"{auto_run.get_absolute_url()}evidence/99.png").status_code == 404


def test_one_click_takes_another_number_with_the_same_settings(browser, auto_run):
    page = markup(browser.get(auto_run.get_absolute_url()))
    assert 'name="n_clusters" value="4"' in page
    browser.post(f"/images/{auto_run.image_id}/run/", {"n_clusters": "4", "parent": str(auto_run.pk)})
    taken = Run.objects.exclude(pk=auto_run.pk).get()
    assert (taken.n_clusters, taken.parent_id) == (4, auto_run.pk)


def test_a_stranger_sees_no_evidence(client, auto_run, stranger):
    client.force_login(stranger)
    assert client.get(f"{auto_run.get_absolute_url()}evidence/3.png").status_code == 404


def test_a_run_with_a_number_has_none(browser, finished_run):
    assert services.evidence(run=finished_run) is None
    assert "chosen automatically" not in markup(browser.get(finished_run.get_absolute_url()))
    assert browser.get(f"{finished_run.get_absolute_url()}evidence/3.png").status_code == 404


def test_the_page_says_which_pixels_were_looked_at(browser, auto_run):
    page = markup(browser.get(auto_run.get_absolute_url()))
    assert "The numbers 1 to 10 were tried on a sample of at most 3,000 pixels" in page
    assert "interior pixels" not in page


def test_evidence_of_an_earlier_release_is_said_to_be_of_interior_pixels(browser, auto_run):
    arrays = fit_arrays(auto_run)
    del arrays["evidence_pixels"]
    earlier = io.BytesIO()
    np.savez_compressed(earlier, allow_pickle=False, **arrays)
    key = auto_run.result.files["fit.npz"]["key"]
    files.delete(key)
    files.put(key, earlier.getvalue())
    page = markup(browser.get(auto_run.get_absolute_url()))
    assert "An earlier release chose this number from interior pixels only" in page
    assert "were tried" not in page


def test_of_a_single_colour_nothing_is_claimed_about_other_numbers(owner):
    image = factories.make_image(owner, factories.encoded(np.full((40, 50, 3), 90, np.uint8)))
    run = services.create_run(image=image, recipe=Recipe(n_clusters=None))
    execution.serve_until_empty()
    evidence = services.evidence(run=Run.objects.get(pk=run.pk))
    assert len(evidence.rows) == 1
    assert evidence.sentence == "The pixels of this picture have a single value, so no other number could be tried."
