"""The tables as they are now. A change here comes with a migration; a test compares the two."""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

# The newest migration.
HEAD = "0002"

metadata = MetaData()

# account_id is a keyed hash: the database never holds a credential.
account_locks = Table(
    "account_locks",
    metadata,
    Column("account_id", String(64), primary_key=True),
    Column("product", String(16), primary_key=True),
    Column("reason", String(64), nullable=False),
    Column("since", Float, nullable=False),
    Column("until", Float, nullable=True),
)

# Columns are what is looked for; ``data`` is the whole job as JSON. ``due_at`` is null for ended
# jobs, so a worker's look touches only living ones.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("caller", String(64), nullable=False),
    Column("product", String(16), nullable=False),
    Column("model", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("batch", String(32), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("completed_at", Float, nullable=True),
    Column("took", Float, nullable=True),
    Column("due_at", Float, nullable=True),
    Column("lease_owner", String(32), nullable=True),
    Column("lease_until", Float, nullable=True),
    Column("idempotency_key", String(255), nullable=True),
    Column("request_hash", String(64), nullable=False),
    Column("data", Text, nullable=False),
    Index("jobs_due", "state", "due_at"),
    Index("jobs_of_caller", "caller", "created_at"),
    Index("jobs_took", "model", "completed_at"),
    Index("jobs_once", "caller", "idempotency_key", unique=True),
)

# Append-only: what happened to a job, line by line.
job_events = Table(
    "job_events",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("data", Text, nullable=False),
)
