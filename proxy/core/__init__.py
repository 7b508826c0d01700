"""Pure rules: events, failures, asks, the catalogue, the account pool. No I/O, no clock."""
