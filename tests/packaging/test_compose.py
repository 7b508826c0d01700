"""docker-compose.yml: valid, closed, and gentle when it stops."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.settings import Settings

Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def compose(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((root / "docker-compose.yml").read_text("utf-8"))
    return loaded


def test_it_follows_the_compose_specification(tool: Tool) -> None:
    found = tool(
        "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("name", ["proxy", "sidecar"])
def test_services_have_no_more_rights_than_they_need(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert "privileged" not in service


def test_the_proxy_keeps_its_data_and_its_place(compose: dict[str, Any]) -> None:
    proxy = compose["services"]["proxy"]
    assert proxy["volumes"] == ["data:/data"]
    assert "data" in compose["volumes"]
    assert proxy["environment"]["DATA_DIR"] == "/data"
    port = Settings.model_fields["port"].default
    assert proxy["environment"]["PORT"] == str(port)
    assert proxy["ports"] == [f"${{PORT:-{port}}}:{port}"]


def test_a_missing_env_file_is_no_error_of_compose(compose: dict[str, Any]) -> None:
    # The server itself then says what is missing.
    assert compose["services"]["proxy"]["env_file"] == [{"path": ".env", "required": False}]


def test_it_waits_longer_than_the_server_drains(compose: dict[str, Any]) -> None:
    grace = compose["services"]["proxy"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > Settings.model_fields["drain_seconds"].default


def test_the_sidecar_is_asked_for_by_name_and_reached_by_the_proxy_only(
    compose: dict[str, Any],
) -> None:
    sidecar = compose["services"]["sidecar"]
    assert sidecar["profiles"] == ["recaptcha"]
    assert "ports" not in sidecar
    [network] = sidecar["networks"]
    assert compose["networks"][network] == {"internal": True}
    assert network in compose["services"]["proxy"]["networks"]


def test_the_proxy_also_reaches_the_outside(compose: dict[str, Any]) -> None:
    networks = compose["services"]["proxy"]["networks"]
    assert any(not compose["networks"][name].get("internal") for name in networks)
