"""Measures video jobs: ten thousand in flight, and large results on their way, on loopback only."""
