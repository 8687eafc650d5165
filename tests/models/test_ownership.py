"""Whose images and runs the queries give: `visible_to`, the only gate, and `owned_by`, for a person's own lists."""

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.utils import timezone

from segmentation import services
from segmentation.models import Image, Run
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def theirs(stranger):
    """Somebody else's picture, with a run."""
    return factories.make_run(factories.make_image(stranger)).image


def keeper(*permissions, **fields):
    """A member of staff with these permissions only."""
    person = factories.make_user("-".join(permissions) or "keeper", is_staff=True, **fields)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return person


def visible(user):
    return set(Image.objects.visible_to(user)), {run.image for run in Run.objects.visible_to(user)}


def test_a_person_sees_what_is_theirs(queued_run, theirs, owner, stranger):
    assert visible(owner) == ({queued_run.image}, {queued_run.image})
    assert visible(stranger) == ({theirs}, {theirs})
    assert visible(AnonymousUser()) == (set(), set())


def test_an_account_that_was_switched_off_sees_nothing(queued_run, owner):
    owner.is_active = False
    assert visible(owner) == (set(), set())


def test_staff_see_all_of_a_kind_with_its_view_permission_only(queued_run, theirs):
    both = {queued_run.image, theirs}
    assert visible(keeper()) == (set(), set())
    assert visible(keeper("view_image")) == (both, set())
    assert visible(keeper("view_run")) == (set(), both)
    assert visible(keeper("change_image", "change_run", "delete_image", "delete_run")) == (set(), set())
    assert visible(factories.make_user("root", is_staff=True, is_superuser=True)) == (both, both)
    assert visible(keeper("view_image", "view_run", is_active=False)) == (set(), set())


def test_permissions_of_somebody_who_is_no_staff_any_more_show_nothing(queued_run):
    person = keeper("view_image", "view_run")
    person.is_staff = False
    assert visible(person) == (set(), set())


def test_own_lists_hold_ones_own_only_even_of_staff(queued_run, theirs, staff, owner):
    assert list(Image.objects.owned_by(owner)) == [queued_run.image]
    assert list(Run.objects.owned_by(owner)) == [queued_run]
    assert not Image.objects.owned_by(staff).exists()
    assert not Run.objects.owned_by(staff).exists()
    assert not Run.objects.owned_by(AnonymousUser()).exists()


def test_what_is_in_the_bin_is_gone_from_every_list(client, queued_run, theirs, owner, staff):
    kept = factories.make_run(factories.make_image(owner, name="kept.png"))
    Image.objects.filter(pk=queued_run.image_id).update(trashed=timezone.now())
    assert list(Image.objects.owned_by(owner)) == [kept.image]
    assert list(Run.objects.owned_by(owner)) == [kept]
    assert visible(owner) == ({kept.image}, {kept.image})
    assert visible(staff) == ({kept.image, theirs}, {kept.image, theirs})
    assert services.usage(owner=owner).runs == 1
    client.force_login(owner)
    for address in ("/", "/history/", "/history/?state=none", "/history/?q=phantom"):
        page = client.get(address).content.decode()
        assert str(queued_run.pk) not in page
        assert str(queued_run.image_id) not in page
    assert str(kept.pk) in client.get("/history/").content.decode()


def test_runs_are_listed_newest_first(image, owner):
    runs = [factories.make_run(image, n_clusters=count) for count in (2, 3, 4)]
    assert list(Run.objects.owned_by(owner).newest_first()) == runs[::-1]


def test_a_list_of_runs_takes_as_many_queries_whatever_its_length(finished_run, django_assert_num_queries):
    for count in (1, 3):
        while Run.objects.count() < count:
            factories.make_run(finished_run.image)
        with django_assert_num_queries(2):
            for run in Run.objects.for_lists():
                assert run.image.owner_id == run.job.owner.pk
                assert not run.succeeded or run.current_revision.number == run.revision
