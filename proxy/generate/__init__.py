"""The command line for people: videos and images from a running server, and its jobs."""
