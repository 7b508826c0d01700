"""An OpenAI-compatible server in front of Genspark.

Rooms, from the doors inwards: ``api`` (routes) → ``services`` (the stories) → ``upstreams`` and
``store`` (the only speakers of HTTP and SQL) → ``wire`` (pure translation) → ``core`` (pure rules).
``app``, ``settings``, ``telemetry`` and ``__main__`` wire them together. See docs/architecture.md.
"""

__version__ = "0.1.0"
