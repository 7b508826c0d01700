"""How providers are wired by the settings."""

import json
from pathlib import Path

import pytest
from live import settings_for

from proxy.app_providers import registrations, vertex_origin
from proxy.core.products import Route
from proxy.settings import Settings
from proxy.wire.vertex import STORAGE, Vertex

GOOGLES = STORAGE.removeprefix("https://")


def _settings(folder: Path, base: str | None, bucket: str | None) -> Settings:
    path = folder / "service.json"
    path.write_text(json.dumps({"type": "service_account"}))
    return settings_for(
        "http://genspark",
        folder,
        google_application_credentials=path,
        vertex_project="project",
        vertex_base_url=base,
        vertex_storage_uri=bucket,
    )


@pytest.mark.parametrize(
    ("base", "bucket", "host"),
    [
        (None, "gs://bucket/made", GOOGLES),
        (None, None, GOOGLES),
        ("http://127.0.0.1:9", None, GOOGLES),
        ("http://127.0.0.1:9", "gs://bucket/made", "127.0.0.1:9"),
        ("https://gateway.example.com/v1", "gs://bucket/made", "gateway.example.com"),
        # Another of Google's addresses for Vertex AI; files lie where they always do.
        ("https://europe-west4-aiplatform.googleapis.com", "gs://bucket/made", GOOGLES),
    ],
)
def test_results_in_a_bucket_are_fetched_where_vertex_is_stood_in_for(
    tmp_path: Path, base: str | None, bucket: str | None, host: str
) -> None:
    [vertex] = [
        each
        for each in registrations(_settings(tmp_path, base, bucket))
        if each.route is Route.VERTEX
    ]
    assert isinstance(vertex.wire, Vertex)
    # The only hosts that get the access token beside Vertex AI's own.
    assert vertex.wire.own_hosts == {host}


@pytest.mark.parametrize(
    ("location", "origin"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_every_location_has_its_host(tmp_path: Path, location: str, origin: str) -> None:
    assert vertex_origin(settings_for("http://g", tmp_path, vertex_location=location)) == origin
