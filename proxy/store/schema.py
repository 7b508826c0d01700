"""The tables as they are now. A change here comes with a migration; a test compares the two."""

from sqlalchemy import Column, Float, MetaData, String, Table

# The newest migration.
HEAD = "0001"

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
