"""Metrics for Prometheus. They are read from the database at each scrape, so every web process returns the same values."""

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
    """Return the metrics to staff who may view workers and to requests with the token; others get a 404."""
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
    yield _gauge("gmm_queue_oldest_seconds", "How long the oldest waiting job has waited.", now.oldest_seconds)
    yield _gauge(
        "gmm_queue_expected_seconds", "Expected cost of the waiting jobs in core-seconds.", now.waiting_seconds
    )
    yield _gauge("gmm_workers_alive", "Workers with a heartbeat within the lease.", now.workers)
    yield _gauge(
        "gmm_worker_slots",
        "Jobs that these workers can run at the same time, not counting the slots for short jobs.",
        now.slots,
    )
    yield _gauge("gmm_worker_short_slots", "Additional slots for short jobs.", now.short_slots)
    states = GaugeMetricFamily("gmm_jobs", "Stored jobs by kind and state.", labels=["kind", "state"])
    for labels, count in services.jobs_by_state().items():
        states.add_metric(labels, count)
    yield states


def _recent(day: RecentJobs) -> Iterator[Metric]:
    """Yield the metrics of the last day. They are gauges, because runs older than a day drop out."""
    yield _gauge(
        "gmm_recent_runs_succeeded",
        f"Succeeded, of the newest {services.MAX_RECENT_JOBS} runs of the last day.",
        day.succeeded,
    )
    yield _gauge(
        "gmm_recent_runs_failed", f"Failed, of the newest {services.MAX_RECENT_JOBS} runs of the last day.", day.failed
    )
    failures = GaugeMetricFamily("gmm_recent_failures", "Failed runs of the last day by code.", labels=["code"])
    for code, count in day.failures:
        failures.add_metric([code], count)
    yield failures
    seconds = GaugeMetricFamily(
        "gmm_recent_stage_seconds",
        "Quantiles of the last day's runs. Stage waiting is the time in the queue, stage whole from request to result.",
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
        yield _gauge("gmm_storage_free_bytes", "Free space on the disk that holds the pictures.", room.free)
        yield _gauge("gmm_storage_total_bytes", "Size of that disk.", room.total)
    yield _gauge("gmm_originals_bytes", "Size of the uploaded pictures.", room.originals)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
