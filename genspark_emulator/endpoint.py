"""What an emulated endpoint is, and the order in which a call is decided.

First what the real service would reject, a missing captcha token last, then the script, then the
usual answer. A rejected call does not use up a rule.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from genspark_emulator.accounts import Credential
from genspark_emulator.calls import Call, read_call
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


def keyless(call: Call, _state: EmulatorState) -> Reply | None:
    """The key routes want a key that looks like one."""
    if call.account:
        return None
    return key_error(401, "Missing or invalid API key", "authentication_error", "invalid_api_key")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One emulated path.

    ``own_scenarios`` replaces the general meaning of a refusal for this endpoint.
    """

    method: str
    path: str
    flow: str
    credential: Credential
    respond: Respond
    refuse: Refuse = never
    own_scenarios: Mapping[str, Reply] = field(default_factory=dict)

    def decide(
        self, call: Call, state: EmulatorState, verdict: Verdict | None
    ) -> tuple[Reply, Rule]:
        """The reply to a call, with the rule whose modifiers shape it."""
        refusal = self.refuse(call, state) or state.recaptcha.refuse(call.flow, verdict)
        if refusal is not None:
            return refusal, NO_RULE
        rule = state.script.take(self.flow, call.account) or NO_RULE
        return self._scripted(rule) or self.respond(call, state, rule), rule

    def _scripted(self, rule: Rule) -> Reply | None:
        """The reply a rule fixes completely, whatever the call says."""
        if rule.reply is not None:
            return rule.reply.as_reply()
        if rule.frames is not None:
            return Reply(frames=tuple(rule.frames))
        name = rule.scenario or ""
        return self.own_scenarios.get(name) or document(name, rule.retry_after)

    def handler(self, state: EmulatorState) -> Handler:
        """The endpoint as a function of the web framework."""

        async def handle(request: Request) -> Transmission:
            account = state.accounts.identify(request.headers, self.credential)
            call = await read_call(request, self.flow, account)
            entry = state.journal.open(call)
            entry.recaptcha = state.recaptcha.judge(call)
            reply, rule = self.decide(call, state, entry.recaptcha)
            return Transmission(reply, rule, entry)

        return handle
