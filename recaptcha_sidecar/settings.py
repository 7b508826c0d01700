"""The sidecar's own environment; nothing else reads it."""

import ipaddress
import os
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything an operator can set; field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env.sidecar",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(7022, ge=0, le=65535, description="Port to listen on.")
    sidecar_secret: SecretStr | None = Field(
        None,
        description="Bearer token that callers must present; needed on any address that is not"
        " loopback.",
    )
    genspark_base_url: str = Field(
        "https://www.genspark.ai", description="Origin of Genspark; the only one that gets cookies."
    )
    proxy_url: SecretStr | None = Field(
        None, description="http, https or socks5 proxy for the browser."
    )
    chromium_path: str | None = Field(
        None, description="The browser's executable; unset: `chromium` on PATH, else Playwright's."
    )
    chromium_sandbox: Literal["auto", "on", "off"] = Field(
        "auto", description="Chromium's own sandbox; auto switches it off only for root."
    )
    block_heavy_resources: bool = Field(True, description="Do not load images, media and fonts.")
    max_contexts: int = Field(5, ge=1, description="Accounts kept warm at once.")
    max_concurrency: int = Field(4, ge=1, description="Mints at the same time.")
    sidecar_queue: int = Field(64, ge=0, description="Requests that may wait; more get 503.")
    sidecar_timeout: float = Field(60, gt=0, description="Seconds one request may take in all.")
    page_timeout: float = Field(20, gt=0, description="Seconds to open the page.")
    mint_timeout: float = Field(20, gt=0, description="Seconds for the page to mint a token.")
    page_max_age: float = Field(
        1800, gt=0, description="Seconds after which a warm page is opened anew."
    )
    context_idle: float = Field(
        900, gt=0, description="Seconds after which an account that asks no more is let go."
    )
    context_max_mints: int = Field(500, ge=1, description="Tokens per context before a new one.")
    browser_max_mints: int = Field(5000, ge=1, description="Tokens per browser before a new one.")
    browser_max_age: float = Field(
        6 * 3600, gt=0, description="Seconds a browser lives before a new one takes over."
    )
    token_max_age: float = Field(
        100,
        gt=0,
        le=120,
        description="Seconds a token is promised to be good; Google's limit: 120.",
    )
    drain_seconds: float = Field(
        20, ge=0, description="How long running mints may finish after SIGTERM."
    )
    log_format: Literal["console", "json"] = Field("console", description="How logs are written.")

    @field_validator("genspark_base_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("proxy_url")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value.get_secret_value())
            known = parts.scheme in ("http", "https", "socks5") and parts.hostname and parts.port
        except ValueError:
            known = None
        if not known:
            raise ValueError("must be http://, https:// or socks5:// with a host and a port")
        if parts.scheme == "socks5" and parts.username:
            raise ValueError("Chromium knows no SOCKS5 logins; use an http:// proxy with one")
        return value

    @model_validator(mode="after")
    def _no_open_door(self) -> "Settings":
        """A stranger with this service's ear could mint tokens for any cookie."""
        if self.sidecar_secret is None and not self._is_loopback():
            raise ValueError(f"HOST={self.host} can be reached by others: set SIDECAR_SECRET")
        return self

    def _is_loopback(self) -> bool:
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def sandboxed(self) -> bool:
        """Chromium refuses to run its sandbox as root."""
        if self.chromium_sandbox == "auto":
            return os.geteuid() != 0
        return self.chromium_sandbox == "on"
