"""Bodies and parameters drawn at random, for every operation of the API: never a fault, always a problem with a code."""

import json
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.api import api
from segmentation.models import Job
from tests.clients import Browser, problem_of

pytestmark = pytest.mark.django_db(transaction=True)

OPERATIONS = sorted(
    (method.upper(), path) for path, methods in api.get_openapi_schema()["paths"].items() for method in methods
)
FIELDS = st.sampled_from(
    [
        *(
            "image",
            "recipe",
            "inputs",
            "begin",
            "revision",
            "clusters",
            "merge",
            "undo",
            "index",
            "foreground",
            "mixture",
        ),
        *("mask", "weights", "means", "covariances", "schema", "units", "n_clusters", "preset", "seed", "tolerance"),
    ]
)
NUMBERS = st.one_of(st.integers(), st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**400]), st.floats())
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=8), st.uuids().map(str), st.just("\x00")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(FIELDS, st.text(max_size=4)), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.dictionaries(FIELDS, VALUES, max_size=6),
    st.fixed_dictionaries(
        {"image": st.just("IMAGE"), "recipe": st.dictionaries(FIELDS, VALUES, max_size=3)},
        optional={"inputs": VALUES, "begin": VALUES},
    ),
    st.fixed_dictionaries(
        {"revision": NUMBERS}, optional={"clusters": VALUES, "merge": st.lists(NUMBERS, max_size=3), "undo": VALUES}
    ),
    VALUES,
)
QUERIES = st.dictionaries(
    st.sampled_from(["x", "y", "parameters", "z"]), st.one_of(NUMBERS.map(str), st.text(max_size=5)), max_size=3
)
IDS = st.one_of(st.just("RUN"), st.just("IMAGE"), st.uuids().map(str))


@pytest.fixture
def browser(owner):
    return Browser(owner)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_body_or_parameter_makes_a_fault(browser, finished_run, method, path, data):
    if method == "DELETE":
        known = {
            "RUN": str(uuid.uuid4()),
            "IMAGE": str(uuid.uuid4()),
        }  # what is deleted would be missed by the next example
    else:
        known = {"RUN": str(finished_run.pk), "IMAGE": str(finished_run.image_id)}
    given_id = data.draw(IDS)
    address = path.format(image_id=known.get(given_id, given_id), run_id=known.get(given_id, given_id))
    body = json.dumps(data.draw(BODIES)).replace('"IMAGE"', f'"{known["IMAGE"]}"')
    answer = browser.generic(
        method,
        address,
        body,
        content_type="application/json",
        query_params=data.draw(QUERIES),
        headers={"X-CSRFToken": browser.cookies["csrftoken"].value},
    )
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400:
        problem_of(answer)
    Job.objects.exclude(pk=finished_run.pk).delete()


def test_all_operations_of_the_api_are_tried():
    assert len(OPERATIONS) >= 14
    assert {method for method, _path in OPERATIONS} == {"GET", "POST", "PATCH", "DELETE"}
