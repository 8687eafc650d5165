import io

import PIL.Image
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation.models import Image, Run
from segmentation.samples import SAMPLES
from tests.markup import markup

pytestmark = pytest.mark.django_db(transaction=True)


def picture(name="two.png"):
    drawn = PIL.Image.new("RGB", (12, 8), "#c02020")
    drawn.paste("#2020c0", (6, 0, 12, 8))
    data = io.BytesIO()
    drawn.save(data, "PNG")
    return SimpleUploadedFile(name, data.getvalue(), content_type="image/png")


@pytest.fixture
def browser(client, owner, media):
    client.force_login(owner)
    return client


def test_visitor_sees_the_landing_page_and_no_form(client):
    response = client.get("/")
    assert response.status_code == 200
    assert b'name="image"' not in response.content


def test_visitor_who_posts_is_asked_to_sign_in(client):
    response = client.post("/", {"image": picture()})
    assert (response.status_code, response.url) == (302, "/accounts/login/?next=/")
    assert not Image.objects.exists()


def test_signed_in_person_finds_the_form_and_the_samples(browser, owner):
    page = markup(browser.get("/"))
    assert owner.username in page
    assert 'name="image"' in page
    assert 'name="n_clusters"' in page
    for sample in SAMPLES:
        assert f"/samples/{sample.slug}/" in page


def test_picture_and_number_start_a_run_and_end_on_its_page(browser, owner):
    response = browser.post("/", {"image": picture(), "n_clusters": "5"})
    run = Run.objects.get()
    assert (response.status_code, response.url) == (302, f"/runs/{run.pk}/")
    assert (run.n_clusters, run.job.owner, run.image.name) == (5, owner, "two.png")


def test_without_a_number_the_default_is_taken(browser):
    browser.post("/", {"image": picture()})
    assert Run.objects.get().n_clusters == 3


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"n_clusters": "7"}, "No picture was chosen."),
        ({"image": SimpleUploadedFile("empty.png", b""), "n_clusters": "7"}, "empty.png was not uploaded"),
        ({"image": SimpleUploadedFile("no<b>.png", b"GIF8"), "n_clusters": "7"}, "no&lt;b&gt;.png was not uploaded"),
    ],
)
def test_refusal_says_what_happened_and_keeps_the_number(browser, data, says):
    response = browser.post("/", data)
    page = markup(response)
    assert response.status_code == 422
    assert says in page
    assert "Nothing was stored." in page
    assert 'name="n_clusters" type="number"' in page
    assert 'value="7"' in page
    assert not Image.objects.exists()


@pytest.mark.parametrize("given", ["1", "33", "x"])
def test_number_out_of_range_stores_nothing(browser, given):
    response = browser.post("/", {"image": picture(), "n_clusters": given})
    assert response.status_code == 422
    assert "The number of clusters must be" in markup(response)
    assert not Image.objects.exists()


def test_picture_above_the_limit_is_refused(browser, settings):
    settings.GMM_MAX_UPLOAD_BYTES = 10
    response = browser.post("/", {"image": picture("large.png")})
    assert response.status_code == 422
    assert "large.png was not uploaded" in markup(response)


def test_when_no_run_is_free_the_picture_is_kept_and_shown(browser, settings):
    settings.GMM_QUOTA_ACTIVE_RUNS = 0
    response = browser.post("/", {"image": picture()}, follow=True)
    assert response.redirect_chain == [(Image.objects.get().get_absolute_url(), 302)]
    assert "limit of waiting and active runs" in markup(response)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.slug)
def test_every_sample_starts_with_one_post(browser, sample):
    assert browser.get(f"/samples/{sample.slug}/").headers["Content-Type"].startswith("image/")
    response = browser.post(f"/samples/{sample.slug}/", {"n_clusters": "4"})
    run = Run.objects.get()
    assert response.url == f"/runs/{run.pk}/"
    assert run.n_clusters == 4


def test_sample_that_does_not_exist_is_not_found(browser):
    assert browser.get("/samples/none/").status_code == 404
    assert browser.post("/samples/none/").status_code == 404


def test_visitor_cannot_start_a_sample(client):
    response = client.post(f"/samples/{SAMPLES[0].slug}/")
    assert response.status_code == 302
    assert "/accounts/login/" in response.url


def test_recent_shows_own_runs_only(browser, finished_run, stranger):
    assert f"/runs/{finished_run.pk}/" in markup(browser.get("/"))
    browser.force_login(stranger)
    assert f"/runs/{finished_run.pk}/" not in markup(browser.get("/"))
