"""The only reader of the environment: every setting, typed, with its default and its meaning.

Names and defaults of Genspark2API are kept. ``docs/configuration.md`` is generated from this file
and a test holds the two together. Lists are separated by commas or newlines.
"""

import ipaddress
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from proxy.core.accounts import COOKIE_CONCURRENCY, KEY_CONCURRENCY
from proxy.core.catalogue import UnknownModel
from proxy.core.pool import Policy
from proxy.core.products import Route
from proxy.core.reasoning import ReasoningStyle
from proxy.core.recaptcha import Policy as Recaptcha
from proxy.media_settings import MediaSettings
from proxy.setting_values import (
    PROXY_FORM,
    List,
    Pairs,
    SecretList,
    address,
    cookies,
    is_proxy_url,
    origin,
    whole,
)
from proxy.wire.recaptcha import is_safe_for_cookies, service_url

# Any browser-style string does; its absence is answered with "bad request cf".
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)


class Settings(MediaSettings):
    """Everything an operator can set; field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        # An error must not quote what may be a credential.
        hide_input_in_errors=True,
    )

    # --- Accounts
    gs_cookie: SecretStr | None = Field(
        None, description="Genspark cookies: a JSON array, one per line, or separated by commas."
    )
    gsk_api_key: SecretList = Field([], description="Official Genspark API keys (`gsk-…`).")
    genspark_api_key: SecretList = Field([], description="Another name for `GSK_API_KEY`.")
    accounts_file: Path | None = Field(
        None,
        description="TOML file with `[[accounts]]` tables (label, cookie, key, weight, proxy,"
        " disabled, concurrency); read again when it changes and on SIGHUP.",
    )
    account_policy: Policy = Field(
        Policy.LEAST_BUSY,
        description="Which free account is next: least_busy, round_robin, random.",
    )
    cookie_concurrency: int = Field(
        COOKIE_CONCURRENCY, ge=1, description="Requests at once on one cookie."
    )
    key_concurrency: int = Field(KEY_CONCURRENCY, ge=1, description="Requests at once on one key.")
    account_wait: float = Field(
        30, ge=0, description="Seconds to wait for a free account when all are busy."
    )
    max_attempts: int = Field(4, ge=1, description="Accounts that one request may try.")
    rate_limit_cookie_lock_duration: int = Field(
        600, ge=1, description="Seconds a rate-limited account rests."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Keys the hashes under which accounts are stored. Unset: made once and kept in"
        " `DATA_DIR/secret.key`. Replicas that share a database need the same one.",
    )

    # --- Callers
    api_secret: SecretList = Field(
        [], description="Keys that callers must present, separated by commas."
    )
    allow_anonymous: bool = Field(
        False, description="Serve without `API_SECRET` on an address that others can reach."
    )
    request_rate_limit: int = Field(
        60, ge=0, description="Requests per minute and caller address; 0 switches the limit off."
    )
    ip_black_list: List = Field([], description="Addresses and networks (CIDR) that are refused.")
    forwarded_allow_ips: List = Field(
        [],
        description="Reverse proxies whose `X-Forwarded-For` is believed; empty trusts nobody.",
    )
    max_body_mb: int = Field(32, ge=1, description="Largest request body in MB.")
    route_prefix: str = Field(
        "", description="Put in front of `/v1`; the bare path then answers 404."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for `/metrics`; unset leaves it open."
    )
    dashboard_billing: Literal["zeros", "off"] = Field(
        "zeros", description="What gateways' billing look-ups get: zeros, or 404."
    )

    # --- Where
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(7055, ge=0, le=65535, description="Port to listen on.")
    data_dir: Path = Field(Path("data"), description="Where the server keeps things.")
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL; unset: SQLite in `DATA_DIR`. PostgreSQL for replicas."
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis/Valkey for the caller limits that several replicas share."
    )
    public_base_url: str | None = Field(
        None,
        description="The address under which callers reach this server, for links to results;"
        " unset: the host that the request named.",
    )
    drain_seconds: float = Field(
        30, ge=0, description="How long running answers may finish after SIGTERM."
    )

    # --- Genspark
    genspark_base_url: str = Field(
        "https://www.genspark.ai", description="Origin of Genspark; every path hangs under it."
    )
    proxy_url: SecretStr | None = Field(
        None, description="http, https or socks5 proxy for upstream traffic."
    )
    user_agent: str = Field(
        USER_AGENT, min_length=1, description="User-Agent for the cookie routes."
    )
    route_order: List = Field(
        ["key", "cookie"], description="Which kind of credential is asked first."
    )
    enable_legacy_copilot: bool = Field(
        False, description="Also use the legacy copilot wire (reported retired)."
    )
    connect_timeout: float = Field(10, gt=0, description="Seconds to connect to an upstream.")
    idle_timeout: float = Field(
        300, gt=0, description="Seconds an upstream may stay silent before the answer is given up."
    )
    first_event_patience: float = Field(
        15, gt=0, description="Seconds before a silent stream is opened with keep-alive comments."
    )
    first_event_timeout: float = Field(
        300, gt=0, description="Seconds one attempt may take until there is something to see."
    )
    answer_timeout: float = Field(
        1800, gt=0, description="Seconds a whole answer may take from its first visible event."
    )

    # --- reCAPTCHA sidecar
    recaptcha_proxy_url: SecretStr | None = Field(
        None,
        description="The reCAPTCHA sidecar, or a service with the same contract (bare `ip:port`"
        " too). It is sent account cookies: https, or an address on a private network.",
    )
    sidecar_secret: SecretStr | None = Field(
        None, description="The sidecar's own secret, sent as a Bearer token."
    )
    sidecar_timeout: float = Field(60, gt=0, description="Seconds to wait for a token.")
    recaptcha_chat: Recaptcha = Field(
        Recaptcha.AUTO,
        description="When a chat asks for a token: never, auto (once Genspark wanted one), always.",
    )
    recaptcha_image: Recaptcha = Field(Recaptcha.AUTO, description="The same for images.")
    recaptcha_video: Recaptcha = Field(Recaptcha.AUTO, description="The same for videos.")
    recaptcha_breaker_failures: int = Field(
        5, ge=1, description="Failures in a row after which the sidecar is left alone."
    )
    recaptcha_breaker_seconds: float = Field(
        30, gt=0, description="How long it is left alone before one request tries it again."
    )

    # --- Chat
    model_aliases: Pairs = Field(
        {}, description="Public names for other models: `gpt-4o-mini=gpt-5.4-mini,…`."
    )
    unknown_model: UnknownModel = Field(
        UnknownModel.MIXTURE,
        description="A model no route knows: mixture (mixture-of-agents), forward, or reject.",
    )
    model_chat_map: Pairs = Field(
        {}, description="Models bound to a Genspark project: `model=project-id,…`."
    )
    auto_model_chat_map_type: Annotated[Literal[0, 1], BeforeValidator(whole)] = Field(
        0,
        description="0: every chat is a fresh conversation. 1: a follow-up of the same caller goes"
        " on in its own Genspark conversation and sends only the new turns.",
    )
    auto_del_chat: bool = Field(False, description="Delete each conversation after its answer.")
    pre_messages_json: str = Field(
        "", description="JSON list of messages put in front of every chat."
    )
    reasoning_hide: bool = Field(False, description="Leave reasoning out of answers.")
    reasoning_style: Literal["field", "think", "both"] = Field(
        "field",
        description="Where reasoning shows: field (`reasoning_content`), think (`<think>…</think>`"
        " in the text), both.",
    )
    tool_calling_enabled: bool = Field(
        True, description="Offer callers' tools to the model; off: they are passed over."
    )
    errors_as_content: bool = Field(
        False, description="Say errors inside the answer, for gateways that swallow error events."
    )
    catalogue_refresh: float = Field(
        6 * 3600, ge=0, description="Seconds between looks at the live model lists; 0: never."
    )

    # --- Telemetry
    debug: bool = Field(False, description="Log at debug level.")
    debug_log_body: bool = Field(
        False, description="Also log prompts and answers, with credentials redacted."
    )
    log_format: Literal["console", "json"] = Field("console", description="How logs are written.")
    tz: str = Field("", description="Time zone of console logs, as in the TZ variable.")

    @field_validator("ip_black_list", "forwarded_allow_ips")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for item in value:
            ipaddress.ip_network(item, strict=False)
        return value

    @field_validator("gs_cookie")
    @classmethod
    def _cookie_list(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            cookies(value.get_secret_value() if value else "")
        except (ValueError, RecursionError):
            raise ValueError("is not a valid JSON array of strings") from None
        return value

    @field_validator("proxy_url")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_proxy_url(value.get_secret_value()):
            raise ValueError(PROXY_FORM)
        return value

    @field_validator("genspark_base_url")
    @classmethod
    def _genspark(cls, value: str) -> str:
        return origin(value)

    @field_validator("public_base_url")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        return None if value is None else address(value)

    @field_validator("recaptcha_proxy_url")
    @classmethod
    def _private(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        url = service_url(value.get_secret_value())
        if not is_safe_for_cookies(url):
            raise ValueError("account cookies go there: use https, or a private address")
        return SecretStr(url)

    @field_validator("route_prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        parts = [part for part in value.split("/") if part]
        return "".join(f"/{part}" for part in parts)

    @field_validator("route_order")
    @classmethod
    def _routes(cls, value: list[str]) -> list[str]:
        known = {Route.KEY.value, Route.COOKIE.value}
        if not value or set(value) - known or len(set(value)) != len(value):
            raise ValueError("names key and cookie, each at most once")
        return value

    @field_validator("pre_messages_json")
    @classmethod
    def _messages(cls, value: str) -> str:
        try:
            parsed = json.loads(value) if value else []
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, list) or not all(isinstance(item, dict) for item in parsed):
            raise ValueError("must be a JSON list of messages")
        return value

    @model_validator(mode="after")
    def _no_open_door(self) -> "Settings":
        if not (self.api_secret or self.allow_anonymous or self.is_loopback()):
            raise ValueError(
                f"HOST={self.host} can be reached by others: set API_SECRET,"
                " or ALLOW_ANONYMOUS=1 if that is meant"
            )
        return self

    def reasoning(self) -> ReasoningStyle:
        """How reasoning is shown, if at all."""
        return ReasoningStyle.HIDE if self.reasoning_hide else ReasoningStyle(self.reasoning_style)

    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def routes(self) -> list[Route]:
        """The routes in order; the legacy wire comes last, and only when it is switched on."""
        order = [Route(name) for name in self.route_order]
        return [*order, Route.LEGACY] if self.enable_legacy_copilot else order

    def database(self) -> str:
        """The database's URL."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_dir.resolve()}/genspark2api.db"

    def opening_messages(self) -> tuple[dict[str, Any], ...]:
        """The operator's messages for the front of every chat."""
        return tuple(json.loads(self.pre_messages_json)) if self.pre_messages_json else ()
