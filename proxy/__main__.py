"""The console script ``genspark2api``."""

from proxy.cli import app


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
