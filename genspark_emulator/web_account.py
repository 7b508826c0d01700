"""The cookie routes beside chat: login check, quota, catalogues, projects."""

import hashlib
import time
from typing import Any

from genspark_emulator.calls import Call
from genspark_emulator.catalogue import chat_catalogue, media_catalogue
from genspark_emulator.endpoint import Endpoint, anonymous, bare_client
from genspark_emulator.events import JsonObject
from genspark_emulator.projects import Project
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.documents import refusal
from genspark_emulator.state import EmulatorState

CREDITS = 9_000
DEFAULT_PROJECT_TYPE = "super_agent"
"""Another product than chat: a creation without ``type`` does not open a chat (2026-03)."""

WINDOWS = {"5h": 5 * 3600, "7d": 7 * 24 * 3600}
LIMIT_DOLLARS = 5.0

NO_USER = refusal(-5, "user not found")
NO_PROJECT = refusal(-2, "project not found")


def _ok(data: Any) -> Reply:
    return Reply(body={"status": 0, "message": "success", "data": data})


NOT_LOGGED_IN = _ok({"is_login": False})


def _person(account: str) -> JsonObject:
    """A name and address that tell accounts apart without giving the session id away."""
    mark = hashlib.sha256(account.encode()).hexdigest()[:8]
    return {"id": mark, "name": f"User {mark}", "email": f"user-{mark}@example.com"}


def _is_login(call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    """Logged in with any session cookie (observed 2026-04-27)."""
    if not call.account:
        return NOT_LOGGED_IN
    person = _person(call.account)
    return _ok({"is_login": True, **{f"cogen_{name}": value for name, value in person.items()}})


def _user(call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    """An anonymous call gets HTTP 200 as well, with an application code."""
    if not call.account:
        return NO_USER
    membership = {"plan": "plus", "personal_membership_ext": {"status": "active"}}
    return _ok({"cogen": {**_person(call.account), **membership}})


def _free_pool(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    """Rolling windows of free use (observed 2026-09)."""
    window = {
        "remaining_dollars": LIMIT_DOLLARS,
        "limit_dollars": LIMIT_DOLLARS,
        "spent_dollars": 0.0,
    }
    now = int(time.time())
    return _ok({name: {**window, "reset_at": now + span} for name, span in WINDOWS.items()})


def _billing_cycle(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    return _ok({"remaining": CREDITS})


def _credit_balance(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    return _ok({"balance": CREDITS})


def _chat_models(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    return Reply(body=chat_catalogue())


def _media_models(_call: Call, _state: EmulatorState, _rule: Rule) -> Reply:
    return Reply(body=media_catalogue())


def _create(call: Call, state: EmulatorState, _rule: Rule) -> Reply:
    """A new project, with the messages of its session state (observed 2026-03)."""
    kind = str(call.fields.get("type") or DEFAULT_PROJECT_TYPE)
    project = state.projects.open(call.account or "", kind)
    session_state = call.fields.get("session_state")
    if isinstance(session_state, dict):
        project.messages += session_state.get("messages") or []
    return _ok({"id": project.id})


def _own_project(call: Call, state: EmulatorState) -> Project | None:
    return state.projects.owned(call.query.get("project_id"), call.account)


def _delete(call: Call, state: EmulatorState, _rule: Rule) -> Reply:
    """Only the owner can delete; the thread stays visible to the control interface."""
    project = _own_project(call, state)
    if project is None:
        return NO_PROJECT
    project.deleted = True
    return _ok({})


def _abort(call: Call, state: EmulatorState, _rule: Rule) -> Reply:
    """Counted, for a client that aborts has normally left the stream already; running tasks of
    the project are cancelled."""
    project = _own_project(call, state)
    if project is None:
        return NO_PROJECT
    project.aborts += 1
    state.tasks.cancel(project.id, state.clock())
    return _ok({})


_LOGGED_OUT = {"not_login": NOT_LOGGED_IN}
_UNKNOWN = {"not_login": NO_USER}

ENDPOINTS = (
    Endpoint("GET", "/api/is_login", "login", "session", _is_login, bare_client, _LOGGED_OUT),
    Endpoint("GET", "/api/user", "login", "session", _user, bare_client, _UNKNOWN),
    Endpoint("GET", "/api/quota/free_pool", "quota", "session", _free_pool, anonymous),
    Endpoint(
        "GET", "/api/credit_audit/billing_cycle", "quota", "session", _billing_cycle, anonymous
    ),
    Endpoint(
        "GET", "/api/payment/get_credit_balance", "quota", "session", _credit_balance, anonymous
    ),
    Endpoint("GET", "/api/moa_models_config", "models", "session", _chat_models, bare_client),
    Endpoint("GET", "/api/models_config", "models", "session", _media_models, bare_client),
    Endpoint("POST", "/api/project/create", "create", "session", _create, anonymous),
    Endpoint("GET", "/api/project/delete", "delete", "session", _delete, anonymous),
    Endpoint("POST", "/api/agent/ask_abort", "abort", "session", _abort, anonymous),
)
