"""Logs and metrics. No cookie and no token ever reaches either."""

import logging
import sys
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

log: Final[Any] = structlog.get_logger()

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 60)


def configure_logs(log_format: str) -> None:
    """Structured lines on standard output."""
    render: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, force=True)


class Metrics:
    """Prometheus metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.mints = Counter(
            "sidecar_mints", "Token requests by flow and outcome.", ("flow", "outcome"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "sidecar_mint_seconds", "Time of a token request.", buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.contexts = self._gauge("contexts", "Warm contexts.")
        self.waiting = self._gauge("waiting", "Requests that wait for their turn.")
        self.launches = self._gauge("browser_launches", "Browsers launched since the start.")

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"sidecar_{name}", text, registry=self.registry)

    def render(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)
