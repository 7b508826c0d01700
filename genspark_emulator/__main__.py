"""``python -m genspark_emulator``."""

import argparse

from genspark_emulator.serving import serve


def main() -> None:
    """Read the address from the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="genspark_emulator", description="Serve a Genspark double for demos and tests."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    arguments = parser.parse_args()
    serve(arguments.host, arguments.port)


if __name__ == "__main__":
    main()
