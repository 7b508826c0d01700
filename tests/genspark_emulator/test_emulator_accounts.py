"""Login check, quota, catalogues and projects."""

import pytest
from emulator_client import KEY, SESSION, EmulatorClient, frames_of


def test_a_session_is_logged_in_and_its_absence_is_not(emulator: EmulatorClient) -> None:
    data = emulator.get("/api/is_login").json()["data"]
    assert data["is_login"] is True
    assert {"cogen_id", "cogen_name", "cogen_email"} <= set(data)
    assert SESSION not in str(data)
    assert emulator.get("/api/is_login", session=None).json()["data"] == {"is_login": False}


def test_the_user(emulator: EmulatorClient) -> None:
    cogen = emulator.get("/api/user").json()["data"]["cogen"]
    assert {"email", "name", "plan"} <= set(cogen)
    assert cogen["personal_membership_ext"]["status"]
    anonymous = emulator.get("/api/user", session=None)
    assert anonymous.status_code == 200
    assert anonymous.json()["message"] == "user not found"


def test_login_can_be_scripted_away_from_chat(emulator: EmulatorClient) -> None:
    emulator.script(flow="login", account=SESSION, scenario="not_login", times=2)
    assert emulator.get("/api/is_login").json()["data"]["is_login"] is False
    assert emulator.get("/api/user").json()["status"] == -5
    assert emulator.get("/api/is_login").json()["data"]["is_login"] is True
    emulator.script(flow="login", scenario="challenge_page")
    assert emulator.get("/api/is_login").status_code == 403


def test_quota_and_credits(emulator: EmulatorClient) -> None:
    windows = emulator.get("/api/quota/free_pool?category=chat").json()["data"]
    assert set(windows) == {"5h", "7d"}
    assert set(windows["5h"]) == {
        *("remaining_dollars", "limit_dollars", "spent_dollars", "reset_at")
    }
    assert emulator.get("/api/credit_audit/billing_cycle").json()["data"]["remaining"] > 0
    assert emulator.get("/api/payment/get_credit_balance").json()["data"]["balance"] > 0
    assert emulator.get("/api/quota/free_pool", session=None).json()["message"] == "not login"
    emulator.script(flow="quota", reply={"body": {"data": {"remaining": 0}}})
    assert emulator.get("/api/credit_audit/billing_cycle").json()["data"]["remaining"] == 0


def test_public_catalogues(emulator: EmulatorClient) -> None:
    models = emulator.get("/api/moa_models_config", session=None).json()["models"]
    assert {"name", "label", "full_label", "hidden", "member_price_tier", "support_images"} == set(
        models[0]
    )
    media = emulator.get("/api/models_config", session=None).json()["data"]
    assert media["image_models"][0] == {"name": "auto"}
    assert {"video_models", "audio_models"} <= set(media)


@pytest.mark.parametrize("header", [("X-Api-Key", KEY), ("Authorization", f"Bearer {KEY}")])
def test_the_owner_of_a_key(emulator: EmulatorClient, header: tuple[str, str]) -> None:
    body = emulator.http.get("/api/tool_cli/me", headers=dict([header])).json()
    assert {"email", "name", "plan", "personal_plan", "org_plan", "org_role"} <= set(body)
    assert body["credit_balance"] > 500
    assert emulator.log()[-1]["flow"] == "me"


def test_key_catalogues(emulator: EmulatorClient) -> None:
    headers = {"authorization": f"Bearer {KEY}"}
    models = emulator.http.get("/api/llm_proxy/v1/models", headers=headers).json()["data"]
    assert "claude-opus-4-7" in [model["id"] for model in models]
    path = "/api/tool_cli/opencode-config"
    providers = emulator.http.get(path, headers=headers).json()["provider"]
    assert set(providers) == {"genspark-llm-proxy", "genspark-gemini-proxy"}
    one = emulator.http.get(f"{path}?model=gpt-5.4", headers=headers).json()["provider"]
    assert list(one["genspark-llm-proxy"]["models"]) == ["gpt-5.4"]


@pytest.mark.parametrize(
    "path", ["/api/tool_cli/me", "/api/llm_proxy/v1/models", "/api/tool_cli/opencode-config"]
)
def test_key_routes_want_a_key(emulator: EmulatorClient, path: str) -> None:
    assert emulator.get(path).status_code == 401


def test_deleting_is_for_the_owner(emulator: EmulatorClient) -> None:
    project = frames_of(emulator.ask())[0]["id"]
    path = f"/api/project/delete?project_id={project}"
    assert emulator.get(path, session="session-of-bert").json()["status"] == -2
    assert emulator.projects()[0]["deleted"] is False
    assert emulator.get(path).json()["status"] == 0
    assert emulator.projects()[0]["deleted"] is True
    assert emulator.get(path, session=None).json()["message"] == "not login"
    assert [entry["flow"] for entry in emulator.log()[1:]] == ["delete"] * 3


def test_aborting_is_counted(emulator: EmulatorClient) -> None:
    project = frames_of(emulator.ask())[0]["id"]
    path = f"/api/agent/ask_abort?project_id={project}"
    assert emulator.post(path).json()["status"] == 0
    assert emulator.post(path, session="session-of-bert").json()["status"] == -2
    assert emulator.projects()[0]["aborts"] == 1


def test_creating_a_project(emulator: EmulatorClient) -> None:
    state = {"steps": [], "messages": [{"role": "user", "content": "earlier"}]}
    body = {"name": "mine", "type": "ai_chat", "session_state": state}
    created = emulator.post("/api/project/create", body).json()
    assert created["status"] == 0
    project = created["data"]["id"]
    emulator.ask("later", project_id=project)
    assert [m["content"] for m in emulator.projects()[0]["messages"]][:2] == ["earlier", "later"]
    emulator.post("/api/project/create", {})
    assert emulator.projects()[1]["type"] != "ai_chat"
    emulator.script(flow="create", scenario="out_of_credits")
    assert emulator.post("/api/project/create", body).json()["status"] == -8
