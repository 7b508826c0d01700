"""Buying: from the moment a task exists it is paid, whatever becomes of the answer."""

from dataclasses import replace

from genspark_emulator.calls import Call
from genspark_emulator.rules import Rule
from genspark_emulator.scenarios.fates import FATES, USUAL
from genspark_emulator.state import EmulatorState
from genspark_emulator.tasks import Fate, Order, Task, new_task_id


def fate_of(rule: Rule) -> Fate:
    """How the rule wants the task to end."""
    fate = FATES.get(rule.scenario or "", USUAL)
    return replace(fate, failure=rule.failure_reason) if rule.failure_reason else fate


def buy(
    call: Call, state: EmulatorState, rule: Rule, order: Order, project_id: str | None = None
) -> Task:
    """A new task of the caller's."""
    fate = fate_of(rule)
    usual = state.tasks.seconds[order.kind] if rule.task_seconds is None else rule.task_seconds
    task = Task(
        id=new_task_id(),
        order=order,
        account=call.account or "",
        flow=call.flow,
        created=state.clock(),
        seconds=0.0 if fate.instant else usual,
        fate=fate,
        project_id=project_id,
        body=call.payload,
        file_mb=rule.file_mb or 0,
    )
    state.tasks.add(task, call.size)
    return task
