"""The stories: in which order accounts, upstreams and the store act to answer one request."""
