"""Lines of the log as a collector gets them: which request, run and worker they belong to, and what never stands in them."""

import io
import json
import logging
import logging.config

import pytest
from django.core.exceptions import ImproperlyConfigured

from gmmsite import logs
from tests import factories
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lines(settings):
    """The log as JSON lines from here on; whole again afterwards."""
    stream = io.StringIO()
    configuration = logs.configuration(log_format="json", level="INFO")
    configuration["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(configuration)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.config.dictConfig(settings.LOGGING)


def test_an_unknown_form_is_refused():
    with pytest.raises(ImproperlyConfigured, match="console or json"):
        logs.configuration(log_format="xml", level="INFO")


def test_a_request_keeps_an_id_that_looks_like_one_and_gets_another_otherwise(client):
    assert client.get("/healthz", headers={"x-request-id": "abc-123.def_4"}).headers["X-Request-ID"] == "abc-123.def_4"
    for given in ("", "short", "x" * 65, "with space", "line\nbreak", 'quote"d'):
        answered = client.get("/healthz", headers={"x-request-id": given}).headers["X-Request-ID"]
        assert answered != given
        assert len(answered) == 32


def test_a_line_of_a_request_names_request_person_route_and_run(client, lines, owner, queued_run, monkeypatch):
    def broken(**_kwargs):
        raise RuntimeError("nobody@example.org must not be named")

    client.force_login(owner)
    client.raise_request_exception = False
    monkeypatch.setattr("segmentation.services.run_status", broken)
    answer = client.get(f"/runs/{queued_run.pk}/", headers={"x-request-id": "request-0001"})
    assert answer.status_code == 500
    line = next(line for line in lines() if line["logger"] == "django.request")
    assert line["request_id"] == "request-0001"
    assert line["user_id"] == owner.pk
    assert line["run_id"] == str(queued_run.pk)
    assert line["route"] == "/runs/<uuid:run_id>/"
    assert line["level"] == "error"
    assert "RuntimeError: [address] must not be named" in line["exception"]
    assert "nobody@example.org" not in json.dumps(lines())


def test_what_django_says_of_an_answer_has_the_ids_of_its_request(client, lines, media_root):
    media_root.rmdir()
    assert client.get("/healthz", headers={"x-request-id": "request-0003"}).status_code == 503
    line = next(line for line in lines() if line["logger"] == "django.request")
    assert (line["request_id"], line["route"], line["message"]) == (
        "request-0003",
        "/healthz",
        "Service Unavailable: /healthz",
    )


def test_the_token_of_a_link_is_in_no_line(client, lines):
    client.raise_request_exception = False
    client.get("/accounts/password/reset/key/1-secret-token-of-a-mail/")
    client.get("/accounts/no-such-page/secret-token-of-a-mail/")
    client.post("/theme/", headers={"origin": "https://elsewhere.example"})
    assert "secret-token" not in json.dumps(lines())


def test_what_belongs_to_one_request_is_not_in_the_next(client, lines):
    client.get("/help/", headers={"x-request-id": "request-0002"})
    logging.getLogger("segmentation").info("afterwards")
    assert "request_id" not in lines()[-1]


def test_a_worker_names_itself_the_run_and_the_attempt(start_worker, image):
    worker = start_worker(LOG_FORMAT="json")
    run = factories.make_run(image)
    found = eventually(lambda: [line for line in worker.output.splitlines() if "succeeded" in line])
    line = json.loads(found[0])
    assert (line["run_id"], line["attempt"], line["logger"]) == (str(run.pk), 1, "segmentation.execution.supervisor")
    assert len(line["worker_id"]) == 36
    assert image.name not in worker.output


def test_a_child_of_a_worker_writes_lines_with_the_same_ids(lines, capfd, image, monkeypatch):
    from segmentation import execution  # noqa: PLC0415 - the engine is loaded for this test only

    def noisy(*_args, **_kwargs):
        logging.getLogger("segmentation.engine").warning("said in the child")
        raise RuntimeError("ends here")

    configuration = logs.configuration(log_format="json", level="INFO")
    logging.config.dictConfig(configuration)  # to the real stderr, which the child shares
    monkeypatch.setattr("segmentation.execution.kinds.run.child.pipeline.run", noisy)
    run = factories.make_run(image)
    execution.serve_until_empty()
    said = [json.loads(line) for line in capfd.readouterr().err.splitlines() if "said in the child" in line]
    assert [(line["run_id"], line["attempt"]) for line in said] == [(str(run.pk), 1)]
