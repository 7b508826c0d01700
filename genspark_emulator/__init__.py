"""A Genspark double for the demo, the tests and the benchmarks.

It speaks the wire formats of Genspark from observation alone and shares no code with the
proxy, so that a belief the proxy holds wrongly shows up as a failing test.
"""

from genspark_emulator.app import create_app

__all__ = ["create_app"]
