"""Wiring of chats."""

import asyncio
import time
from importlib import resources

from proxy.core.catalogue import Catalogue
from proxy.services.aftermath import Aftermath
from proxy.services.attachments import Attachments
from proxy.services.chat import ChatService
from proxy.services.conversations import Conversations
from proxy.services.desk import Desk
from proxy.services.opening import Opening
from proxy.services.recaptcha import Tokens
from proxy.services.sticky import Sticky
from proxy.settings import Settings
from proxy.upstreams.fetch import Fetcher
from proxy.upstreams.genspark import Genspark


def build_chat(
    settings: Settings,
    genspark: Genspark,
    tokens: Tokens,
    desk: Desk,
    aftermath: Aftermath,
    fetcher: Fetcher,
    tasks: asyncio.TaskGroup,
) -> ChatService:
    """Everything that a chat needs."""
    facts = resources.files("proxy.core").joinpath("catalogue.toml").read_text("utf-8")
    conversations = Conversations(
        genspark, aftermath, settings.auto_del_chat, settings.model_chat_map
    )
    return ChatService(
        desk=desk,
        catalogue=Catalogue(facts, settings.model_aliases),
        conversations=conversations,
        opening=Opening(genspark, tokens, desk, conversations, settings.first_event_timeout),
        attachments=Attachments(fetcher),
        # What is to be deleted after its answer cannot be gone on with.
        sticky=Sticky(
            settings.auto_model_chat_map_type == 1 and not settings.auto_del_chat, time.monotonic
        ),
        tasks=tasks,
        routes=settings.routes(),
        unknown=settings.unknown_model,
        max_attempts=settings.max_attempts,
        answer_timeout=settings.answer_timeout,
    )
