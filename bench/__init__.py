"""Measures the proxy side by side with pass-through baselines, on loopback only."""
