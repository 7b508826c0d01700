"""The rows of the table, with the floors that the project set itself."""

from typing import Final

from bench.metrics import Metric
from bench.sidecar.plan import DEFAULT_CONTEXTS, OPEN, PARALLEL

# Not a row: the share of the machine that others used while something was measured.
OTHERS: Final = "others"
OWN_TIME: Final = "page_p50_ms"


def memory_key(contexts: int) -> str:
    return f"memory_mb_{contexts}"


ROWS: Final = [
    Metric("ready_s", "cold start: ready", "s"),
    Metric("cold_token_s", "cold start: first token", "s"),
    Metric("new_p50_ms", "new account: first token, p50", "ms"),
    Metric("new_max_ms", "new account: first token, longest", "ms"),
    Metric("displacing_p50_ms", "the same, in place of another account, p50", "ms"),
    Metric("contexts", "contexts kept warm by default", "", DEFAULT_CONTEXTS),
    Metric("warm_p50_ms", "warm page: token, p50", "ms"),
    Metric("warm_p99_ms", "warm page: token, p99", "ms"),
    Metric(OWN_TIME, "the page's own time, p50", "ms"),
    Metric("over_p50_ms", "warm page: over the page's own time, p50", "ms", 10),
    Metric("sequential", "one account, one after another: tokens", "/s", 100, more_is_better=True),
    Metric("sequential_cpu_ms", "one account: CPU per token", "ms"),
    Metric("one_core", f"{PARALLEL} accounts on one core: tokens", "/s", more_is_better=True),
    Metric("one_core_cpu_ms", f"{PARALLEL} accounts: CPU per token", "ms"),
    *(Metric(memory_key(n), f"memory, contexts: {n}", "MB") for n in OPEN),
]
