"""Pages that are made from the program are as the program makes them."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.core.failures import Kind
from proxy.core.jobs import TRANSITIONS, JobEvent, JobState
from proxy.core.media_models import MediaCatalogue
from proxy.core.products import Route
from proxy.settings import Settings
from recaptcha_sidecar.settings import Settings as SidecarSettings


def _script(root: Path, name: str) -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(root / f"scripts/{name}.py")))


def test_configuration(root: Path, pages: dict[str, Any]) -> None:
    made = _script(root, "configuration_docs").page()
    assert pages["docs/configuration.md"].text == made, "run: make docs"


def test_failures(root: Path, pages: dict[str, Any]) -> None:
    page = pages["docs/architecture.md"].text
    assert _script(root, "failure_docs").with_table(page) == page, "run: make docs"
    assert all(f"| `{kind.value}` |" in page for kind in Kind)


def test_the_life_of_a_job(root: Path, pages: dict[str, Any]) -> None:
    page = pages["docs/architecture.md"].text
    script = _script(root, "job_docs")
    assert script.with_jobs(page) == page, "run: make docs"
    assert all(f"\n| `{name}` |" in page for name in [*JobState, *JobEvent])
    for state, ways in TRANSITIONS.items():
        for event, target in ways.items():
            assert f"`{event}` → `{target}`" in page
            drawn = f"    {state} --> {target}: {event}" in page
            assert drawn == (target is not state)


def test_the_models(root: Path, pages: dict[str, Any]) -> None:
    page = pages["docs/videos-and-images.md"].text
    assert _script(root, "job_docs").with_models(page) == page, "run: make docs"
    known = MediaCatalogue((root / "proxy/core/media_catalogue.toml").read_text("utf-8"))
    for name in known.names({Route.KEY, Route.COOKIE}):
        assert page.count(f"\n| `{name}`") == 1


def test_the_sidecars_settings(root: Path, pages: dict[str, Any]) -> None:
    page = pages["docs/recaptcha.md"].text
    assert _script(root, "configuration_docs").with_sidecar_table(page) == page, "run: make docs"
    for name, field in SidecarSettings.model_fields.items():
        assert field.description, name
        assert page.count(f"| `{name.upper()}` |") == 1


def test_what_a_setting_may_be_is_listed_unless_its_meaning_tells(pages: dict[str, Any]) -> None:
    lines = pages["docs/recaptcha.md"].text.splitlines()
    [row] = [line for line in lines if line.startswith("| `CHROMIUM_SANDBOX` |")]
    # The word "only" of its meaning does not tell of `on`.
    assert row.endswith("Values: `auto`, `on`, `off`. |")


def test_every_setting_has_a_row_and_a_meaning(pages: dict[str, Any]) -> None:
    text = pages["docs/configuration.md"].text
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert text.count(f"| `{name.upper()}` |") == 1


@pytest.mark.parametrize(
    "name", ["GS_COOKIE", "GSK_API_KEY", "API_SECRET", "SECRET_KEY", "PROXY_URL"]
)
def test_secrets_are_marked(pages: dict[str, Any], name: str) -> None:
    lines = pages["docs/configuration.md"].text.splitlines()
    [row] = [line for line in lines if line.startswith(f"| `{name}` |")]
    assert row.endswith("*Secret.* |")
