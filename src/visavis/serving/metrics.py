"""Figures for operators, in the form that Prometheus reads."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from visavis.serving.work import Workroom

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Metrics:
    """What is counted; no label holds a name, a token or anything that a client chose."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.requests = Counter(
            "visavis_requests",
            "Requests by endpoint and status.",
            ("method", "route", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "visavis_request_seconds",
            "Time to an answer.",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.batch = Histogram(
            "visavis_encoder_batch_faces",
            "Faces that one call of the network took.",
            buckets=(1, 2, 4, 8, 16),
            registry=registry,
        )
        self._waiting = Gauge(
            "visavis_queue_requests", "Requests at work or waiting.", registry=registry
        )
        self._held = Gauge("visavis_held_body_bytes", "Memory that bodies take.", registry=registry)

    def watch(self, room: Workroom) -> None:
        """Tell of a workroom's queue."""
        self._waiting.set_function(lambda: room.waiting)
        self._held.set_function(lambda: room.held)

    def text(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self._registry)
