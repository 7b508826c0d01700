"""The settings: each validator's yes and no, and no string that breaks the reader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from proxy.core.catalogue import UnknownModel
from proxy.core.pool import Policy
from proxy.core.products import Route
from proxy.setting_values import cookies, is_proxy_url
from proxy.settings import Settings


def _made(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def _refused(**given: Any) -> list[str]:
    """What the operator is told, field by field."""
    with pytest.raises(ValidationError) as caught:
        _made(**given)
    found = caught.value.errors(include_url=False, include_input=False, include_context=False)
    return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found]


# --- Lists


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" , ,", []),
        ("a", ["a"]),
        ("a,b , c", ["a", "b", "c"]),
        ("a\nb\r\n\nc\n", ["a", "b", "c"]),
        ('["a", " b ", ""]', ["a", "b"]),
        ('[\n"session_id=a,b"\n]', ["session_id=a,b"]),
        ("session_id=a; x=1,2", ["session_id=a; x=1,2"]),
        ("session_id=a; x=1,2\nsession_id=b; y=3", ["session_id=a; x=1,2", "session_id=b; y=3"]),
        ("session_id=a; x=1,2, session_id=b; y=3", ["session_id=a; x=1,2", "session_id=b; y=3"]),
        ("x=1; session_id=a", ["x=1; session_id=a"]),
    ],
)  # fmt: skip
def test_cookies_come_as_json_lines_or_commas(text: str, found: list[str]) -> None:
    assert cookies(text) == found


@pytest.mark.parametrize("text", ["[", '["a"', "[1]", '[["a"]]', "[null]", '[{"a": 1}]'])
def test_a_broken_array_of_cookies_is_refused(text: str) -> None:
    assert _refused(gs_cookie=text) == [
        "gs_cookie: Value error, is not a valid JSON array of strings"
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])).map(str.strip).filter(bool)))
def test_json_carries_any_cookie(given_cookies: list[str]) -> None:
    assert cookies(json.dumps(given_cookies)) == given_cookies


def test_lists_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_SECRET", "one, two\nthree,,")
    monkeypatch.setenv("GSK_API_KEY", "gsk-1")
    monkeypatch.setenv("IP_BLACK_LIST", "10.0.0.0/8,::1")
    monkeypatch.setenv("MODEL_ALIASES", "a=b, c = d=e")
    made = _made()
    assert [secret.get_secret_value() for secret in made.api_secret] == ["one", "two", "three"]
    assert made.gsk_api_key == [SecretStr("gsk-1")]
    assert made.ip_black_list == ["10.0.0.0/8", "::1"]
    assert made.model_aliases == {"a": "b", "c": "d=e"}


@pytest.mark.parametrize("text", ["a", "a=", "=b", "a=b,c"])
def test_a_pair_needs_both_sides(text: str) -> None:
    (told,) = _refused(model_aliases=text)
    assert told.startswith("model_aliases: Value error, '")
    assert told.endswith("is not of the form name=value")


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "GS_COOKIE", "ROUTE_ORDER", "DATABASE_URL", "API_SECRET"):
        monkeypatch.setenv(name, "")
    assert _made() == _made(port=7055)


# --- Validators


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("http://h:1", True),
        ("https://u:p@h:65535", True),
        ("socks5://[::1]:1080", True),
        ("socks5h://h:1080", True),
        ("http://h", False),
        ("http://:80", False),
        ("http://h:0", False),
        ("http://h:99999", False),
        ("http://h:x", False),
        ("ftp://h:1", False),
        ("h:1", False),
        ("http://[::1:1", False),
        ("", False),
    ],
)
def test_what_a_proxy_url_is(text: str, good: bool) -> None:
    assert is_proxy_url(text) is good
    if good:
        assert _made(proxy_url=text).proxy_url == SecretStr(text)
    else:
        assert _refused(proxy_url=text)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://www.genspark.ai", "https://www.genspark.ai"),
        ("https://www.genspark.ai/", "https://www.genspark.ai"),
        ("http://127.0.0.1:9/v1/", "http://127.0.0.1:9"),
    ],
)
def test_the_upstream_is_an_origin(given: str, origin: str) -> None:
    assert _made(genspark_base_url=given).genspark_base_url == origin


@pytest.mark.parametrize("text", ["www.genspark.ai", "https://", "https://h/api", "ftp://h", "x y"])
def test_a_path_is_no_origin(text: str) -> None:
    assert "must be an origin" in _refused(genspark_base_url=text)[0]


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("127.0.0.1:7000", "http://127.0.0.1:7000"),
        ("sidecar:7000/", "http://sidecar:7000"),
        ("http://10.1.2.3:7000", "http://10.1.2.3:7000"),
        ("https://tokens.example.com/", "https://tokens.example.com"),
    ],
)
def test_cookies_are_sent_to_a_sidecar_that_is_near_or_over_tls(given: str, url: str) -> None:
    assert _made(recaptcha_proxy_url=given).recaptcha_proxy_url == SecretStr(url)


@pytest.mark.parametrize("text", ["8.8.8.8:7000", "http://tokens.example.com", "http://[::1"])
def test_cookies_are_sent_in_the_clear_to_nobody_else(text: str) -> None:
    assert _refused(recaptcha_proxy_url=text)


@pytest.mark.parametrize("field", ["ip_black_list", "forwarded_allow_ips"])
def test_networks_are_addresses_or_cidr(field: str) -> None:
    assert getattr(_made(**{field: "10.1.2.3/8,::1"}), field) == ["10.1.2.3/8", "::1"]
    for wrong in ("10.0.0", "10.0.0.0/33", "localhost"):
        assert _refused(**{field: wrong})[0].startswith(field)


@pytest.mark.parametrize(
    ("given", "prefix"), [("", ""), ("/", ""), ("api", "/api"), ("//a//b/", "/a/b")]
)
def test_a_prefix_begins_with_a_slash_and_ends_without(given: str, prefix: str) -> None:
    assert _made(route_prefix=given).route_prefix == prefix


@pytest.mark.parametrize(
    ("order", "legacy", "routes"),
    [
        ("key,cookie", False, [Route.KEY, Route.COOKIE]),
        ("cookie", False, [Route.COOKIE]),
        ("cookie,key", True, [Route.COOKIE, Route.KEY, Route.LEGACY]),
    ],
)
def test_the_order_of_routes(order: str, legacy: bool, routes: list[Route]) -> None:
    assert _made(route_order=order, enable_legacy_copilot=legacy).routes() == routes


@pytest.mark.parametrize("order", ["", "key,key", "legacy", "key,web"])
def test_no_other_order_of_routes(order: str) -> None:
    assert _refused(route_order=order) == [
        "route_order: Value error, names key and cookie, each at most once"
    ]


def test_opening_messages_are_a_json_list_of_objects() -> None:
    assert _made().opening_messages() == ()
    message = {"role": "system", "content": "Hi"}
    assert _made(pre_messages_json=json.dumps([message])).opening_messages() == (message,)
    for wrong in ("{}", "[1]", "[", '"x"', "null"):
        assert _refused(pre_messages_json=wrong)[0].startswith("pre_messages_json")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_alone_needs_no_caller_key(host: str) -> None:
    assert _made(host=host).is_loopback()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com"])
def test_a_door_to_others_has_a_key_or_is_opened_on_purpose(host: str) -> None:
    (told,) = _refused(host=host)
    assert f"HOST={host}" in told
    assert "API_SECRET" in told
    assert not _made(host=host, api_secret="x").is_loopback()
    assert _made(host=host, allow_anonymous=True).allow_anonymous


@pytest.mark.parametrize(
    "field",
    [
        name
        for name in Settings.model_fields
        if name.endswith(("_timeout", "_concurrency", "_attempts", "_mb", "_duration", "_patience"))
    ],
)
def test_times_and_numbers_are_above_zero(field: str) -> None:
    for wrong in ("0", "-1", "nan", "many"):
        assert _refused(**{field: wrong})[0].startswith(f"{field}: ")


@pytest.mark.parametrize("field", ["account_wait", "drain_seconds", "catalogue_refresh"])
def test_some_times_may_be_zero(field: str) -> None:
    assert getattr(_made(**{field: "0"}), field) == 0
    assert _refused(**{field: "-0.1"})


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("account_policy", "best"),
        ("unknown_model", "guess"),
        ("port", "65536"),
        ("auto_model_chat_map_type", "2"),
        ("dashboard_billing", "on"),
        ("recaptcha_chat", "perhaps"),
        ("log_format", "xml"),
        ("user_agent", ""),
        ("debug", "perhaps"),
    ],
)
def test_choices_are_closed(field: str, wrong: str) -> None:
    assert _refused(**{field: wrong})[0].startswith(f"{field}: ")


def test_choices_are_read_from_text() -> None:
    made = _made(account_policy="random", unknown_model="reject", auto_model_chat_map_type="1")
    assert made.account_policy is Policy.RANDOM
    assert made.unknown_model is UnknownModel.REJECT
    assert made.auto_model_chat_map_type == 1


def test_the_database_is_in_the_data_folder_unless_told(tmp_path: Path) -> None:
    assert _made(data_dir=tmp_path).database() == f"sqlite+aiosqlite:///{tmp_path}/genspark2api.db"
    assert _made(database_url="postgresql://db/x").database() == "postgresql://db/x"


# --- Nothing else ever comes out

SECRET = "topsecret"
secret_fields = {
    "gs_cookie": f'["{SECRET}"',
    "proxy_url": f"ftp://u:{SECRET}@h:1",
    "recaptcha_proxy_url": f"http://u:{SECRET}@8.8.8.8",
}


@pytest.mark.parametrize("field", secret_fields)
def test_what_the_operator_is_told_quotes_no_secret(field: str) -> None:
    assert SECRET not in "".join(_refused(**{field: secret_fields[field]}))


def test_shown_settings_hide_their_secrets() -> None:
    hidden = ("gs_cookie", "gsk_api_key", "api_secret", "secret_key", "database_url", "redis_url")
    given: dict[str, Any] = dict.fromkeys((*hidden, "metrics_token", "sidecar_secret"), SECRET)
    made = _made(**given, proxy_url=f"http://u:{SECRET}@h:1")
    assert SECRET not in f"{made!r} {made}"


awkward = st.one_of(
    st.text(max_size=30),
    st.text(st.sampled_from('[]{}",:/=@.0123456789abhtps \n%?#\x00²'), max_size=30),
    st.sampled_from(["http://[", "[[[", "9" * 5000, "1e999", "-0", "::1%x", "²"]),
)


@settings(max_examples=200, deadline=None)
@given(field=st.sampled_from(sorted(Settings.model_fields)), text=awkward)
def test_any_text_is_a_setting_or_a_validation_error(field: str, text: str) -> None:
    try:
        made = _made(**{field: text})
    except ValidationError as error:
        assert {e["loc"][:1] for e in error.errors()} <= {(field,), ()}  # noqa: PT017
        return
    assert made.routes()
    assert isinstance(made.opening_messages(), tuple)
