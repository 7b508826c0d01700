"""The settings of images, videos and their official providers; ``proxy.settings`` adds the rest."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from proxy.core.products import GENSPARK, PROVIDER_ROUTES, Credential
from proxy.setting_values import List, SecretList, address, origin


class MediaSettings(BaseSettings):
    """Field names are the variables' names in lower case."""

    # --- Images and videos
    image_model: str = Field(
        "gpt-image-2", min_length=1, description="Model of an image request that names none."
    )
    video_model: str = Field(
        "gemini/veo3.1", min_length=1, description="Model of a video request that names none."
    )
    enable_cookie_video: bool = Field(
        True,
        description="Make videos with a cookie where no key can (experimental: its results are"
        " undocumented).",
    )
    video_poll_interval: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Seconds between looks at a running task; unset: what the route likes."
    )
    video_sync_timeout: float = Field(
        900, gt=0, description="Seconds a waiting request is held; the job goes on afterwards."
    )
    job_timeout: float = Field(
        3600, gt=0, description="Seconds a generation may take upstream before it counts as failed."
    )
    job_queue_timeout: float = Field(
        1800, gt=0, description="Seconds a job may wait for an account while all are busy."
    )
    max_active_jobs: int = Field(500, ge=1, description="Jobs at an upstream at once.")
    max_queued_jobs: int = Field(
        1000, ge=1, description="Jobs waiting for an account; more are answered 429."
    )
    max_jobs_per_caller: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Unfinished jobs one caller may have; unset: no limit of its own."
    )
    job_retention_days: float = Field(
        30, gt=0, description="How long finished jobs and their histories are kept."
    )
    media: Literal["store", "proxy", "redirect"] = Field(
        "store",
        description="Results: store (copied to `DATA_DIR/media`), proxy (passed through from"
        " upstream on each download), redirect (callers are sent to the upstream's own link where"
        " it needs no credential).",
    )
    media_retention_days: float = Field(7, gt=0, description="How long copied results are kept.")
    media_max_gb: float = Field(
        20, gt=0, description="Most disk space for copied results; the oldest go first."
    )
    media_max_file_mb: int = Field(2000, ge=1, description="Largest result that is copied.")
    input_max_mb: int = Field(20, ge=1, description="Largest image (or other input) of a request.")
    signed_url_ttl: int = Field(86400, ge=60, description="Seconds that a link to a result works.")

    # --- Official providers of images and videos
    runway_api_key: SecretList = Field([], description="Runway API keys (`key_…`).")
    runwayml_api_secret: SecretList = Field([], description="Another name for `RUNWAY_API_KEY`.")
    gemini_api_key: SecretList = Field([], description="Google Gemini API keys.")
    google_application_credentials: Path | None = Field(
        None, description="File with a Google service account, for Vertex AI."
    )
    vertex_project: str | None = Field(
        None, description="Google Cloud project; unset: the service account's own."
    )
    vertex_location: str = Field(
        "us-central1", min_length=1, description="Vertex AI location, or `global`."
    )
    vertex_storage_uri: str | None = Field(
        None,
        description="`gs://bucket/prefix` where Vertex AI puts results; unset: they come inside its"
        " answers.",
    )
    apimart_api_key: SecretList = Field([], description="APIMart API keys.")
    openai_video_api_key: SecretList = Field(
        [], description="Keys of a server that speaks OpenAI's Videos API."
    )
    openai_video_base_url: str | None = Field(
        None,
        description="That server's address with its `/v1`: new-api, LiteLLM, another instance of"
        " this project. Its models have the prefix `openai/`.",
    )
    runway_base_url: str = Field(
        "https://api.dev.runwayml.com", description="Origin of Runway's API."
    )
    gemini_base_url: str = Field(
        "https://generativelanguage.googleapis.com", description="Origin of the Gemini API."
    )
    vertex_base_url: str | None = Field(
        None, description="Origin of Vertex AI; unset: Google's own for `VERTEX_LOCATION`."
    )
    apimart_base_url: str = Field("https://api.apimart.ai", description="Origin of APIMart's API.")
    provider_concurrency: int = Field(
        4, ge=1, description="Requests at once on one key of an official provider."
    )
    video_provider_order: List = Field(
        ["genspark", "runway", "gemini", "vertex", "apimart", "openai"],
        description="Who is asked in which order for the model `auto`.",
    )
    routes_file: Path | None = Field(
        None,
        description="TOML file with the operator's own lists of candidates:"
        ' `[routes]` and `"name" = ["provider/model", …]`.',
    )
    lenient_params: bool = Field(
        False,
        description="Drop what a provider cannot do (and say so in `metadata.ignored`) instead of"
        " refusing the request.",
    )
    fallback_on_policy: bool = Field(
        False, description="Offer a request that one provider's rules refused to the next one."
    )

    @field_validator("runway_base_url", "gemini_base_url", "vertex_base_url", "apimart_base_url")
    @classmethod
    def _provider_origin(cls, value: str | None) -> str | None:
        return None if value is None else origin(value)

    @field_validator("openai_video_base_url")
    @classmethod
    def _base(cls, value: str | None) -> str | None:
        return None if value is None else address(value)

    @field_validator("video_provider_order")
    @classmethod
    def _providers(cls, value: list[str]) -> list[str]:
        known = {GENSPARK, *(route.value for route in PROVIDER_ROUTES)}
        if not value or set(value) - known or len(set(value)) != len(value):
            raise ValueError(f"names {', '.join(sorted(known))}, each at most once")
        return value

    @model_validator(mode="after")
    def _provider_address(self) -> Self:
        if self.openai_video_api_key and not self.openai_video_base_url:
            raise ValueError("OPENAI_VIDEO_API_KEY needs OPENAI_VIDEO_BASE_URL")
        return self

    def provider_keys(self) -> dict[Credential, list[SecretStr]]:
        """The keys of official providers; Vertex's is a file."""
        return {
            Credential.RUNWAY: [*self.runway_api_key, *self.runwayml_api_secret],
            Credential.GEMINI: self.gemini_api_key,
            Credential.APIMART: self.apimart_api_key,
            Credential.OPENAI: self.openai_video_api_key,
        }
