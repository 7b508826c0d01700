"""What the bench reads about processes, and what it starts them with."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import targets
from bench.cores import Cores
from bench.frames import Route
from bench.neighbours import Neighbours
from bench.stats import Spread, quantile
from bench.targets import Site
from bench.usage import Meter, cpu_seconds, family, memory_kb

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@LINUX_ONLY
def test_a_family_is_a_process_and_its_descendants() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in family(os.getpid())
        assert family(child.pid) == [child.pid]
        assert memory_kb(child.pid) > 0


@LINUX_ONLY
def test_cpu_time_is_that_of_the_process_clock() -> None:
    before = cpu_seconds(os.getpid())
    sum(range(100_000))
    assert cpu_seconds(os.getpid()) > before > 0


def test_without_a_server_its_time_is_unknown() -> None:
    usage = Meter(None, []).read()
    assert math.isnan(usage.server_cpu)
    assert usage.wall > 0


def test_without_pinned_cores_nothing_is_said_of_neighbours() -> None:
    assert str(Neighbours(Cores(None, None))) == ""


@LINUX_ONLY
def test_neighbours_use_no_less_than_nothing() -> None:
    assert Neighbours(Cores(0, 0)).share() >= 0


def test_quantiles_are_values_that_occurred() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.99)) == (50, 99)
    assert math.isnan(quantile([], 0.5))


def test_a_spread_ignores_what_was_not_measured() -> None:
    assert Spread.of([3.0, math.nan, 1.0, 2.0]) == Spread(2, 1, 3)


def test_nginx_is_told_its_ports_and_keeps_to_its_directory(tmp_path: Path) -> None:
    command = targets.NGINX.launch(Site(1234, 5678, Route.KEY, tmp_path)).command
    config = (tmp_path / "nginx.conf").read_text()
    assert "listen 127.0.0.1:1234" in config
    assert "server 127.0.0.1:5678" in config
    assert "proxy_buffering off" in config
    assert command[-1] == str(tmp_path / "nginx.conf")


def test_nginx_that_is_not_there_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert targets.NGINX.missing() == "not installed"


@pytest.mark.parametrize(
    ("route", "name"), [(Route.COOKIE, "GS_COOKIE"), (Route.KEY, "GSK_API_KEY")]
)
def test_the_proxy_gets_accounts_of_its_route_only(route: Route, name: str) -> None:
    env = targets.proxy().launch(Site(1, 2, route, Path("data"))).env
    assert {"GS_COOKIE", "GSK_API_KEY"} & env.keys() == {name}
    assert env["GENSPARK_BASE_URL"] == "http://127.0.0.1:2"
