"""How far tasks are: two streams that stay open until all are final, and one single question.

Seen 2026-09; the streams outlived the route they were made for. Session and key both work.
"""

from collections.abc import AsyncGenerator, Sequence

from genspark_emulator.calls import Call
from genspark_emulator.endpoint import Endpoint, Refuse, Respond, outsider
from genspark_emulator.events import Frame, JsonObject
from genspark_emulator.reply import Reply
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.documents import TASK_NOT_FOUND, validation_failed
from genspark_emulator.scenarios.polling import POLL_DOCUMENTS
from genspark_emulator.state import EmulatorState
from genspark_emulator.task_views import detail, polled
from genspark_emulator.tasks import Kind, Task, all_final

_PATHS: dict[str, Kind] = {"/api/vg_tasks_status": "video", "/api/ig_tasks_status": "image"}

MOST_IDS = 1000
"""A limit of ours; the real one is not known."""

GAP_SECONDS = 0.05
"""Least time between two frames, so that many tasks' changes share one."""

REPEAT_SECONDS = 5.0
"""After that long without a change everything is told again."""

_BAD_IDS = {"type": "list_type", "loc": ["body", "task_ids"], "msg": "Input should be valid"}


def _ids(call: Call) -> list[str] | None:
    ids = call.fields.get("task_ids")
    if not isinstance(ids, list) or not 0 < len(ids) <= MOST_IDS:
        return None
    return ids if all(isinstance(one, str) for one in ids) else None


def _refuse(kind: Kind) -> Refuse:
    """Nobody, no list of ids, or an id that is unknown, of the other kind or somebody else's."""

    def refuse(call: Call, state: EmulatorState) -> Reply | None:
        refusal = outsider(call, state)
        if refusal is not None:
            return refusal
        ids = _ids(call)
        if ids is None:
            return validation_failed([{**_BAD_IDS, "input": call.fields.get("task_ids")}])
        mine = all(state.tasks.owned(one, kind, call.account) for one in ids)
        return None if mine else TASK_NOT_FOUND

    return refuse


def _asked(call: Call, state: EmulatorState, kind: Kind) -> list[Task]:
    found = (state.tasks.owned(one, kind, call.account) for one in dict.fromkeys(_ids(call) or []))
    return [task for task in found if task is not None]


def _respond(kind: Kind) -> Respond:
    def respond(call: Call, state: EmulatorState, rule: Rule) -> Reply:
        tasks = _asked(call, state, kind)
        if rule.scenario == "poll_no_complete":
            statuses = {task.id: {"status": task.status(state.clock())} for task in tasks}
            return Reply(frames=({"tasks": statuses},))
        details = rule.scenario == "poll_details"
        return Reply(told=_told(tasks, state, call.origin, details=details))

    return respond


async def _told(
    tasks: Sequence[Task], state: EmulatorState, origin: str, *, details: bool
) -> AsyncGenerator[Frame, None]:
    """Every change, everything now and then, and all results in the end."""
    shown: JsonObject = {}
    repeat_at = 0.0
    while not all_final(tasks, now := state.clock()):
        entries = {task.id: _entry(task, now, origin, details=details) for task in tasks}
        news = {one: entry for one, entry in entries.items() if shown.get(one) != entry}
        if news or now >= repeat_at:
            yield {"tasks": news or entries}
            shown, repeat_at = entries, now + REPEAT_SECONDS
        change = min(task.next_change(now) for task in tasks)
        await state.alarms.until(min(max(change, now + GAP_SECONDS), repeat_at))
    final = {task.id: polled(task, now, origin) for task in tasks}
    yield {"type": "TASKS_STATUS_COMPLETE", "final_status": final}


def _entry(task: Task, now: float, origin: str, *, details: bool) -> JsonObject:
    if details and task.is_final(now):
        return polled(task, now, origin)
    return {"status": task.status(now)}


def _refuse_detail(call: Call, state: EmulatorState) -> Reply | None:
    refusal = outsider(call, state)
    mine = state.tasks.owned(call.query.get("task_id"), "image", call.account)
    return refusal or (None if mine else TASK_NOT_FOUND)


def _detail(call: Call, state: EmulatorState, _rule: Rule) -> Reply:
    """One image task, at once."""
    task = state.tasks.owned(call.query.get("task_id"), "image", call.account)
    assert task is not None
    data = detail(task, state.clock(), call.origin)
    return Reply({"status": 0, "message": "success", "data": data})


ENDPOINTS = (
    *(
        Endpoint("POST", path, "tasks", "either", _respond(kind), _refuse(kind), POLL_DOCUMENTS)
        for path, kind in _PATHS.items()
    ),
    Endpoint(
        "GET",
        "/api/spark/image_generation_task_detail",
        "tasks",
        "either",
        _detail,
        _refuse_detail,
    ),
)
