"""Baseline: nginx as a plain unbuffered reverse proxy with one worker."""

import shutil
from pathlib import Path

from bench.loops import LOOPBACK

_CONFIG = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    # As many as the bench opens: nginx must not be measured re-dialling its upstream.
    keepalive_requests 10000000;
    upstream mock {{
        server {host}:{upstream_port};
        keepalive 2048;
        keepalive_requests 10000000;
    }}
    server {{
        listen {host}:{port} backlog=4096;
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


def command(port: int, upstream_port: int, directory: Path) -> list[str]:
    """Writes the configuration into ``directory``, which is also nginx's prefix."""
    config = directory / "nginx.conf"
    config.write_text(
        _CONFIG.format(directory=directory, host=LOOPBACK, port=port, upstream_port=upstream_port)
    )
    program = shutil.which("nginx") or "nginx"
    # -e: without it nginx first opens the log file compiled into it, elsewhere on the machine.
    return [program, "-p", str(directory), "-e", f"{directory}/error.log", "-c", str(config)]
