"""A sidecar without a browser, right or wrong in the way its argument says. Run as a program."""

import http.server
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

BEHAVIOUR = sys.argv[1]
numbers = itertools.count(1)
accounts: set[str] = set()


def body_for(path: str, cookie: str) -> str:
    """What a GET is answered."""
    if path == "/readyz":
        return '{"status": "ready"}'
    if path == "/metrics":
        return f"sidecar_contexts {len(accounts)}.0\n"
    accounts.add(cookie)
    if BEHAVIOUR == "hanging":
        Path("asked").touch()
        time.sleep(60)
    if BEHAVIOUR == "failing":
        return json.dumps({"code": 500, "message": "the edge shows a challenge page"})
    number = 1 if BEHAVIOUR == "repeating" else next(numbers)
    return json.dumps({"code": 200, "token": "" if BEHAVIOUR == "wordless" else f"t-{number}"})


class Handler(http.server.BaseHTTPRequestHandler):
    """Keeps connections, unless it is the ``closing`` one."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = body_for(self.path, self.headers.get("cookie", "")).encode()
        missing = 9 if BEHAVIOUR == "cutting" and "sess" in str(self.headers) else 0
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body) + missing}\r\n\r\n".encode()
        # In one write: a second would wait until the client has acknowledged the first.
        self.wfile.write(head + body)
        self.close_connection = bool(missing) or BEHAVIOUR == "closing"

    def log_message(self, *_: object) -> None:
        """Nothing."""


if BEHAVIOUR == "ending":
    print("no browser here")
    sys.exit(3)
# A browser has a session of its own, and need not end when its sidecar does.
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
