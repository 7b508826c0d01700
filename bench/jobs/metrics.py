"""The rows of the table, with the floors that the project set itself."""

from typing import Final

from bench.jobs.plan import FULL, Plan
from bench.metrics import Metric

SERVER: Final = "server"


def rows(plan: Plan) -> list[Metric]:
    """All metrics, in the order of the table's rows."""
    jobs, files = f"{plan.jobs:,} jobs", f"{plan.downloads} downloads of {plan.file_mib} MiB"
    # Fewer jobs have a greater share each in what an idle server costs.
    cpu_floor = 3 if plan.jobs >= FULL.jobs else None
    return [
        Metric("creates_per_s", f"{jobs} made: answered", "/s", more_is_better=True),
        Metric("create_p99_ms", f"{jobs} made: answer, p99", "ms"),
        Metric("bought_s", f"{jobs} made: until all are bought", "s"),
        Metric("bought_cpu_ms", f"{jobs} made: CPU per job", "ms"),
        Metric("queue_p50_s", f"{jobs} made: from created to claimed, p50", "s"),
        Metric("queue_p99_s", f"{jobs} made: from created to claimed, p99", "s"),
        Metric("job_cpu_ms", f"{jobs} in flight: CPU per job and minute", "ms", cpu_floor),
        Metric("core_share", f"{jobs} in flight: of a core", "%"),
        Metric("looks", f"{jobs} in flight: looks per job and minute", ""),
        Metric("memory_empty_mb", "no jobs: memory", "MB"),
        Metric("memory_full_mb", f"{jobs} in flight: memory", "MB"),
        Metric("claim_p50_ms", "one more: from created to claimed, p50", "ms"),
        Metric("claim_p99_ms", "one more: from created to claimed, p99", "ms", 1000),
        Metric("probe_p50_ms", "one more: answer, p50", "ms"),
        Metric("probe_p99_ms", "one more: answer, p99", "ms"),
        Metric("news_p50_ms", "one more: from its task's end to its result, p50", "ms"),
        Metric("news_p99_ms", "one more: from its task's end to its result, p99", "ms", 6000),
        Metric("mb_per_s", files, "MB/s", more_is_better=True),
        Metric("gb_cpu_s", "downloads: CPU per GB", "s"),
        Metric("slowest", "downloads: slowest over median", ""),
        Metric("growth_mb", "downloads: most memory over that before", "MB", 64),
        Metric("copy_s", f"copy of {plan.file_mib} MiB to disk", "s"),
        Metric("copy_growth_mb", "copy: most memory over that before", "MB", 32),
    ]
