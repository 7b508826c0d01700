"""``POST /api/copilot/ask``, types ``COPILOT_MOA_IMAGE`` and ``COPILOT_MOA_VIDEO``.

Retired with the chat (reported 2026-04), unless the script asks for an answer in the old form.
"""

from genspark_emulator.calls import Call
from genspark_emulator.cookie_chat import open_project, remember
from genspark_emulator.cookie_media import PLANNER, kind_of, media_turn, served_model, with_tasks
from genspark_emulator.events import JsonObject
from genspark_emulator.legacy_chat import continued_project, extra_data
from genspark_emulator.legacy_frames import generated
from genspark_emulator.purchase import buy
from genspark_emulator.question import read_question
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.documents import RETIRED
from genspark_emulator.scenarios.legacy_streams import LEGACY_MEDIA_STREAMS
from genspark_emulator.state import EmulatorState
from genspark_emulator.tasks import Order
from genspark_emulator.turn import frames_of

TYPES = {"COPILOT_MOA_IMAGE": "legacy_image", "COPILOT_MOA_VIDEO": "legacy_video"}
"""Flows by the ``type`` of the ask."""


def _configuration(body: JsonObject) -> JsonObject:
    """The first of the models asked for; clients asked for one."""
    configurations = extra_data(body).get("model_configs")
    first = configurations[0] if isinstance(configurations, list) and configurations else {}
    return first if isinstance(first, dict) else {}


def _order(call: Call, prompt: str) -> Order:
    kind, asked = kind_of(call.flow), _configuration(call.fields)
    details = {"duration": asked["duration"]} if "duration" in asked else {}
    return Order(kind, served_model(kind, str(asked.get("model", ""))), prompt, details)


def answer_legacy_media(call: Call, state: EmulatorState, rule: Rule) -> Reply:
    """The retirement text, or a stream that ends with task ids."""
    if rule.scenario is None:
        return RETIRED
    messages = [m for m in call.fields.get("messages") or [] if isinstance(m, dict)]
    question = read_question(PLANNER, messages)
    project = open_project(call, state, continued_project(call.fields))
    turn = media_turn(state, rule, project, question, kind_of(call.flow))
    remember(project, messages, turn.answer)
    stream = LEGACY_MEDIA_STREAMS[rule.scenario]
    if generated in stream:
        task = buy(call, state, rule, _order(call, question.text), project.id)
        turn = with_tasks(turn, [task], state, call.origin)
    return Reply(frames=frames_of(stream, turn), project=project.id)
