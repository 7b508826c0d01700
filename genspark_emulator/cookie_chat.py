"""``POST /api/agent/ask_proxy``, type ``ai_chat``: the chat of the web application."""

import time
import uuid

from genspark_emulator.answer import Answer, shortened
from genspark_emulator.calls import Call
from genspark_emulator.catalogue import served_cookie_model
from genspark_emulator.events import JsonObject
from genspark_emulator.projects import Project
from genspark_emulator.prompt_conventions import in_text, unfolded
from genspark_emulator.question import Question, read_question
from genspark_emulator.reply import Headers, Reply
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.cookie_streams import COOKIE_STREAMS
from genspark_emulator.state import EmulatorState
from genspark_emulator.turn import Turn, frames_of
from genspark_emulator.usual_answer import usual_answer

WINDOW_SECONDS = 5400
"""Until a scripted window limit resets; one source always saw about 90 minutes."""

DEFAULT_PRODUCT = "AI Chat"
TITLE_LENGTH = 40


def asked_model(body: JsonObject) -> str:
    """The model id, or the members of a mixture joined by commas."""
    members = body.get("moa_models")
    if body.get("use_moa_proxy") and isinstance(members, list) and members:
        return ",".join(map(str, members))
    return str(body.get("ai_chat_model") or "")


def answer_to(request: JsonObject, question: Question, rule: Rule) -> Answer:
    """The scripted answer or the usual one, with its tool calls in text."""
    scripted = rule.answer.as_answer(question) if rule.answer else None
    return in_text(scripted or usual_answer(request, question))


def new_turn(project: Project, question: Question, answer: Answer, rule: Rule) -> Turn:
    """The turn that the frames of an answer are made from."""
    return Turn(
        project_id=project.id,
        message_id=str(uuid.uuid4()),
        title=shortened(question.text, TITLE_LENGTH),
        answer=answer,
        served_model=answer.served_model or served_cookie_model(question.model),
        search=question.search,
        epoch=int(time.time()) + WINDOW_SECONDS if rule.epoch is None else rule.epoch,
        product=rule.product or DEFAULT_PRODUCT,
    )


def open_project(call: Call, state: EmulatorState, project_id: str | None) -> Project:
    """The caller's project of that id, or a new one."""
    owned = state.projects.owned(project_id, call.account)
    return owned or state.projects.open(call.account or "", str(call.fields.get("type")))


def remember(project: Project, messages: list[JsonObject], answer: Answer) -> None:
    """Keep the turn in the project's thread, as the service does."""
    project.messages += [*messages, {"role": "assistant", "content": answer.text}]


def answer_ask(call: Call, state: EmulatorState, rule: Rule) -> Reply:
    """The stream of one turn; the model sees the project's thread before the new messages."""
    body = call.fields
    search = bool(body.get("ai_chat_enable_search"))
    project = open_project(call, state, body.get("project_id"))
    request = unfolded([*project.messages, *body["messages"]])
    question = read_question(asked_model(body), request["messages"], search=search)
    answer = answer_to(request, question, rule)
    remember(project, body["messages"], answer)
    stream = COOKIE_STREAMS[rule.scenario or "answered"]
    frames = frames_of(stream, new_turn(project, question, answer, rule))
    return Reply(frames=frames, headers=_refreshed(call, state, rule), project=project.id)


def _refreshed(call: Call, state: EmulatorState, rule: Rule) -> Headers:
    """The cookies of the ``set_cookie`` scenario; the old session id stays valid."""
    if rule.scenario != "set_cookie":
        return ()
    session = state.accounts.refresh(call.account or "")
    return (
        ("set-cookie", f"session_id={session}; Path=/; HttpOnly; SameSite=Lax"),
        ("set-cookie", "c1=refreshed; Path=/; Expires=Wed, 21 Oct 2076 07:28:00 GMT"),
    )
