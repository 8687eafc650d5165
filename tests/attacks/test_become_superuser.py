"""Staff try to get permissions that they do not have: by every address of the administration, with forms that ask for all."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin import site
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.test import Client
from django.urls import URLPattern, reverse

from segmentation.models import User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "walnut-meadow-kite"
ACCOUNTS = ("user", "group", "emailaddress", "logentry", "permission", "session", "contenttype")


def permissions_on(*models):
    return Permission.objects.filter(content_type__model__in=models)


@pytest.fixture
def chief(transactional_db):
    """A superuser with a confirmed address."""
    person = User.objects.create_superuser("chief", "chief@example.org", factories.PASSWORD)
    EmailAddress.objects.create(user=person, email="chief@example.org", verified=True, primary=True)
    return person


@pytest.fixture
def deputy(chief):
    """Staff who may do everything with runs, some of it through a group; switched off for now."""
    person = factories.make_user("deputy", is_staff=True, email="deputy@example.org")
    person.user_permissions.set(Permission.objects.filter(codename__in=["view_run", "change_run"]))
    deleters = Group.objects.create(name="deleters")
    deleters.permissions.set(Permission.objects.filter(codename="delete_run"))
    person.groups.add(deleters)
    User.objects.filter(pk=person.pk).update(is_active=False)
    EmailAddress.objects.create(user=person, email="deputy@example.org", verified=False, primary=True)
    return person


@pytest.fixture
def rows(chief, deputy, owner, finished_run, worker_row):
    """A row of each model in the administration that the attacks can aim at."""
    Group.objects.create(name="readers").permissions.set(permissions_on("emailaddress"))
    EmailAddress.objects.create(user=owner, email="owner@example.org", verified=True, primary=True)
    content_type = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(user=chief, content_type=content_type, object_id=str(owner.pk), action_flag=CHANGE)
    return chief, deputy


def addresses_of_the_administration():
    """Every address below /admin/, one for each row that it could be about."""
    for model, admin in site._registry.items():
        keys = list(model._base_manager.values_list("pk", flat=True))
        for pattern in admin.get_urls():
            if not isinstance(pattern, URLPattern) or pattern.name is None:
                continue  # the old address of a page, which leads to the new one
            names = list(pattern.pattern.converters)
            assert len(names) <= 1, pattern
            for key in keys if names else [None]:
                kwargs = {names[0]: key} if names else {}
                yield model, key, reverse(f"admin:{pattern.name}", kwargs=kwargs)
    for name in ("index", "password_change", "autocomplete", "jsi18n"):
        yield None, None, reverse(f"admin:{name}")


def greedy_forms(model, key, me, chief):
    """Forms that ask for everything, of whatever kind the address takes."""
    row = model._base_manager.filter(pk=key).first() if key else None
    everything = list(Permission.objects.values_list("pk", flat=True))
    wanted = {
        "is_staff": "on", "is_superuser": "on", "is_active": "on", "groups": list(Group.objects.values_list("pk", flat=True)),
        "user_permissions": everything, "permissions": everything, "verified": "on",
        "usable_password": "true", "password1": NEW, "password2": NEW, "post": "yes", "_save": "Save",
    }  # fmt: skip
    names = {"username": getattr(row, "username", "newcomer"), "name": getattr(row, "name", "new group")}
    for person, email in ((chief, "eve@example.org"), (me, "chief@example.org")):
        yield wanted | names | {"user": person.pk, "email": email}
    if model and not key:
        chosen = list(map(str, model._base_manager.values_list("pk", flat=True)))
        for action in ("delete_selected", "make_verified", "cancel_selected", "retry_selected"):
            yield {"action": action, "_selected_action": chosen, "index": "0", "post": "yes"}
        fields = {"email": "eve@example.org", "is_superuser": "on", "verified": "on", "user": me.pk}
        rows = {f"form-{i}-{name}": value for i in range(len(chosen)) for name, value in fields.items()}
        ids = {f"form-{i}-id": key for i, key in enumerate(chosen)}
        yield {"form-TOTAL_FORMS": len(chosen), "form-INITIAL_FORMS": len(chosen), "_save": "Save"} | rows | ids


def held(person):
    return set(person.user_permissions.values_list("pk", flat=True)) | set(
        Permission.objects.filter(group__user=person).values_list("pk", flat=True)
    )


def held_by_groups():
    return set(Permission.objects.exclude(group=None).values_list("pk", flat=True))


def account_of(person):
    """What opens an account."""
    stored = (
        User.objects.filter(pk=person.pk).values("username", "password", "email", "is_active", "is_superuser").get()
    )
    addresses = EmailAddress.objects.filter(user=person).values_list("email", "verified", "primary")
    return stored | {"addresses": sorted(addresses)}


@pytest.mark.parametrize("models", [("user",), ("group",), ("emailaddress",), ACCOUNTS], ids="+".join)
def test_taking_or_handing_out_what_one_has_not(client, rows, models, capsys):
    chief, deputy = rows
    me = factories.make_user("eve", is_staff=True, email="eve@example.org")
    me.user_permissions.set(permissions_on(*models))
    EmailAddress.objects.create(user=me, email="eve@example.org", verified=False, primary=True)
    mine, others = held(me), held_by_groups()
    before, deputys = [account_of(person) for person in (chief, deputy)], held(deputy)
    client.force_login(me)
    tried = 0
    for model, key, address in list(addresses_of_the_administration()):
        forms = [None, *greedy_forms(model, key, me, chief)]
        for form in forms:
            answer = client.get(address) if form is None else client.post(address, form)
            assert answer.status_code < 500, (address, form)
        tried += len(forms)
        assert [account_of(person) for person in (chief, deputy)] == before, address
        assert held(deputy) == deputys, address
        assert set(User.objects.filter(is_superuser=True)) == {chief}, address
        assert set(User.objects.filter(is_staff=True)) == {chief, deputy, me}, address
        assert set().union(*map(held, User.objects.exclude(pk__in=[chief.pk, deputy.pk]))) <= mine, address
        assert held_by_groups() <= mine | others, address
        assert client.session["_auth_user_id"] == str(me.pk), "the attack ended itself"
    with capsys.disabled():
        print(f"\n{tried} requests to the administration as staff with permissions on {', '.join(models)}")  # noqa: T201 - says how much was tried


def test_the_same_forms_give_a_superuser_everything(client, rows, chief, deputy):
    """The attack above would be noticed."""
    client.force_login(chief)
    me = factories.make_user("eve")
    for address, model, key in (
        (reverse("admin:segmentation_user_change", args=[me.pk]), User, me.pk),
        (f"/admin/segmentation/user/{deputy.pk}/password/", User, deputy.pk),
        (reverse("admin:account_emailaddress_add"), EmailAddress, None),
        (reverse("admin:auth_group_add"), Group, None),
    ):  # fmt: skip
        form = next(greedy_forms(model, key, me, chief))
        assert client.post(address, form).status_code == 302, address
    me.refresh_from_db()
    assert me.is_superuser
    assert User.objects.get(pk=deputy.pk).check_password(NEW)
    assert EmailAddress.objects.filter(user=chief, email="eve@example.org", verified=True).exists()
    assert Group.objects.get(name="new group").permissions.count() == Permission.objects.count()


@pytest.mark.parametrize("whose", ["chief", "deputy", "owner"])
def test_a_new_password_through_an_own_address_on_somebody_elses_account(client, chief, deputy, owner, whose):
    User.objects.update(is_active=True)
    victim = User.objects.get(username=whose)
    me = factories.make_user("eve", is_staff=True)
    me.user_permissions.set(permissions_on("emailaddress"))
    client.force_login(me)
    client.post("/admin/account/emailaddress/add/", {"user": victim.pk, "email": "eve@example.org", "verified": "on"})
    assert not victim.emailaddress_set.filter(email="eve@example.org").exists()
    Client().post("/accounts/password/reset/", {"email": "eve@example.org"})
    assert [message.subject for message in mail.outbox] == ["No account with this address"]


def test_staff_who_may_change_people_help_those_who_may_less(client, chief, owner):
    helper = factories.make_user("helper", is_staff=True)
    helper.user_permissions.set(permissions_on("user", "emailaddress"))
    client.force_login(helper)
    new = {"user": owner.pk, "email": "owner@example.org", "verified": "on"}
    assert client.post("/admin/account/emailaddress/add/", new).status_code == 302
    passwords = {"usable_password": "true", "password1": NEW, "password2": NEW}
    assert client.post(f"/admin/segmentation/user/{owner.pk}/password/", passwords).status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert owner.emailaddress_set.get().verified


def test_a_group_with_what_one_has(client, chief):
    keeper = factories.make_user("keeper", is_staff=True)
    keeper.user_permissions.set(permissions_on("group"))
    client.force_login(keeper)
    mine = list(permissions_on("group").values_list("pk", flat=True))
    assert client.post("/admin/auth/group/add/", {"name": "keepers", "permissions": mine}).status_code == 302
    assert set(Group.objects.get(name="keepers").permissions.values_list("pk", flat=True)) == set(mine)


@pytest.mark.parametrize("model", sorted(model._meta.label_lower for model in site._registry))
def test_learning_a_password_hash_letter_by_letter_from_a_filter(client, rows, staff, model):
    staff.user_permissions.set(Permission.objects.all())
    client.force_login(staff)
    address = reverse(f"admin:{model.replace('.', '_')}_changelist")
    for path in ("password", "user__password", "owner__password", "job__owner__password", "image__owner__password"):
        found = [
            client.get(address, {f"{path}__startswith": guess}, follow=True).content for guess in ("md5$", "argon$")
        ]
        assert (
            len({re.sub(rb"csrf\w+\" value=\"\w+|nonce\w*", b"", page).count(b"_selected_action") for page in found})
            == 1
        )
