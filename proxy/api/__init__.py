"""The doors: routes, authentication, limits and the streaming response."""
