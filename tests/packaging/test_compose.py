"""docker-compose.yml: valid, closed, and gentle when it stops."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pydantic.fields import FieldInfo

from proxy.settings import Settings
from recaptcha_sidecar.settings import Settings as SidecarSettings

Tool = Callable[..., subprocess.CompletedProcess[str]]
FIELDS: dict[str, dict[str, FieldInfo]] = {
    "proxy": Settings.model_fields,
    "sidecar": SidecarSettings.model_fields,
}


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


@pytest.mark.parametrize(("name", "file"), [("proxy", ".env"), ("sidecar", ".env.sidecar")])
def test_a_missing_env_file_is_no_error_of_compose(
    compose: dict[str, Any], name: str, file: str
) -> None:
    # The program itself then says what is missing. The browser's side never sees .env.
    assert compose["services"][name]["env_file"] == [{"path": file, "required": False}]


@pytest.mark.parametrize("name", ["proxy", "sidecar"])
def test_it_waits_longer_than_a_service_drains(compose: dict[str, Any], name: str) -> None:
    grace = compose["services"][name]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > FIELDS[name]["drain_seconds"].default


def test_the_sidecar_is_asked_for_by_name_and_reached_by_the_proxy_only(
    compose: dict[str, Any],
) -> None:
    sidecar = compose["services"]["sidecar"]
    assert sidecar["profiles"] == ["recaptcha"]
    assert sidecar["build"]["target"] == "sidecar"
    assert "ports" not in sidecar
    shared = set(sidecar["networks"]) & set(compose["services"]["proxy"]["networks"])
    assert [compose["networks"][network] for network in shared] == [{"internal": True}]


@pytest.mark.parametrize("name", ["proxy", "sidecar"])
def test_a_service_reaches_the_outside_by_a_network_of_its_own(
    compose: dict[str, Any], name: str
) -> None:
    open_networks = {name for name, network in compose["networks"].items() if not network}
    mine = open_networks & set(compose["services"][name]["networks"])
    others = [set(s["networks"]) for key, s in compose["services"].items() if key != name]
    assert len(mine) == 1
    assert not mine & set.union(*others)


def test_the_sidecars_environment_is_its_own_settings(compose: dict[str, Any]) -> None:
    given = compose["services"]["sidecar"]["environment"]
    assert {name.lower() for name in given} <= set(FIELDS["sidecar"])
    assert given["PORT"] == str(FIELDS["sidecar"]["port"].default)


def test_proxy_and_sidecar_share_one_secret_and_without_it_the_proxy_still_starts(
    compose: dict[str, Any],
) -> None:
    # Compose fills in the whole file, whatever the profile: `:?` would stop the proxy as well.
    assert compose["services"]["sidecar"]["environment"]["SIDECAR_SECRET"] == "${SIDECAR_SECRET:-}"
    assert "SIDECAR_SECRET" not in compose["services"]["proxy"]["environment"]
    assert "sidecar_secret" in FIELDS["proxy"]


def test_chromiums_sandbox_is_off_where_it_cannot_work_and_can_be_switched_on(
    compose: dict[str, Any],
) -> None:
    given = compose["services"]["sidecar"]["environment"]["CHROMIUM_SANDBOX"]
    assert given == "${CHROMIUM_SANDBOX:-off}"
    SidecarSettings(_env_file=None, chromium_sandbox="off")


def test_somebody_reaps_what_the_browser_leaves(compose: dict[str, Any]) -> None:
    assert compose["services"]["sidecar"]["init"] is True


@pytest.mark.parametrize("name", [".env.example", "docker-compose.yml", "docs/recaptcha.md"])
def test_the_address_that_is_told_is_the_sidecars(
    root: Path, compose: dict[str, Any], name: str
) -> None:
    text = (root / name).read_text("utf-8")
    told = next(line for line in text.splitlines() if "RECAPTCHA_PROXY_URL=http" in line)
    url = urlsplit(told.partition("=")[2])
    assert url.hostname in compose["services"]
    assert str(url.port) == compose["services"]["sidecar"]["environment"]["PORT"]
    assert Settings(_env_file=None, recaptcha_proxy_url=url.geturl()).recaptcha_proxy_url
