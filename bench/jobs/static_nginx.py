"""Baseline: nginx with one worker, serving the folder of results."""

import os
import shutil
from pathlib import Path
from typing import Final

from bench.loops import LOOPBACK

_CONFIG: Final = """\
daemon off;
worker_processes 1;
{user}
pid {own}/nginx.pid;
error_log {own}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {own}/body;
    proxy_temp_path {own}/proxy;
    fastcgi_temp_path {own}/fastcgi;
    uwsgi_temp_path {own}/uwsgi;
    scgi_temp_path {own}/scgi;
    server {{
        listen {host}:{port} backlog=4096;
        location = /readyz {{ return 200; }}
        location / {{ root {files}; }}
    }}
}}
"""


def missing() -> str:
    """Why it cannot be a baseline here; empty when it can."""
    return "" if shutil.which("nginx") else "not installed"


def command(port: int, files: Path, own: Path) -> list[str]:
    """Writes the configuration into ``own``, which is also nginx's prefix."""
    # Started by root its worker would be somebody who may not read the run's directory.
    user = "user root;" if os.geteuid() == 0 else ""
    config = own / "nginx.conf"
    config.write_text(_CONFIG.format(user=user, own=own, files=files, host=LOOPBACK, port=port))
    # -e: without it nginx first opens the log file compiled into it, elsewhere on the machine.
    return ["nginx", "-p", str(own), "-e", f"{own}/error.log", "-c", str(config)]
