"""``python -m recaptcha_sidecar`` and the console script ``genspark2api-sidecar``."""

import sys

from pydantic import ValidationError

from recaptcha_sidecar.settings import Settings


def main() -> None:
    """Serve until SIGTERM; wrong settings are listed without their values."""
    try:
        settings = Settings()
    except ValidationError as error:
        for wrong in error.errors(include_url=False, include_input=False, include_context=False):
            name = ".".join(str(step) for step in wrong["loc"]).upper()
            message = wrong["msg"].removeprefix("Value error, ")
            sys.stderr.write(f"{name or 'SETTINGS'}: {message}\n")
        raise SystemExit(1) from None
    try:
        from recaptcha_sidecar.serving import run
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error.name} is missing: install genspark2api[sidecar]") from None

    run(settings)


if __name__ == "__main__":
    main()
