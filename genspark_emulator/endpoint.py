"""What an emulated endpoint is, and the order in which a call is decided.

First what the real service would reject, a missing captcha token last, then the script, then the
usual answer. A rejected call does not use up a rule.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from starlette.requests import Request

from genspark_emulator.accounts import Credential
from genspark_emulator.calls import Call, read_call
from genspark_emulator.events import Framing
from genspark_emulator.recaptcha_tokens import Verdict
from genspark_emulator.reply import Reply
from genspark_emulator.rules import NO_RULE, Rule
from genspark_emulator.scenarios.documents import BAD_REQUEST_CF, NOT_LOGIN, document, key_error
from genspark_emulator.state import EmulatorState
from genspark_emulator.transmission import Transmission

Refuse = Callable[[Call, EmulatorState], Reply | None]
Respond = Callable[[Call, EmulatorState, Rule], Reply]
Handler = Callable[[Request], Awaitable[Transmission]]


def never(_call: Call, _state: EmulatorState) -> None:
    """Reject nothing."""
    return


def bare_client(call: Call, _state: EmulatorState) -> Reply | None:
    """The edge of the web routes rejects calls without User-Agent (observed 2026-09-23)."""
    return None if call.headers.get("user-agent", "").strip() else BAD_REQUEST_CF


def anonymous(call: Call, state: EmulatorState) -> Reply | None:
    """The web routes want a session cookie."""
    return bare_client(call, state) or (None if call.account else NOT_LOGIN)


def outsider(call: Call, state: EmulatorState) -> Reply | None:
    """Some web routes take a key as well as a session."""
    return None if call.account else anonymous(call, state)


def toolless(call: Call, _state: EmulatorState) -> Reply | None:
    """The tools want a key; bodies other than the envelope have ``detail`` (2026-09-22)."""
    return None if call.account else Reply({"detail": "Invalid or missing API key"}, status=401)


def keyless(call: Call, _state: EmulatorState) -> Reply | None:
    """The key routes want a key that looks like one."""
    if call.account:
        return None
    return key_error(401, "Missing or invalid API key", "authentication_error", "invalid_api_key")


def _named_project(call: Call) -> str | None:
    named = call.fields.get("project_id")
    return named if isinstance(named, str) else None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One emulated path.

    ``own_scenarios`` replaces the general meaning of a refusal for this endpoint. ``by_type``
    gives the flow for those values of the body's ``type`` that have one of their own. ``framing``
    is how scripted frames are sent; the body of a ``binary`` endpoint is a file.
    """

    method: str
    path: str
    flow: str
    credential: Credential
    respond: Respond
    refuse: Refuse = never
    own_scenarios: Mapping[str, Reply] = field(default_factory=dict)
    by_type: Mapping[str, str] = field(default_factory=dict)
    framing: Framing = "events"
    binary: bool = False

    def decide(
        self, call: Call, state: EmulatorState, verdict: Verdict | None
    ) -> tuple[Reply, Rule]:
        """The reply to a call, with the rule whose modifiers shape it."""
        refusal = self.refuse(call, state) or state.recaptcha.refuse(call.flow, verdict)
        if refusal is not None:
            return refusal, NO_RULE
        rule = state.script.take(call.flow, call.account) or NO_RULE
        return self._scripted(rule) or self.respond(call, state, rule), rule

    def _scripted(self, rule: Rule) -> Reply | None:
        """The reply a rule fixes completely, whatever the call says."""
        if rule.reply is not None:
            return rule.reply.as_reply()
        if rule.frames is not None:
            return Reply(frames=tuple(rule.frames), framing=self.framing)
        name = rule.scenario or ""
        return self.own_scenarios.get(name) or document(name, rule.retry_after)

    async def read(self, request: Request, state: EmulatorState) -> Call:
        """The call, with the flow its body asks for."""
        account = state.accounts.identify(request.headers, self.credential)
        call = await read_call(request, self.flow, account, binary=self.binary)
        flow = self.by_type.get(str(call.fields.get("type")))
        return replace(call, flow=flow) if flow else call

    def handler(self, state: EmulatorState) -> Handler:
        """The endpoint as a function of the web framework."""

        async def handle(request: Request) -> Transmission:
            call = await self.read(request, state)
            entry = state.journal.open(call)
            entry.recaptcha = state.recaptcha.judge(call)
            reply, rule = self.decide(call, state, entry.recaptcha)
            entry.project = reply.project or _named_project(call)
            return Transmission(reply, rule, entry)

        return handle
