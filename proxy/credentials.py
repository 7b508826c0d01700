"""The operator's accounts, from the environment and from ``ACCOUNTS_FILE``."""

import contextlib
import hashlib
import hmac
import os
import secrets
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from proxy.core.accounts import Account, Secret
from proxy.core.products import Credential
from proxy.setting_values import PROXY_FORM, cookies, is_proxy_url
from proxy.settings import Settings
from proxy.wire.genspark_account import normal_cookie

ID_LENGTH: Final = 24


class AccountsFileError(Exception):
    """``ACCOUNTS_FILE`` cannot be used; the text says where, without quoting a value."""


class _Table(BaseModel):
    """One ``[[accounts]]`` table. It may carry a cookie, a key, or both."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(min_length=1, max_length=80)
    cookie: str | None = None
    key: str | None = None
    weight: float = Field(1.0, gt=0, le=1000)
    proxy: str | None = None
    disabled: bool = False
    concurrency: int | None = Field(None, ge=1, le=10_000)

    @field_validator("cookie", "key")
    @classmethod
    def _credential(cls, value: str | None) -> str | None:
        bare = value.strip() if value is not None else None
        if bare is not None and (not bare or not bare.isprintable()):
            raise ValueError("is blank or holds control characters")
        return bare

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: str | None) -> str | None:
        if value is not None and not is_proxy_url(value):
            raise ValueError(PROXY_FORM)
        return value


class AccountBook:
    """Builds the list of accounts; the same credential always gets the same id."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hash_key = _hash_key(settings)

    @property
    def secret(self) -> bytes:
        """The server's own secret, from which keyed hashes and signatures are made."""
        return self._hash_key

    def read(self) -> list[Account]:
        """All accounts, first word on a credential wins. Raises ``AccountsFileError``."""
        found: dict[str, Account] = {}
        for account in (*self._from_file(), *self._from_environment()):
            found.setdefault(account.id, account)
        labels = Counter(account.label for account in found.values())
        if twice := [label for label, times in labels.items() if times > 1]:
            raise AccountsFileError(f"label '{twice[0]}' is used twice; choose another in the file")
        return list(found.values())

    def _from_environment(self) -> list[Account]:
        settings = self._settings
        raw = settings.gs_cookie.get_secret_value() if settings.gs_cookie else ""
        keys = [*settings.gsk_api_key, *settings.genspark_api_key]
        return [
            *(
                self._account(f"key-{n}", Credential.KEY, key.get_secret_value())
                for n, key in enumerate(dict.fromkeys(keys), 1)
            ),
            *(
                self._account(f"cookie-{n}", Credential.COOKIE, normal_cookie(cookie))
                for n, cookie in enumerate(cookies(raw), 1)
            ),
            *self._of_providers(),
        ]

    def _of_providers(self) -> list[Account]:
        keys = {
            kind: [key.get_secret_value() for key in given]
            for kind, given in self._settings.provider_keys().items()
        }
        keys[Credential.VERTEX] = self._service_accounts()
        return [
            self._account(f"{kind.value}-{n}", kind, key)
            for kind, given in keys.items()
            for n, key in enumerate(dict.fromkeys(given), 1)
        ]

    def _service_accounts(self) -> list[str]:
        path = self._settings.google_application_credentials
        if path is None:
            return []
        try:
            return [path.read_text("utf-8")]
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not a text"
            raise AccountsFileError(f"GOOGLE_APPLICATION_CREDENTIALS: {path}: {why}") from None

    def _from_file(self) -> list[Account]:
        path = self._settings.accounts_file
        if path is None:
            return []
        return [account for table in _tables(path) for account in self._of_table(table)]

    def _of_table(self, table: _Table) -> list[Account]:
        """A table with both kinds becomes two accounts: each has its own limits and locks."""
        kinds = [
            (Credential.KEY, table.key, table.key),
            (Credential.COOKIE, table.cookie, table.cookie and normal_cookie(table.cookie)),
        ]
        given = [(kind, secret) for kind, raw, secret in kinds if raw and secret]
        return [
            self._account(
                table.label if len(given) == 1 else f"{table.label}/{kind.value}",
                kind,
                secret,
                table,
            )
            for kind, secret in given
        ]

    def _account(
        self, label: str, kind: Credential, secret: str, table: _Table | None = None
    ) -> Account:
        settings = self._settings
        limit = {
            Credential.KEY: settings.key_concurrency,
            Credential.COOKIE: settings.cookie_concurrency,
        }.get(kind, settings.provider_concurrency)
        digest = hmac.new(self._hash_key, secret.encode(), hashlib.sha256).hexdigest()
        return Account(
            id=digest[:ID_LENGTH],
            label=label,
            credential=kind,
            secret=Secret(secret),
            limit=(table and table.concurrency) or limit,
            weight=table.weight if table else 1.0,
            proxy=table.proxy if table else None,
            disabled=table.disabled if table else False,
        )


def _tables(path: Path) -> list[_Table]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AccountsFileError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise AccountsFileError(f"{path} is not valid TOML: {_without_values(error)}") from None
    rows = document.get("accounts", [])
    if not isinstance(rows, list):
        raise AccountsFileError(f"{path}: write each account as an [[accounts]] table")
    tables = [_table(path, number, row) for number, row in enumerate(rows, 1)]
    labels = [table.label for table in tables]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise AccountsFileError(f"{path}: label '{twice[0]}' is used twice")
    return tables


def _table(path: Path, number: int, row: Any) -> _Table:
    try:
        table = _Table.model_validate(row)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in wrong["loc"])
        raise AccountsFileError(
            f"{path}: account {number}: {where}: {_reason(wrong['msg'])}"
        ) from None
    if not (table.cookie or table.key):
        raise AccountsFileError(f"{path}: account {number}: needs a cookie or a key")
    return table


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")


def _without_values(error: Exception) -> str:
    """A parser's position without its quotation of the file."""
    _, _, position = str(error).rpartition("(")
    return position.rstrip(")") if position else "decoding failed"


def _hash_key(settings: Settings) -> bytes:
    """The key of the hashes under which accounts are stored: given, or made once and kept."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / "secret.key"
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_text().strip()
    except OSError as error:
        raise AccountsFileError(f"{path}: {error.strerror}") from None
    if not key:
        raise AccountsFileError(f"{path} is empty; delete it, and a new one is made")
    return key.encode()


def _make_key(path: Path) -> None:
    """Of two processes that start at once one makes the key, whole, and both read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
