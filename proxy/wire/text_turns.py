"""A conversation as a text-only route takes it: tools, results and structure become text."""

from dataclasses import replace

from proxy.core.ask import ChatAsk, Role, Turn
from proxy.wire import structure_text, tool_prompt


def text_turns(ask: ChatAsk) -> tuple[Turn, ...]:
    """The whole conversation, with what the model must know put behind the opening system turns."""
    opening = next((n for n, t in enumerate(ask.turns) if t.role is not Role.SYSTEM), 0)
    told = [Turn(Role.SYSTEM, text) for text in _instructions(ask)]
    return tuple(_plain([*ask.turns[:opening], *told, *ask.turns[opening:]]))


def later_turns(ask: ChatAsk, known: int) -> tuple[Turn, ...]:
    """The turns after the first ``known``, where those and the instructions are remembered."""
    return tuple(_plain(list(ask.turns))[known:]) if known else text_turns(ask)


def _instructions(ask: ChatAsk) -> list[str]:
    wishes, texts = ask.wishes, []
    if wishes.tools is not None:
        texts.append(tool_prompt.instruction(wishes.tools))
    if wishes.structure is not None:
        texts.append(structure_text.instruction(wishes.structure))
    return texts


def _plain(turns: list[Turn]) -> list[Turn]:
    names = {call.id: call.name for turn in turns for call in turn.calls}
    return [_as_text(turn, names) for turn in turns]


def _as_text(turn: Turn, names: dict[str, str]) -> Turn:
    if turn.role is Role.TOOL:
        name = turn.name or names.get(turn.call_id or "", "")
        result = tool_prompt.result_text(turn.call_id or "", name, turn.text)
        return Turn(Role.USER, result, turn.attachments)
    if turn.calls:
        said = [turn.text] if turn.text else []
        called = "\n".join([*said, tool_prompt.calls_text(turn.calls)])
        return replace(turn, text=called, calls=())
    return turn
