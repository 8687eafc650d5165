import pytest

from tests.webserver import WebServer


@pytest.fixture
def start_web(transactional_db, media, tmp_path):
    """Start any number of real web servers: `start_web(GMM_WEB_CHILDREN=1)`."""
    started = []

    def start(**environment):
        started.append(WebServer(tmp_path / f"web-{len(started)}.log", **environment))
        return started[-1]

    yield start
    for server in started:
        server.kill()
