"""The files the emulator serves or fills in: page, captcha script, picture, font and sound."""

from importlib.resources import files


def asset(name: str) -> bytes:
    """The content of a file in ``assets/``."""
    return (files("genspark_emulator") / "assets" / name).read_bytes()


def text_asset(name: str) -> str:
    """The same as text."""
    return asset(name).decode("utf-8")
