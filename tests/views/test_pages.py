import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.urls import include, path

from gmmsite.urls import urlpatterns as site_patterns
from segmentation import services
from segmentation.engine.imaging.formats import FORMATS, name_of_file
from segmentation.views import pages
from segmentation.views.showcase import showcase
from tests.markup import markup

pytestmark = pytest.mark.django_db(transaction=True)

NARROW = "\N{NARROW NO-BREAK SPACE}"
EVERYBODY = ["/", "/help/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]
SIGNED_IN = ["/", "/help/", "/history/", "/account/", "/accounts/password/change/"]


class Links(HTMLParser):
    """Collect the addresses that a page links to or loads, and inline styles and scripts, which the policy forbids."""

    def __init__(self, page):
        super().__init__()
        self.links, self.loaded, self.inline = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.loaded += [
            given[name] for name in ("src", "href") if name in given and tag != "a" and given[name][0] != "#"
        ]
        self.inline += [(tag, name) for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append((tag, ""))


def fault(request):
    raise RuntimeError("on purpose")


def denied(request):
    raise PermissionDenied


def senseless(request):
    raise SuspiciousOperation("on purpose")


def said(request):
    messages.success(request, "cup.png was deleted.")
    messages.error(request, "No run is free.")
    return pages.help_page(request)


urlpatterns = [
    path("fault/", fault),
    path("denied/", denied),
    path("senseless/", senseless),
    path("said/", said),
    path("", include(site_patterns)),
]
handler400, handler403, handler404, handler500 = (
    pages.bad_request,
    pages.permission_denied,
    pages.page_not_found,
    pages.server_error,
)


@pytest.fixture
def faulty(settings):
    """Return a browser on a site with an address for each error."""
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def walk(client, start):
    """Follow every link within the site from `start`, and return the response of each address."""
    answers, waiting = {}, list(start)
    while waiting:
        address = waiting.pop()
        if address in answers:
            continue
        response = client.get(address)
        answers[address] = response.status_code
        if response.headers.get("Content-Type", "").startswith("text/html"):
            for link in Links(markup(response)).links:
                target = urlsplit(urljoin(address, link))
                if not target.netloc and not target.path.startswith("/admin/"):
                    waiting.append(target._replace(fragment="").geturl())
        response.close()
    return answers


def test_no_link_leads_nowhere_for_a_visitor(client):
    answers = walk(client, EVERYBODY)
    assert {address: code for address, code in answers.items() if code >= 400} == {}
    assert set(EVERYBODY) <= set(answers)


def test_no_link_leads_nowhere_for_a_person_with_a_finished_run(browser, finished_run):
    answers = walk(browser, SIGNED_IN)
    assert {address: code for address, code in answers.items() if code >= 400} == {}
    assert finished_run.get_absolute_url() in answers
    assert f"{finished_run.get_absolute_url()}binary.png" in answers


def test_links_within_a_page_have_their_target(client):
    for address in ("/", "/help/"):
        page = markup(client.get(address))
        targets = {link[1:] for link in Links(page).links if link.startswith("#")}
        assert targets <= set(re.findall(r'id="([^"]+)"', page))


@pytest.mark.parametrize("address", EVERYBODY)
def test_pages_for_everybody_are_strict_and_have_nothing_inline(client, address):
    assert_strict(client.get(address))


@pytest.mark.parametrize("address", SIGNED_IN)
def test_pages_behind_the_sign_in_are_strict_and_have_nothing_inline(browser, address):
    assert_strict(browser.get(address))


def assert_strict(response):
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    found = Links(markup(response))
    assert found.inline == []
    assert [address for address in found.loaded if not address.startswith("/")] == []


def test_first_page_offers_an_account_only_while_registration_is_open(client, settings):
    assert "/accounts/signup/" in markup(client.get("/"))
    settings.REGISTRATION_OPEN = False
    page = markup(client.get("/"))
    assert "/accounts/signup/" not in page
    assert "/accounts/login/" in page


def test_example_of_the_first_page_has_a_picture_and_all_shares_for_every_number_of_clusters(client):
    page = markup(client.get("/"))
    results = showcase()["hero"]["results"]
    assert [result["n_clusters"] for result in results] == [2, 3, 4, 5, 6, 7, 8]
    for result in results:
        n = result["n_clusters"]
        assert f"landing/china-k{n}.webp" in page
        assert len(result["clusters"]) == n
        assert sum(cluster.share for cluster in result["clusters"]) == pytest.approx(1)
    assert page.count("<li><svg") == 2 + 3 + 4 + 5 + 6 + 7 + 8


def test_help_states_the_limits_of_this_site(client, settings):
    settings.GMM_MAX_UPLOAD_BYTES = 12_000_000
    settings.GMM_MAX_PIXELS = 7_500_000
    page = markup(client.get("/help/"))
    assert f"up to 12{NARROW}MB and 7.5 megapixels" in page


def test_the_dialog_of_the_browser_offers_every_format_that_is_read(browser):
    page = browser.get("/").content.decode()
    (offered,) = re.findall(r'accept="([^"]*)"', page)
    media_types = {
        "PNG": "image/png",
        "JPEG": "image/jpeg",
        "WEBP": "image/webp",
        "BMP": "image/bmp",
        "GIF": "image/gif",
    }
    media_types |= {"AVIF": "image/avif"}
    for image_format in FORMATS:
        expected = media_types.get(image_format) or name_of_file("a.html", image_format).removeprefix("a.html")
        assert expected in offered.split(",")


@pytest.mark.parametrize("is_taken", [True, False])
def test_pages_name_heic_only_where_it_is_taken(browser, settings, is_taken):
    settings.GMM_HEIC = is_taken
    for address in ("/", "/help/"):
        page = markup(browser.get(address))
        assert ("HEIC" in page) is is_taken
        assert ("heic" in page) is (is_taken and address == "/"), "the dialog of the browser offers these files"


def test_account_shows_what_is_used_of_the_quota(browser, owner, finished_run, settings):
    settings.GMM_QUOTA_IMAGES = 4
    page = markup(browser.get("/account/"))
    assert owner.username in page
    assert "1 of 4 pictures" in page
    assert "1 run." in page
    assert f'max="{settings.GMM_QUOTA_BYTES}" value="{services.usage(owner=owner).bytes}"' in page
    assert '<rect class="fg-part" width="250" height="1" />' in page


def test_account_of_somebody_without_an_address_says_what_that_means(browser):
    assert "a forgotten password cannot be reset" in markup(browser.get("/account/"))


def test_account_asks_for_a_sign_in(client):
    assert client.get("/account/").url == "/accounts/login/?next=/account/"


def test_only_staff_find_the_administration(browser, staff):
    assert "/admin/" not in markup(browser.get("/account/"))
    browser.force_login(staff)
    assert "/admin/" in markup(browser.get("/account/"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_theme_is_kept_in_a_cookie_and_written_into_every_page(client, theme):
    response = client.post("/theme/", {"theme": theme, "next": "/help/"})
    assert (response.status_code, response.url) == (302, "/help/")
    cookie = response.cookies["theme"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == (theme, True, "Lax")
    assert f'<html lang="en-gb" data-theme="{theme}">' in markup(client.get("/help/"))


@pytest.mark.parametrize("theme", ["system", "", '"><script>'])
def test_anything_else_means_as_the_system(client, theme):
    client.cookies["theme"] = "dark"
    client.post("/theme/", {"theme": theme})
    assert client.cookies["theme"].value == ""
    assert "data-theme=" not in markup(client.get("/help/")).split("<head>")[0]


def test_forged_theme_cookie_is_ignored(client):
    client.cookies["theme"] = 'x" onload="y'
    page = markup(client.get("/help/"))
    assert '<html lang="en-gb">' in page


def test_script_that_sets_the_theme_gets_no_page(client):
    response = client.post("/theme/", {"theme": "dark"}, headers={"Accept": "application/json"})
    assert (response.status_code, response.content) == (204, b"")
    assert response.cookies["theme"].value == "dark"


def test_theme_never_leads_to_another_site(client):
    assert client.post("/theme/", {"theme": "dark", "next": "https://example.org/"}).url == "/"


def test_theme_is_changed_by_post_only(client):
    assert client.get("/theme/").status_code == 405


def test_what_was_done_leaves_and_what_was_not_done_stays(faulty):
    page = markup(faulty.get("/said/"))
    assert re.search(
        r'class="toast" role="status" data-temporary>\s*<span class="grow">cup.png was deleted.</span>', page
    )
    assert re.search(r'class="notice" role="alert">.*<p>No run is free.</p>', page, re.DOTALL)


@pytest.mark.parametrize(
    ("address", "code", "says"),
    [
        ("/senseless/", 400, "The server did not understand this request"),
        ("/denied/", 403, "You may see this, but not change it"),
        ("/nowhere/", 404, "There is nothing at this address"),
        ("/fault/", 500, "The server could not create this page"),
    ],
)
def test_every_error_says_what_happened_and_offers_a_way_out(faulty, address, code, says):
    response = faulty.get(address)
    page = markup(response)
    assert response.status_code == code
    assert f"<h1>{says}</h1>" in page
    assert 'class="btn primary"' in page
    assert_strict(response)


def test_who_is_not_staff_is_told_that_the_administration_is_for_staff(client, owner):
    client.force_login(owner)
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403
    assert "<h1>Only staff may open the administration</h1>" in markup(response)


def test_a_page_of_an_error_leaves_messages_for_the_page_that_they_are_meant_for(client, owner, finished_run):
    client.force_login(owner)
    client.post(f"/runs/{finished_run.pk}/delete/")
    lost = markup(client.get(f"/runs/{finished_run.pk}/", headers={"Accept": "text/html"}))
    assert "<h1>There is nothing at this address</h1>" in lost
    assert "was deleted, perhaps in another window" in lost
    assert "changed" not in lost
    said = f"The run of {finished_run.image.name} was deleted."
    assert said not in lost
    assert said in markup(client.get("/history/"))


def test_not_found_leads_a_signed_in_person_back_to_the_history(faulty, owner):
    faulty.force_login(owner)
    assert 'class="btn primary" href="/history/"' in markup(faulty.get("/nowhere/"))


def test_form_without_its_token_is_explained(owner):
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/theme/", {"theme": "dark"})
    assert response.status_code == 403
    assert "<h1>This form was not accepted</h1>" in markup(response)
    assert "theme" not in response.cookies


def test_fault_gives_a_reference_that_stands_in_the_log(faulty, caplog):
    page = markup(faulty.get("/fault/?q=1"))
    reference = re.search(r'<dd class="mono"> ?([0-9a-f]{4}-[0-9a-f]{4}) ?</dd>', page)[1]
    assert f"Reference {reference}: a page could not be created" in caplog.text
    assert 'href="/fault/?q=1"' in page


def test_page_of_a_fault_needs_no_database_session_or_context_processor(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(get_template("500.html").backend.engine, "template_context_processors", ())
    request = RequestFactory().post("/history/")  # has neither user nor session
    request.COOKIES["theme"] = "dark"
    with django_assert_num_queries(0):
        response = pages.server_error(request)
    page = markup(response)
    assert response.status_code == 500
    assert 'data-theme="dark"' in page
    assert "Try again" not in page  # sending a form twice could do something twice
