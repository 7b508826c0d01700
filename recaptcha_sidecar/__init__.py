"""The reCAPTCHA sidecar: a plain browser that lets Genspark's own page mint its v3 tokens.

It solves nothing and hides nothing: a challenge page is recognised and reported. It shares no code
with the server; both read the same contract examples in their tests.
"""
