"""What can be wrong with the database."""


class StoreUnavailable(Exception):
    """The database did not do as it was told; the text names the kind of error, not its data."""
