"""The operator's accounts: labels, stable ids, and errors that never quote a credential."""

import json
import traceback
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live import settings_for

from proxy.core.accounts import Account
from proxy.core.products import Credential
from proxy.credentials import ID_LENGTH, AccountBook, AccountsFileError

SECRET = "topsecret"


def _read(folder: Path, text: str | None = None, **given: Any) -> list[Account]:
    """The accounts of a file with this text and of these settings."""
    fields: dict[str, Any] = {"gs_cookie": None, "secret_key": "pepper", **given}
    if text is not None:
        path = folder / "accounts.toml"
        path.write_text(text, "utf-8")
        fields["accounts_file"] = path
    return AccountBook(settings_for("http://upstream", folder, **fields)).read()


def _table(**fields: Any) -> str:
    rows = [
        f"{name} = {str(value).lower() if isinstance(value, bool | float | int) else repr(value)}"
        for name, value in fields.items()
    ]
    return "\n".join(["[[accounts]]", *rows, ""])


def _refusal(folder: Path, text: str) -> str:
    with pytest.raises(AccountsFileError) as caught:
        _read(folder, text)
    assert SECRET not in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown.replace(text, ""), "the log shows the whole traceback"
    return str(caught.value)


# --- From the environment


def test_the_environments_accounts_are_numbered_by_kind(tmp_path: Path) -> None:
    accounts = _read(
        tmp_path,
        gs_cookie="session_id=a\nsession_id=b",
        gsk_api_key=["gsk-1"],
        genspark_api_key=["gsk-2", "gsk-1"],
    )
    assert [(a.label, a.credential, a.secret.reveal()) for a in accounts] == [
        ("key-1", Credential.KEY, "gsk-1"),
        ("key-2", Credential.KEY, "gsk-2"),
        ("cookie-1", Credential.COOKIE, "session_id=a"),
        ("cookie-2", Credential.COOKIE, "session_id=b"),
    ]


def test_each_kind_has_its_own_limit(tmp_path: Path) -> None:
    accounts = _read(
        tmp_path,
        _table(label="own", key="gsk-2", concurrency=9),
        gs_cookie="a",
        gsk_api_key=["gsk-1"],
        cookie_concurrency=3,
        key_concurrency=5,
    )
    assert {a.label: a.limit for a in accounts} == {"own": 9, "key-1": 5, "cookie-1": 3}


@pytest.mark.parametrize(
    "pasted", ["abc", "session_id=abc", "session_id=abc;", " Cookie: session_id=abc; "]
)
def test_a_cookie_is_the_same_account_however_it_was_pasted(tmp_path: Path, pasted: str) -> None:
    plain = _read(tmp_path, gs_cookie="session_id=abc")
    assert _read(tmp_path, gs_cookie=pasted) == plain


def test_the_same_credential_twice_is_one_account(tmp_path: Path) -> None:
    text = _table(label="mine", cookie="session_id=a") + _table(label="again", cookie="a")
    accounts = _read(tmp_path, text, gs_cookie="a\nb\na")
    assert [a.label for a in accounts] == ["mine", "cookie-2"]


# --- From the file


def test_a_table_says_everything_about_its_account(tmp_path: Path) -> None:
    text = _table(label="mine", cookie="a", weight=2.5, proxy="socks5://p:1080", disabled=True)
    (account,) = _read(tmp_path, text)
    assert (account.label, account.weight, account.disabled) == ("mine", 2.5, True)
    assert account.proxy == "socks5://p:1080"
    assert account.secret.reveal() == "session_id=a"


def test_both_kinds_in_one_table_are_two_accounts(tmp_path: Path) -> None:
    accounts = _read(tmp_path, _table(label="mine", cookie="a", key="gsk-1", weight=3.0))
    assert [(a.label, a.credential, a.weight) for a in accounts] == [
        ("mine/key", Credential.KEY, 3.0),
        ("mine/cookie", Credential.COOKIE, 3.0),
    ]
    assert len({a.id for a in accounts}) == 2


# --- Ids


def test_an_id_does_not_depend_on_the_order(tmp_path: Path) -> None:
    by_secret = {a.secret: a.id for a in _read(tmp_path, gs_cookie="a\nb\nc")}
    assert len(set(by_secret.values())) == 3
    for order in permutations("abc"):
        again = _read(tmp_path, gs_cookie="\n".join(order))
        assert {a.secret: a.id for a in again} == by_secret


def test_an_id_does_not_depend_on_the_label_or_on_where_it_was_written(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"cookie": "a", "weight": 5.0}
    first = _read(tmp_path, _table(label="one", **fields))
    second = _read(tmp_path, _table(label="two", **fields))
    third = _read(tmp_path, gs_cookie="a")
    assert first[0].id == second[0].id == third[0].id


def test_an_id_is_a_keyed_hash(tmp_path: Path) -> None:
    (one,) = _read(tmp_path, gs_cookie=SECRET)
    (other,) = _read(tmp_path, gs_cookie=SECRET, secret_key="salt")
    assert one.id != other.id
    assert len(one.id) == ID_LENGTH
    assert SECRET not in repr(one)


def test_without_a_key_of_the_operators_one_is_made_once(tmp_path: Path) -> None:
    first = _read(tmp_path, gs_cookie="a", secret_key=None)
    made = tmp_path / "secret.key"
    assert made.stat().st_mode & 0o777 == 0o600
    assert len(made.read_text()) == 64
    assert _read(tmp_path, gs_cookie="a", secret_key=None) == first


# --- What is wrong with the file


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"label": "a", "cookie": SECRET, "wieght": 1}, "wieght"),
        ({"label": "a", "cookie": SECRET, "weight": 0}, "weight"),
        ({"label": "a", "key": SECRET, "concurrency": 0}, "concurrency"),
        ({"label": "a", "key": SECRET, "proxy": f"ftp://u:{SECRET}@h:1"}, "proxy: must be"),
        ({"label": "a", "key": SECRET, "disabled": SECRET}, "disabled"),
        ({"label": "", "key": SECRET}, "label"),
        ({"cookie": SECRET}, "label"),
        ({"label": "a"}, "needs a cookie or a key"),
    ],
)
def test_a_wrong_table_is_named_by_number_and_field(
    tmp_path: Path, fields: dict[str, Any], told: str
) -> None:
    message = _refusal(tmp_path, _table(label="fine", key="gsk-1") + _table(**fields))
    assert "account 2" in message
    assert told in message


@pytest.mark.parametrize(
    "text",
    [
        f"[[accounts]]\ncookie = {SECRET}",
        f'[[accounts]]\ncookie = "{SECRET}',
        f"accounts = '{SECRET}'",
        f"accounts = ['{SECRET}']",
        f"[accounts]\ncookie = '{SECRET}'",
        f"[[accounts]]\n{SECRET}",
        f"[[accounts]]\nkey = '{SECRET}'\nkey = '{SECRET}'",
    ],
)
def test_a_file_that_cannot_be_read_is_refused_without_quoting_it(
    tmp_path: Path, text: str
) -> None:
    assert str(tmp_path / "accounts.toml") in _refusal(tmp_path, text)


def test_a_label_may_be_used_once(tmp_path: Path) -> None:
    message = _refusal(tmp_path, _table(label="a", key="gsk-1") + _table(label="a", cookie=SECRET))
    assert "'a' is used twice" in message


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(AccountsFileError, match="No such file"):
        _read(tmp_path, accounts_file=tmp_path / "nowhere.toml")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    path.write_bytes(b"[[accounts]]\nlabel = '\xff'")
    with pytest.raises(AccountsFileError, match="not valid TOML"):
        _read(tmp_path, accounts_file=path)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("[]accounts\n='\"{}#.01-T:\\"), max_size=60))
def test_any_text_gives_no_account_or_one_clear_refusal(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    told = ""
    try:
        assert _read(tmp_path_factory.getbasetemp(), f"# {SECRET}\n{text}") == []
    except AccountsFileError as error:
        told = str(error)
    assert SECRET not in told


def test_labels_of_file_and_environment_do_not_collide(tmp_path: Path) -> None:
    twice = _table(label="a", cookie="x", key="gsk-y") + _table(label="a/key", key="gsk-z")
    assert "label 'a/key' is used twice" in _refusal(tmp_path, twice)
    with pytest.raises(AccountsFileError, match="label 'key-1' is used twice"):
        _read(tmp_path, _table(label="key-1", key="gsk-a"), gsk_api_key=["gsk-b"])


@pytest.mark.parametrize("dirty", ["  ", "", "session_id=a\r\nX: b", "a\x00b"])
def test_a_blank_or_dirty_credential_is_refused(tmp_path: Path, dirty: str) -> None:
    text = f'[[accounts]]\nlabel = "a"\ncookie = {json.dumps(dirty)}\n'
    assert "account 1: cookie: is blank or holds control characters" in _refusal(tmp_path, text)


def test_a_credential_is_stripped(tmp_path: Path) -> None:
    (account,) = _read(tmp_path, '[[accounts]]\nlabel = "a"\nkey = " gsk-x\\n"\n')
    assert account.secret.reveal() == "gsk-x"


@pytest.mark.parametrize("text", ["x = " + "1" * 5000, "x = " + "[" * 5000])
def test_absurd_toml_is_one_clear_refusal(tmp_path: Path, text: str) -> None:
    assert "is not valid TOML" in _refusal(tmp_path, text)


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("\n")
    with pytest.raises(AccountsFileError, match=r"secret\.key is empty"):
        _read(tmp_path, gs_cookie="a", secret_key=None)
