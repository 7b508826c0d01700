"""The rules of the script: their fields, and what makes a rule acceptable."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from genspark_emulator.answer import Answer, ToolCall, default_text, words
from genspark_emulator.modifiers import Modifiers
from genspark_emulator.question import Question
from genspark_emulator.reply import JSON, PLAIN, Reply
from genspark_emulator.scenarios.names import (
    CHAT_FLOWS,
    FLOW_PARAMETERS,
    PARAMETERS,
    ROW_PRODUCTS,
    canonical,
    flows_of,
)
from genspark_emulator.tasks import MAX_SECONDS

Flow = Literal[
    "*",
    "chat",
    "key_chat",
    "legacy",
    "login",
    "me",
    "models",
    "delete",
    "abort",
    "create",
    "quota",
    "page",
    "static",
    "recaptcha_script",
    "token",
    "image",
    "video",
    "key_image",
    "key_video",
    "key_search",
    "legacy_image",
    "legacy_video",
    "tasks",
    "upload",
    "blob",
    "download",
    "file",
    "cdn",
]


class RuleError(ValueError):
    """A rule that cannot be accepted; the message says why."""


class ScriptedToolCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``arguments`` is a JSON value, or a string sent as it is, valid JSON or not."""

    name: str
    arguments: Any = msgspec.field(default_factory=dict)

    def as_call(self) -> ToolCall:
        """The call with its arguments as text."""
        raw = self.arguments
        return ToolCall(self.name, raw if isinstance(raw, str) else json.dumps(raw))


class ScriptedAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer in words; without ``text``, ``deltas`` and tool calls the default text."""

    text: str | None = None
    deltas: list[str] | None = None
    reasoning: str = ""
    tool_calls: list[ScriptedToolCall] = msgspec.field(default_factory=list)
    served_model: str = ""
    usage: dict[str, Any] | None = None
    finish_reason: str = ""

    def as_answer(self, question: Question) -> Answer:
        """The answer to that question."""
        return Answer(
            deltas=self._deltas(question),
            reasoning=self.reasoning,
            tool_calls=tuple(call.as_call() for call in self.tool_calls),
            served_model=self.served_model,
            usage=self.usage,
            finish_reason=self.finish_reason,
        )

    def _deltas(self, question: Question) -> tuple[str, ...]:
        if self.deltas is not None:
            return tuple(self.deltas)
        if self.text is not None:
            return words(self.text)
        return () if self.tool_calls else words(default_text(question))


class ScriptedReply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A raw HTTP answer; a header given as a list is sent several times."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    headers: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    body: Any = ""

    def as_reply(self) -> Reply:
        """The reply; content type and length given as headers are not sent twice."""
        pairs = [
            (name.lower(), value)
            for name, values in self.headers.items()
            for value in (values if isinstance(values, list) else [values])
        ]
        given = [value for name, value in pairs if name == "content-type"]
        return Reply(
            body=self.body,
            status=self.status,
            headers=tuple(p for p in pairs if p[0] not in {"content-type", "content-length"}),
            content_type=given[0] if given else PLAIN if isinstance(self.body, str) else JSON,
        )


class Rule(Modifiers, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers the next ``times`` calls (None: all) of an account on a flow.

    At most one of ``scenario``, ``answer``, ``reply`` and ``frames`` says what is answered;
    without any, the usual answer is given, shaped by the modifiers.
    """

    account: str = "*"
    flow: Flow = "*"
    times: Annotated[int, msgspec.Meta(ge=1)] | None = 1
    scenario: str | None = None
    answer: ScriptedAnswer | None = None
    reply: ScriptedReply | None = None
    frames: list[dict[str, Any] | str] | None = None
    epoch: int | None = None
    product: str | None = None
    retry_after: Annotated[float, msgspec.Meta(ge=0)] | None = None
    execute_ms: Annotated[int, msgspec.Meta(ge=0, le=3_600_000)] | None = None
    task_seconds: Annotated[float, msgspec.Meta(ge=0, le=MAX_SECONDS)] | None = None
    failure_reason: str | None = None
    heartbeat_s: Annotated[float, msgspec.Meta(ge=0.01, le=3600)] | None = None
    file_mb: Annotated[int, msgspec.Meta(ge=1, le=4000)] | None = None

    @property
    def flows(self) -> frozenset[str]:
        """The flows the rule applies to; ``*`` means the chat flows its answer fits."""
        if self.flow != "*":
            return frozenset({self.flow})
        return CHAT_FLOWS & flows_of(self.scenario) if self.scenario else CHAT_FLOWS

    def applies(self, flow: str, account: str | None) -> bool:
        """Whether the rule is for this call."""
        return flow in self.flows and self.account in ("*", account)


NO_RULE = Rule()
"""What holds when the script says nothing: the usual answer, sent without delay."""


def _one_answer(rule: Rule) -> str | None:
    kinds = ("scenario", "answer", "reply", "frames")
    given = [kind for kind in kinds if getattr(rule, kind) is not None]
    return f"give only one of {', '.join(kinds)}" if len(given) > 1 else None


def _known_scenario(rule: Rule) -> str | None:
    if rule.scenario is None or flows_of(rule.scenario):
        return None
    return f"unknown scenario {rule.scenario!r}; GET /__emulator__/ lists the names"


def _fitting_flow(rule: Rule) -> str | None:
    fitting = flows_of(rule.scenario) if rule.scenario else CHAT_FLOWS
    anything = not rule.scenario and not rule.answer
    if anything or rule.flow in fitting or (rule.flow == "*" and rule.flows):
        return None
    return f"flow {rule.flow!r} cannot be answered like this, only {', '.join(sorted(fitting))}"


def _parameters(rule: Rule) -> str | None:
    for name, scenarios in PARAMETERS.items():
        if getattr(rule, name) is not None and rule.scenario not in scenarios:
            return f"{name!r} only goes with scenario {', '.join(sorted(scenarios))}"
    return None


def _flow_parameters(rule: Rule) -> str | None:
    for name, flows in FLOW_PARAMETERS.items():
        if getattr(rule, name) is not None and rule.flow not in flows:
            return f"{name!r} only goes with flow {', '.join(sorted(flows))}"
    return None


def _one_wording(rule: Rule) -> str | None:
    answer = rule.answer
    both = answer is not None and answer.text is not None and answer.deltas is not None
    return "give only one of answer.text, answer.deltas" if both else None


_CHECKS: tuple[Callable[[Rule], str | None], ...] = (
    _one_answer,
    _known_scenario,
    _fitting_flow,
    _parameters,
    _flow_parameters,
    _one_wording,
)


def read_rule(value: Any) -> Rule:
    """Convert and check one rule; raises RuleError."""
    try:
        rule = msgspec.convert(value, Rule)
    except msgspec.ValidationError as error:
        raise RuleError(str(error)) from error
    product = rule.product or ROW_PRODUCTS.get(rule.scenario or "")
    if rule.scenario:
        scenario = canonical(rule.scenario)
        rule = msgspec.structs.replace(rule, scenario=scenario, product=product)
    for complaint in filter(None, (check(rule) for check in _CHECKS)):
        raise RuleError(complaint)
    return rule


def read_rules(payload: Any) -> list[Rule]:
    """One rule, or ``{"rules": [...]}``; raises RuleError and then accepts none of them."""
    if not isinstance(payload, dict):
        raise RuleError('the body must be a JSON object: a rule, or {"rules": [...]}')
    if "rules" not in payload:
        return [read_rule(payload)]
    if set(payload) != {"rules"} or not isinstance(payload["rules"], list):
        raise RuleError('next to "rules", which is a list, no other field is allowed')
    return [_numbered(index, value) for index, value in enumerate(payload["rules"])]


def _numbered(index: int, value: Any) -> Rule:
    try:
        return read_rule(value)
    except RuleError as error:
        raise RuleError(f"rules[{index}]: {error}") from error
