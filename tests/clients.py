"""Browsers and scripts as tests send them."""

import json

from django.test import Client

from segmentation.http import PROBLEM_TYPE

CODES = frozenset(
    {
        *(
            "empty",
            "too_large",
            "unsupported_format",
            "extension_mismatch",
            "too_many_pixels",
            "too_many_bands",
            "corrupt",
        ),
        *("decode_timeout", "bad_recipe", "quota_bytes", "quota_images", "quota_runs", "rate_limited", "busy"),
        *("revision_conflict", "state_conflict", "invalid_request", "not_authenticated", "permission_denied"),
        *("not_found", "out_of_memory", "deadline", "crashed", "internal_error", "worker_lost", "storage_unavailable"),
        *("too_complex", "idempotency_conflict"),
    }
)
"""All codes of the API's contract."""


class Browser(Client):
    """A browser of somebody who is signed in, with a CSRF token that is asked for; a fault is an answer, not an exception.

    `send` sends the token as pages do.
    """

    def __init__(self, user=None):
        super().__init__(enforce_csrf_checks=True, raise_request_exception=False)
        if user is not None:
            self.force_login(user)
        self.get("/accounts/password/change/" if user else "/accounts/login/")
        assert "csrftoken" in self.cookies

    def send(self, method, address, body="", content_type="application/json", **headers):
        """Send any body, a JSON value or bytes, with any method."""
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        headers = {"X-CSRFToken": self.cookies["csrftoken"].value} | headers
        return self.generic(method, address, data, content_type=content_type, headers=headers)

    def send_form(self, address, fields):
        """Send what a form sends, files included."""
        return self.post(address, fields, headers={"X-CSRFToken": self.cookies["csrftoken"].value})


def problem_of(response):
    """Return the problem details of an answer that must be an error in the form that the API promises."""
    assert response.headers["Content-Type"] == PROBLEM_TYPE, (response.status_code, response.content[:200])
    problem = json.loads(response.content)
    assert set(problem) == {"type", "title", "status", "detail", "code"}
    assert problem["status"] == response.status_code >= 400
    assert problem["code"] in CODES
    assert problem["detail"]
    return problem


def content_of(response):
    """Return the bytes of an answer, and close it."""
    content = response.getvalue()
    response.close()
    return content
