"""After people have deleted their account, nothing of it remains in the database or the storage."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from segmentation import execution, services
from segmentation.models import Image, Job, Run, User
from tests import factories
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/account/delete/"
NAME, EMAIL, PICTURE = "ada-of-lovelace", "ada.lovelace@example.org", "quartz-under-crossed-polars.png"


@pytest.fixture
def ada(transactional_db):
    """Return a person with every type of data, signed in on three devices."""
    ada = factories.make_user(NAME, email=EMAIL)
    EmailAddress.objects.create(user=ada, email=EMAIL, primary=True, verified=True)
    image = factories.make_image(ada, name=PICTURE)
    run = factories.make_run(image)
    factories.make_mask(image)
    services.create_archive(owner=ada)
    execution.serve_until_empty()
    run = Run.objects.select_related("job", "image", "result").get(pk=run.pk)
    services.edit_legend(run=run, author=ada, expected=0, merge=(0, 1))
    services.open_artefact(run=run, name="binary", actor=ada).close()
    factories.make_run(image)  # waits
    return ada


@pytest.fixture
def browser(ada):
    return Browser(ada)


def ask(browser, password=factories.PASSWORD):
    token = browser.cookies["csrftoken"].value
    return browser.post(ADDRESS, {"password": password, "csrfmiddlewaretoken": token})


def traces(values):
    """Return where one of the values occurs: in any column of any table, or in the name or content of any stored file."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - names from the database
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                found += [
                    (table, name, value)
                    for name, cell in zip(columns, row, strict=True)
                    for value in values
                    if value in str(cell).replace("-", "")
                ]
    for key in walk(""):
        with default_storage.open(key) as file:
            data = file.read()
        found += [(key, value) for value in values if value in key.replace("-", "") or value.encode() in data]
    return found


def walk(folder):
    folders, names = default_storage.listdir(folder)
    yield from (f"{folder}/{name}".lstrip("/") for name in names)
    for each in folders:
        yield from walk(f"{folder}/{each}".lstrip("/"))


def references(user_id):
    """Return the rows whose foreign keys or sessions refer to a person."""
    found = [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.concrete
        and field.many_to_one
        and field.related_model is User
        and model._base_manager.filter(**{field.attname: user_id}).exists()
    ]
    sessions = [one for one in Session.objects.all() if one.get_decoded().get("_auth_user_id") == str(user_id)]
    return found + sessions


def test_nothing_of_the_person_is_left_anywhere(ada, browser):
    for _ in range(2):
        Client().force_login(ada)
    other = factories.make_image(factories.make_user("other")).owner
    user_id = ada.pk
    keys = [
        str(key).replace("-", "")
        for model in (Image, Job)
        for key in model.objects.filter(owner=ada).values_list("pk", flat=True)
    ]
    values = [NAME.replace("-", ""), EMAIL.replace("-", ""), PICTURE.replace("-", ""), *keys]
    assert traces(values), "the search finds what is there"
    assert references(user_id)
    answer = ask(browser)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert traces(values) == []
    assert references(user_id) == []
    assert not User.objects.filter(pk=user_id).exists()
    assert list(Image.objects.values_list("owner", flat=True)) == [other.pk]
    assert "_auth_user_id" not in browser.session


def test_it_says_in_numbers_what_goes(browser):
    page = browser.get(ADDRESS).content.decode()
    assert re.search(r"1 picture,\s+2 runs\s+and all results \([\d.,]+.[kM]B\)", page), page


@pytest.mark.parametrize("password", ["", "not-the-password"])
def test_it_asks_for_the_password(browser, ada, password):
    answer = ask(browser, password)
    assert answer.status_code == 200
    assert User.objects.filter(pk=ada.pk).exists()


def test_passwords_cannot_be_guessed_at_an_open_session(browser, ada):
    for number in range(11):
        ask(browser, f"guess-{number}")
    ask(browser)
    assert User.objects.filter(pk=ada.pk).exists()


def test_staff_whose_work_is_in_the_log_are_told_what_to_do(transactional_db):
    staff = factories.make_staff()
    LogEntry.objects.create(
        user=staff,
        content_type=ContentType.objects.get_for_model(User),
        object_id="1",
        object_repr="x",
        action_flag=CHANGE,
        change_message="",
    )
    browser = Browser(staff)
    page = browser.get(ADDRESS).content.decode()
    assert "ask another member of staff to switch your account off" in page
    assert 'name="password"' not in page
    ask(browser)
    assert User.objects.filter(pk=staff.pk).exists()


def test_the_only_superuser_cannot_go(transactional_db):
    root = factories.make_user("root", is_staff=True, is_superuser=True)
    browser = Browser(root)
    ask(browser)
    assert User.objects.filter(pk=root.pk).exists()


def test_the_browser_forgets_who_signed_in_with_it(ada):
    browser = Browser()
    browser.post(
        "/accounts/login/",
        {"login": NAME, "password": factories.PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"].value},
    )
    assert browser.session.get("_auth_user_id") == str(ada.pk)
    device = next(name for name in browser.cookies if "device" in name)
    browser.get(ADDRESS)
    ask(browser)
    assert browser.cookies[device].value == ""
