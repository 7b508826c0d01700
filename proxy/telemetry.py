"""Logs and metrics. Logs carry labels, kinds and numbers; never a credential, prompt or answer."""

import io
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TextIO, cast

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BODY_LOG_LIMIT: Final = 100_000
_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600)

log: Final[Any] = structlog.get_logger()


class _Unbreakable(io.TextIOBase):
    """Standard output whose reader may go away: a lost log line is no reason to fail a request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        try:
            return self._stream.write(text)
        except (BrokenPipeError, ValueError):
            return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        try:
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            pass


def configure_logs(log_format: str, *, debug: bool, tz: str = "") -> None:
    """Send structured logs to standard output, as JSON lines or for a terminal."""
    if tz:
        os.environ["TZ"] = tz
        time.tzset()
    level = logging.DEBUG if debug else logging.INFO
    json_lines = log_format == "json"
    render: list[Any] = (
        [structlog.processors.JSONRenderer(serializer=_encode)]
        if json_lines
        else [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=json_lines),
            structlog.processors.format_exc_info,
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Unbreakable(sys.stdout))),
        cache_logger_on_first_use=False,
    )
    # Libraries' own records would bypass the rule above: request lines of clients hold URLs.
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, force=True)


def _encode(event: Mapping[str, Any], **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


class Metrics:
    """The server's Prometheus metrics, in a registry of their own (one per application)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter(
            "requests", "Requests by route and status.", "route", "status"
        )
        self.attempts = self._counter(
            "attempts", "Attempts by route and outcome.", "route", "outcome"
        )
        self.locks = self._counter("locks", "Account locks by reason.", "reason")
        self.tokens_failed = self._counter(
            "recaptcha_failures", "reCAPTCHA tokens that could not be had.", "product"
        )
        self.tokens = self._counter("tokens", "Tokens by direction.", "direction")
        self.jobs = self._counter("jobs", "Jobs that have ended, by outcome.", "product", "state")
        self.frames = self._counter(
            "upstream_oddities",
            "Upstream frames that were unknown or odd, by what was odd.",
            "what",
        )
        self.in_flight = Gauge(
            "genspark2api_in_flight", "Requests being answered.", registry=self.registry
        )
        self.ttft = self._histogram("first_token_seconds", "Time to the first visible event.")
        self.total = self._histogram("request_seconds", "Time to the end of the answer.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"genspark2api_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"genspark2api_{name}", text, buckets=_SECONDS, registry=self.registry)

    def render(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)


@dataclass(slots=True)
class RequestRecord:
    """What will be the request's one log line; doors and stories fill it in."""

    request_id: str
    started: float
    path: str = ""
    model: str = ""
    status: int = 0
    account: str | None = None
    route: str | None = None
    attempts: int = 0
    ttft: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    failure: str | None = None
    served_model: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def fields(self, total: float) -> dict[str, Any]:
        """The log line's fields; times in milliseconds."""
        return {
            "request_id": self.request_id,
            "path": self.path,
            "model": self.model,
            "status": self.status,
            "account": self.account,
            "route": self.route,
            "attempts": self.attempts,
            "ttft_ms": None if self.ttft is None else round(self.ttft * 1000, 1),
            "total_ms": round(total * 1000, 1),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "failure": self.failure,
            "served_model": self.served_model,
            **self.extra,
        }


class BodyLog:
    """Prompts and answers for ``DEBUG_LOG_BODY=1``; credentials stay redacted even then."""

    _SECRETISH: Final = re.compile(rb"(session_id=|gsk[-_]|Bearer\s+|sk-)[^\s\"';,]+")

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        self._secrets = secrets

    def log(self, request_id: str, what: str, body: bytes) -> None:
        """Write a body, without anything that is or looks like a credential."""
        for secret in self._secrets():
            body = body.replace(secret.encode(), b"[redacted]")
        shown = self._SECRETISH.sub(b"[redacted]", body)[:BODY_LOG_LIMIT]
        log.info("body", request_id=request_id, what=what, body=shown.decode("utf-8", "replace"))


def finish(record: RequestRecord, metrics: Metrics, now: float) -> None:
    """Write the request's line and enter its numbers."""
    total = now - record.started
    log.info("request", **record.fields(total))
    metrics.requests.labels(record.route or "none", str(record.status)).inc()
    metrics.total.observe(total)
    if record.ttft is not None:
        metrics.ttft.observe(record.ttft)
    if record.completion_tokens is not None:
        metrics.tokens.labels("completion").inc(record.completion_tokens)
        metrics.tokens.labels("prompt").inc(record.prompt_tokens or 0)
