"""When a reCAPTCHA token is wanted."""

from enum import StrEnum


class Policy(StrEnum):
    """``RECAPTCHA_CHAT``, ``RECAPTCHA_IMAGE``, ``RECAPTCHA_VIDEO``.

    ``auto`` asks for a token only after the upstream has shown that it wants one.
    """

    NEVER = "never"
    AUTO = "auto"
    ALWAYS = "always"
