"""``POST /api/copilot/ask``: the former chat, by default retired (reported 2026-04)."""

from urllib.parse import parse_qs

from genspark_emulator.calls import Call
from genspark_emulator.cookie_chat import answer_to, new_turn, open_project, remember
from genspark_emulator.events import JsonObject
from genspark_emulator.prompt_conventions import unfolded
from genspark_emulator.question import read_question
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.documents import RETIRED
from genspark_emulator.scenarios.legacy_streams import LEGACY_STREAMS
from genspark_emulator.state import EmulatorState
from genspark_emulator.turn import frames_of


def extra_data(body: JsonObject) -> JsonObject:
    """The part of the body that tells what is to answer."""
    extra = body.get("extra_data")
    return extra if isinstance(extra, dict) else {}


def continued_project(body: JsonObject) -> str | None:
    """The project id inside ``current_query_string`` (``id=…&type=…``), if any."""
    return parse_qs(str(body.get("current_query_string", ""))).get("id", [None])[0]


def answer_copilot(call: Call, state: EmulatorState, rule: Rule) -> Reply:
    """The retirement text, unless the script asks for an answer in the old frames."""
    if rule.answer is None and rule.scenario is None:
        return RETIRED
    body, extra = call.fields, extra_data(call.fields)
    messages = [m for m in body.get("messages") or [] if isinstance(m, dict)]
    model = ",".join(map(str, extra.get("models") or []))
    search = bool(extra.get("request_web_knowledge"))
    request = unfolded(messages)
    question = read_question(model, request["messages"], search=search)
    answer = answer_to(request, question, rule)
    project = open_project(call, state, continued_project(body))
    remember(project, messages, answer)
    usual = "legacy_detail_answer" if search else "answered"
    scenario = usual if rule.scenario in (None, "answered") else rule.scenario
    turn = new_turn(project, question, answer, rule)
    return Reply(frames=frames_of(LEGACY_STREAMS[scenario], turn), project=project.id)
