"""What Prometheus scrapes. Every number is asked of the database at the scrape: any web process gives the same answer."""

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from segmentation import services
from segmentation.services import RecentJobs


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer staff who may look at workers, and who has the token; for all others there is nothing here."""
    if not _has_token(request) and not _is_staff(request):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Site())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.GMM_METRICS_TOKEN
    return bool(wanted) and scheme.lower() == "bearer" and constant_time_compare(given.strip(), wanted)


def _is_staff(request: HttpRequest) -> bool:
    person = request.user
    return person.is_active and person.is_staff and person.has_perm("segmentation.view_worker")


class _Site(Collector):
    def collect(self) -> Iterable[Metric]:
        yield from _queue()
        yield from _recent(services.recent_jobs())
        yield from _storage()


def _queue() -> Iterator[Metric]:
    now = services.queue()
    waiting = GaugeMetricFamily("gmm_queue_length", "Jobs that wait, by kind.", labels=["kind"])
    for kind, count in now.waiting_by_kind.items():
        waiting.add_metric([kind], count)
    yield waiting
    yield _gauge("gmm_queue_oldest_seconds", "How long the first of them has waited.", now.oldest_seconds)
    yield _gauge("gmm_queue_expected_seconds", "Core-seconds that they are expected to take.", now.waiting_seconds)
    yield _gauge("gmm_workers_alive", "Workers that were seen within a lease.", now.workers)
    yield _gauge("gmm_worker_slots", "Jobs that they can do at the same time, short ones aside.", now.slots)
    yield _gauge("gmm_worker_short_slots", "Short jobs that they can do beside these.", now.short_slots)
    states = GaugeMetricFamily("gmm_jobs", "Jobs by kind and state, of all that are kept.", labels=["kind", "state"])
    for labels, count in services.jobs_by_state().items():
        states.add_metric(labels, count)
    yield states


def _recent(day: RecentJobs) -> Iterator[Metric]:
    """Gauges, no counters: the day moves on, and what leaves it is subtracted."""
    yield _gauge(
        "gmm_recent_runs_succeeded", f"Of the last day's newest {services.MAX_RECENT_JOBS} runs.", day.succeeded
    )
    yield _gauge("gmm_recent_runs_failed", f"Of the last day's newest {services.MAX_RECENT_JOBS} runs.", day.failed)
    failures = GaugeMetricFamily("gmm_recent_failures", "Failed runs of the last day by code.", labels=["code"])
    for code, count in day.failures:
        failures.add_metric([code], count)
    yield failures
    seconds = GaugeMetricFamily(
        "gmm_recent_stage_seconds",
        "Quantiles of the last day's runs; stage waiting is before the first, stage whole from click to result.",
        labels=["stage", "quantile"],
    )
    spreads = {**day.stages, **({"whole": day.total} if day.total else {})}
    for stage, spread in spreads.items():
        seconds.add_metric([stage, "0.5"], spread.median)
        seconds.add_metric([stage, "0.95"], spread.most)
    yield seconds


def _storage() -> Iterator[Metric]:
    room = services.storage()
    if room.free is not None and room.total is not None:
        yield _gauge("gmm_storage_free_bytes", "Room left on the disk of the pictures.", room.free)
        yield _gauge("gmm_storage_total_bytes", "Size of that disk.", room.total)
    yield _gauge("gmm_originals_bytes", "What the uploaded pictures take.", room.originals)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
