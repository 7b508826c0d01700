"""What can be wrong with the database or the media folder."""


class StoreUnavailable(Exception):
    """The database or the folder did not do as it was told; the text names the kind of error, not
    its data.
    """
