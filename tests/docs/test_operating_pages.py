"""running.md, clients.md, recaptcha.md, migrating-…: what an operator copies is right."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.credentials import AccountBook, _Table
from proxy.settings import Settings
from proxy.telemetry import Metrics, RequestRecord
from recaptcha_sidecar.settings import Settings as SidecarSettings
from recaptcha_sidecar.telemetry import Metrics as SidecarMetrics

RUNNING = "docs/running.md"
RECAPTCHA = "docs/recaptcha.md"
MEDIA = "docs/videos-and-images.md"
MIGRATING = "docs/migrating-from-genspark2api.md"

# As the README and common/config/config.go of Genspark2API list them.
OLD = {
    "PORT", "DEBUG", "API_SECRET", "GS_COOKIE", "AUTO_DEL_CHAT", "REQUEST_RATE_LIMIT", "PROXY_URL",
    "RECAPTCHA_PROXY_URL", "AUTO_MODEL_CHAT_MAP_TYPE", "MODEL_CHAT_MAP", "ROUTE_PREFIX", "TZ",
    "RATE_LIMIT_COOKIE_LOCK_DURATION", "REASONING_HIDE", "SESSION_IMAGE_CHAT_MAP", "GIN_MODE",
    "YES_CAPTCHA_CLIENT_KEY", "PRE_MESSAGES_JSON", "IP_BLACK_LIST", "ALL_DIALOG_RECORD_ENABLE",
    "REQUEST_OUT_TIME", "STREAM_REQUEST_OUT_TIME", "SWAGGER_ENABLE", "ONLY_OPENAI_API",
    "DEBUG_LOG_BODY", "DEBUG_LOG_HEADERS", "DEBUG_SAVE_PAYLOADS", "DEBUG_LOG_LEVEL",
    "TOOL_CALLING_ENABLED",
}  # fmt: skip


def _log_events(root: Path, program: str) -> set[str]:
    sources = [file.read_text("utf-8") for file in (root / program).rglob("*.py")]
    call = re.compile(r"log\.(?:debug|info|warning|error)\(\s*\"([a-z_.]+)\"")
    return {name for text in sources for name in call.findall(text)}


@pytest.mark.parametrize(
    ("metrics", "prefix"), [(Metrics(), "genspark2api"), (SidecarMetrics(), "sidecar")]
)
def test_every_metric_is_listed(pages: dict[str, Any], metrics: Any, prefix: str) -> None:
    families = list(metrics.registry.collect())
    names = {f.name + ("_total" if f.type == "counter" else "") for f in families}
    listed = set(re.findall(rf"^\| `({prefix}_\w+)` \|", pages[RUNNING].text, re.MULTILINE))
    assert listed == names


@pytest.mark.parametrize("metrics", [Metrics(), SidecarMetrics()])
def test_every_label_of_a_metric_is_listed(pages: dict[str, Any], metrics: Any) -> None:
    for metric in vars(metrics).values():
        labels = getattr(metric, "_labelnames", ())
        if labels:
            row = next(
                line for line in pages[RUNNING].text.splitlines() if f"`{metric._name}" in line
            )
            assert re.findall(r"`(\w+)`", row.split("|")[2]) == list(labels)


def test_every_field_of_the_request_line_is_listed(pages: dict[str, Any]) -> None:
    fields = RequestRecord("id", 0.0).fields(1.0)
    assert [name for name in fields if f"`{name}`" not in pages[RUNNING].text] == []


@pytest.mark.parametrize(
    ("program", "heading", "elsewhere"),
    [
        ("proxy", "| Other events |", {"request"}),
        ("recaptcha_sidecar", "| Event in the sidecar's log |", set()),
    ],
)
def test_every_event_in_the_log_is_listed(
    root: Path, pages: dict[str, Any], program: str, heading: str, elsewhere: set[str]
) -> None:
    _, found, table = pages[RUNNING].text.partition(heading)
    assert found
    rows = table.partition("\n\n")[0].splitlines()[2:]
    listed = {name for row in rows for name in re.findall(r"`([a-z_.]+)`", row.split("|")[1])}
    assert listed | elsewhere == _log_events(root, program)


def test_the_accounts_file_can_be_read(pages: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "accounts.toml"
    [example] = pages[RUNNING].examples("toml")
    file.write_text(example, "utf-8")
    settings = Settings(_env_file=None, accounts_file=file, data_dir=tmp_path)
    accounts = AccountBook(settings).read()
    assert [account.label for account in accounts] == ["work", "home"]
    assert accounts[0].weight == 2
    assert accounts[1].limit == 1


def test_every_field_of_the_accounts_file_is_shown(pages: dict[str, Any]) -> None:
    [example] = pages[RUNNING].examples("toml")
    shown = {name for table in tomllib.loads(example)["accounts"] for name in table}
    assert shown == set(_Table.model_fields)


def test_settings_in_examples_load(pages: dict[str, Any], tmp_path: Path) -> None:
    for name in ("README.md", RUNNING, RECAPTCHA, MEDIA):
        for block in pages[name].examples("ini"):
            if "[Unit]" in block:
                continue
            file = tmp_path / ".env"
            file.write_text(block, "utf-8")
            given = set(re.findall(r"^([A-Z_]+)=", block, re.MULTILINE)) - {"COMPOSE_PROFILES"}
            settings = Settings(_env_file=file)
            assert {variable.lower() for variable in given} <= settings.model_fields_set


def test_nginx_passes_answers_on_at_once_and_hides_what_is_the_operators(
    pages: dict[str, Any],
) -> None:
    [site] = pages[RUNNING].examples("nginx")
    assert "proxy_buffering off;" in site
    assert f"server 127.0.0.1:{Settings.model_fields['port'].default};" in site
    assert f"client_max_body_size {Settings.model_fields['max_body_mb'].default}m;" in site
    read_timeout = re.search(r"proxy_read_timeout (\d+)s;", site)
    assert read_timeout is not None
    for name in ("idle_timeout", "video_sync_timeout"):
        assert int(read_timeout[1]) > Settings.model_fields[name].default
    assert re.search(r"location ~ \^/\(admin\|metrics\) \{\s+return 404;", site)


def test_whatever_stops_the_server_waits_longer_than_it_drains(pages: dict[str, Any]) -> None:
    text = pages[RUNNING].text
    waits = re.findall(r"(?:TimeoutStopSec=|--stop-timeout |docker stop -t )(\d+)", text)
    assert len(waits) == 3
    assert min(map(int, waits)) > Settings.model_fields["drain_seconds"].default


def test_whatever_stops_the_sidecar_waits_longer_too(pages: dict[str, Any]) -> None:
    [wait] = re.findall(r"--stop-timeout (\d+)", pages[RECAPTCHA].text)
    assert int(wait) > SidecarSettings.model_fields["drain_seconds"].default


def test_compose_examples_are_compose_files(pages: dict[str, Any]) -> None:
    [example] = pages["docs/migrating-from-genspark2api.md"].examples("yaml")
    services = yaml.safe_load(example)["services"]
    assert services["genspark2api"]["ports"] == ["7055:7055"]


def test_every_variable_of_genspark2api_is_on_the_migration_page(pages: dict[str, Any]) -> None:
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.*) \|$", pages[MIGRATING].text, re.MULTILINE)
    explained = {name: text for names, text in rows for name in re.findall(r"`([A-Z_]+)`", names)}
    assert set(explained) == OLD
    kept = {name for name in OLD if name.lower() in Settings.model_fields}
    assert {name for name, text in explained.items() if not text.startswith("Ignored")} == kept


def test_the_one_changed_default_is_named(pages: dict[str, Any]) -> None:
    assert Settings.model_fields["auto_model_chat_map_type"].default == 0
    assert "`AUTO_MODEL_CHAT_MAP_TYPE` is `0` here; it was `1`." in pages[MIGRATING].text


def test_keys_are_the_recommended_credential_everywhere(root: Path, pages: dict[str, Any]) -> None:
    told = ("README.md", RUNNING, "docs/clients.md", MIGRATING, "docs/responsible-use.md")
    for name in (*told, MEDIA, "docs/recaptcha.md", "SECURITY.md", ".env.example"):
        assert "recommended" in (root / name).read_text("utf-8"), name
