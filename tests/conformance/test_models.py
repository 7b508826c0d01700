"""Assertion 42: the list of models."""

import pytest
from conformance.error_objects import error_of
from conformance.raw_http import ask
from conformance.sides import COOKIE, SECRET_KEY, Side, Start


def test_c42_models_have_what_clients_read(side: Side) -> None:
    reply = ask(side.url, "GET", "/v1/models")

    assert reply.status == 200
    assert reply.headers["content-type"].split(";")[0] == "application/json"
    listed = reply.json()
    assert listed["object"] == "list"
    assert listed["data"]
    for model in listed["data"]:
        assert isinstance(model["id"], str)
        assert model["id"]
        assert model["object"] == "model"
        assert type(model["created"]) is int
        assert model["created"] > 0
        assert isinstance(model["owned_by"], str)
        assert model.get("name", "a name") is not None


def test_c42_ids_are_unique_and_sorted(start: Start) -> None:
    aliases = {"gpt-4o": "gpt-5.4", "GPT-5.4": "gpt-5.4-mini", "mixture-of-agents": "gpt-5.4"}
    both = start(COOKIE, gsk_api_key=[SECRET_KEY], model_aliases=aliases)

    ids = [model["id"] for model in ask(both.url, "GET", "/v1/models").json()["data"]]

    assert len(set(ids)) == len(ids)
    assert len({name.lower() for name in ids}) == len(ids), "names differ only in case"
    assert ids == sorted(ids, key=str.lower)
    assert {"gpt-4o", "gpt-5.4-mini", "claude-opus-4-7"} <= set(ids)


def test_c42_no_upstream_is_asked(side: Side) -> None:
    ask(side.url, "GET", "/v1/models")
    ask(side.url, "GET", "/v1/models/gpt-5.4")
    ask(side.url, "GET", "/v1/models/nothing-like-it")

    assert side.upstream.log() == []


def test_c42_models_are_listed_although_the_account_rests_or_is_missing(start: Start) -> None:
    resting = start(COOKIE)
    resting.script(scenario="rate_limit_cf1")
    resting.chat()
    bare = start(COOKIE, gs_cookie=None)

    assert ask(resting.url, "GET", "/v1/models").json()["data"]
    assert ask(bare.url, "GET", "/v1/models").status == 200


def test_c42_each_listed_model_can_be_retrieved_and_asked(side: Side) -> None:
    listed = ask(side.url, "GET", "/v1/models").json()["data"]

    for model in listed:
        found = ask(side.url, "GET", f"/v1/models/{model['id']}")
        assert (found.status, found.json()) == (200, model)
    # Images and videos have tests of their own.
    for model in [model for model in listed if model["type"] == "chat"][:3]:
        assert side.whole(model=model["id"])["model"] == model["id"]


@pytest.mark.parametrize(
    "name", ["gpt-99", "vendor/none/such", "gpt%2F99", "%C3%A4", "%F0%9F%A6%8A", "%FF", "%00"]
)
def test_c42_an_unknown_model_is_404(side: Side, name: str) -> None:
    reply = ask(side.url, "GET", f"/v1/models/{name}")

    assert error_of(reply, 404)["code"] == "model_not_found"
