"""Somebody takes a name that looks like another person's, or like the site's own."""

import importlib
import subprocess
import sys

import pytest
from django.apps import apps

from segmentation import user_names
from segmentation.models import User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

MIXED, RESERVED, LOOKS, TAKEN = "several scripts", "is reserved", "looks the same", "This name is already taken"


def sign_up(client, name):
    return client.post("/accounts/signup/", {"username": name, "password1": factories.PASSWORD})


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("аdmin", MIXED),  # Cyrillic а
        ("adмin", MIXED),
        ("gmm-studiο", MIXED),  # Greek ο
        ("admın", RESERVED),  # i without a dot
        ("adrnin", RESERVED),
        ("roоt", MIXED),
        ("r00t", RESERVED),
        ("supp0rt", RESERVED),
        ("ѕсоре", LOOKS),  # all Cyrillic, like "scope"
        ("sc0pe", LOOKS),
        ("ｓｃｏｐｅ", TAKEN),
        ("Scope", TAKEN),
        ("marnie1", LOOKS),  # of "mamiel"
    ],
)
def test_signing_up_with_it(client, transactional_db, name, sentence):
    for existing in ("scope", "mamiel"):
        factories.make_user(existing)
    assert sentence in sign_up(client, name).content.decode()
    assert User.objects.count() == 2


@pytest.mark.parametrize(
    "name", ["ada", "jürgen", "иван", "δημήτρης", "山田たろう", "田中ken", "김철수", "user_1", "a.b-c+d"]
)
def test_honest_names_of_many_scripts_are_taken(client, transactional_db, name):
    assert sign_up(client, name).status_code == 302
    assert User.objects.get().username == name


@pytest.mark.parametrize("name", ["аda", "ѕсоре"])
def test_taking_it_in_the_administration(client, transactional_db, name):
    client.force_login(User.objects.create_superuser("chief", password=factories.PASSWORD))
    factories.make_user("scope")
    other = factories.make_user("other")
    new = {
        "username": name,
        "usable_password": "true",
        "password1": factories.PASSWORD,
        "password2": factories.PASSWORD,
    }
    client.post("/admin/segmentation/user/add/", new)
    client.post(f"/admin/segmentation/user/{other.pk}/change/", {"username": name, "is_active": "on"})
    assert not User.objects.filter(username=name).exists()


def test_a_name_from_before_stays_and_its_account_can_be_changed(client, transactional_db):
    client.force_login(User.objects.create_superuser("chief", password=factories.PASSWORD))
    old = User.objects.create(username="аda")
    client.post(f"/admin/segmentation/user/{old.pk}/change/", {"username": old.username, "first_name": "Ada"})
    old.refresh_from_db()
    assert (old.first_name, old.is_active) == ("Ada", False)


def test_a_changed_name_is_known_by_its_new_looks(transactional_db):
    person = factories.make_user("before")
    person.username = "scope"
    person.save(update_fields=["username"])
    person.refresh_from_db()
    assert person.skeleton == user_names.skeleton("ѕсоре")


def test_accounts_from_before_are_known_by_their_looks(transactional_db):
    User.objects.create(username="scope")
    User.objects.update(skeleton="")
    migration = importlib.import_module("segmentation.migrations.0008_user_skeleton")
    migration.fill(apps, None)
    assert User.objects.get().skeleton == user_names.skeleton("scope")


def test_the_search_for_look_alikes_uses_an_index(transactional_db):
    plan = User.objects.filter(skeleton="scope").explain().lower()
    assert "skeleton" in plan


def test_neither_table_is_read_before_somebody_chooses_a_name_or_a_password():
    program = (
        "import django, sys; django.setup(); import gmmsite.urls; "
        "print([name for name in sys.modules if name.split('.')[0] in {'confusable_homoglyphs', 'zxcvbn'}])"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "gmmsite.settings", "SECRET_KEY": "k" * 60, "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
