"""I/O shells around other people's servers. Foreign exceptions become ``Failure`` values here."""
