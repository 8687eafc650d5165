"""Pages write numbers and dates as the language has them; what programs read is the same in every language."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from segmentation.models import Job

NUMERIC = re.compile(r"[-+\d.,:eE ()a-z]*\d[-+\d.,:eE ()a-z]*")
FOR_PEOPLE = {"alt", "aria-label", "title", "placeholder", "content"}
SETTINGS = {"smoothness": 0.5, "tolerance": 0.00002, "seed": 1234567, "max_iterations": 1000}


class Values(HTMLParser):
    """The attributes of a page with a digit in them, which programs read."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found += [
            (tag, name, value) for name, value in attributes
            if value and name not in FOR_PEOPLE and not value.startswith("/") and NUMERIC.fullmatch(value)
        ]  # fmt: skip

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def run(finished_run):
    finished_run.recipe |= SETTINGS
    finished_run.save()
    Job.objects.filter(pk=finished_run.pk).update(created=datetime(2024, 12, 3, 17, 12, tzinfo=UTC))
    return finished_run


@pytest.fixture
def speak(settings):
    def language(code):
        settings.LANGUAGE_CODE, settings.LANGUAGES = code, [(code, code)]

    return language


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "address",
    ["/", "/help/", "/account/", "/history/", "/images/{image}/", "/runs/{run}/", "/runs/{run}/?count=regions"],
)
def test_attributes_are_the_same_in_every_language(client, owner, run, speak, address):
    client.force_login(owner)
    pages = {}
    for code in ("en-gb", "de"):
        speak(code)
        pages[code] = Values(client.get(address.format(image=run.image_id, run=run.pk)).content.decode())
    assert f'lang="{code}"' in client.get("/").content.decode()
    assert len(pages["de"].found) > 10
    assert pages["de"].found == pages["en-gb"].found


@pytest.mark.django_db(transaction=True)
def test_what_a_page_says_is_written_in_its_language(client, owner, run, speak):
    client.force_login(owner)
    said = {}
    for code in ("en-gb", "de"):
        speak(code)
        addresses = (f"/runs/{run.pk}/", "/history/", f"/images/{run.image_id}/")
        said[code] = "".join(Values(client.get(address).content.decode()).text for address in addresses)
    for english, german in (
        ("1,728 pixels", "1.728 pixels"),
        ("0.00002 nats", "0,00002 nats"),
        ("3 December 2024", "3. Dezember 2024"),
    ):
        assert english in said["en-gb"]
        assert german not in said["en-gb"]
        assert german in said["de"]
        assert english not in said["de"]
    assert "1234567" in said["de"]  # a seed is a name


@pytest.mark.django_db(transaction=True)
def test_what_programs_read_is_the_same_in_every_language(client, owner, run, speak):
    client.force_login(owner)
    read = []
    for code in ("en-gb", "de"):
        speak(code)
        addresses = (f"/api/v1/runs/{run.pk}", f"/runs/{run.pk}/run.json", f"/runs/{run.pk}/labels.png")
        answers = [client.get(address) for address in addresses]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        read.append([b"".join(answer) for answer in answers])
    assert read[0] == read[1]
