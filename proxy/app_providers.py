"""Wiring of the official providers: one registration each, and the lists of who can serve what."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import resources
from typing import Final
from urllib.parse import urlsplit

from proxy.core.accounts import Account
from proxy.core.media_models import MediaCatalogue
from proxy.core.products import GENSPARK, GENSPARK_ROUTES, Credential, Product, Route
from proxy.core.route_lists import AUTO, BadLists, Target, read_lists
from proxy.credentials import AccountsFileError
from proxy.settings import Settings
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.genspark_media import GensparkMedia
from proxy.upstreams.http import Http
from proxy.upstreams.media import ByRoute, MediaUpstream
from proxy.upstreams.providers import ProviderMedia, Unlock, key_itself
from proxy.wire.apimart import Apimart
from proxy.wire.apimart import takes as apimart_takes
from proxy.wire.gemini import Gemini
from proxy.wire.gemini import takes as gemini_takes
from proxy.wire.google_token import read_service_account
from proxy.wire.laying import Lay, at_apimart, at_runway
from proxy.wire.openai_videos import OpenAIVideos
from proxy.wire.openai_videos import takes as openai_takes
from proxy.wire.provider import Provider
from proxy.wire.runway import Runway
from proxy.wire.runway_bodies import takes as runway_takes
from proxy.wire.vertex import STORAGE, Vertex
from proxy.wire.vertex import takes as vertex_takes

Takes = Callable[[str, Product], Collection[str]]


@dataclass(frozen=True, slots=True)
class Registration:
    """What a provider is made of; ``facts`` names its file in ``proxy/core/providers``."""

    route: Route
    wire: Provider
    origin: str
    facts: str | None
    takes: Takes
    unlock: Unlock = key_itself
    lay: Lay | None = None


def registrations(settings: Settings, google: Unlock = key_itself) -> list[Registration]:
    """All providers; which of them serves depends on whose keys are there. ``google`` makes the
    access tokens of service accounts.
    """
    found = [
        Registration(
            Route.GEMINI, Gemini(), settings.gemini_base_url, "gemini.toml", gemini_takes
        ),
        Registration(
            Route.RUNWAY, Runway(), settings.runway_base_url, "runway.toml", runway_takes,
            lay=at_runway,
        ),
        Registration(
            Route.APIMART, Apimart(), settings.apimart_base_url, "apimart.toml", apimart_takes,
            lay=at_apimart,
        ),
    ]  # fmt: skip
    if (project := _google_project(settings)) is not None:
        bucket, storage = settings.vertex_storage_uri, storage_origin(settings)
        wire = Vertex(project, settings.vertex_location, bucket, storage)
        place = vertex_origin(settings)
        found.append(Registration(Route.VERTEX, wire, place, "vertex.toml", vertex_takes, google))
    if settings.openai_video_base_url is not None:
        base = settings.openai_video_base_url
        found.append(Registration(Route.OPENAI, OpenAIVideos(), base, None, openai_takes))
    return found


def _google_project(settings: Settings) -> str | None:
    """The project to be billed: the operator's word, or the service account's own."""
    path = settings.google_application_credentials
    if path is None:
        return None
    if settings.vertex_project is not None:
        return settings.vertex_project
    try:
        service = read_service_account(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        service = None
    if service is None or not service.project:
        raise AccountsFileError(
            f"GOOGLE_APPLICATION_CREDENTIALS: {path} is no service account's JSON with a project;"
            " set VERTEX_PROJECT if it lacks one"
        )
    return service.project


@dataclass(slots=True)
class Providers:
    """The upstreams of all routes, and the look-ups that need them."""

    genspark: Genspark
    registered: dict[Route, ProviderMedia]
    upstream: MediaUpstream

    async def is_alive(self, account: Account) -> bool | None:
        """Whether a credential of any kind is good."""
        if account.credential in (Credential.KEY, Credential.COOKIE):
            return await self.genspark.is_alive(account)
        return await self.registered[Route(account.credential.value)].is_alive(account)


def facts_of(name: str, package: str = "proxy.core") -> str:
    """A file of facts that comes with the program."""
    return resources.files(package).joinpath(name).read_text("utf-8")


def build_providers(
    genspark: Genspark, http: Http, paid: Http, registrations: list[Registration]
) -> Providers:
    """One upstream for each route."""
    registered = {
        each.route: ProviderMedia(
            each.wire, each.origin, http, paid, genspark.clock, each.unlock, each.lay
        )
        for each in registrations
    }
    own: dict[Route, MediaUpstream] = dict.fromkeys(GENSPARK_ROUTES, GensparkMedia(genspark, paid))
    return Providers(genspark, registered, ByRoute(own | registered))


def build_catalogue(settings: Settings, registrations: list[Registration]) -> MediaCatalogue:
    """All models and lists. Raises ``AccountsFileError`` for a ROUTES_FILE that cannot be used."""
    catalogue = MediaCatalogue(facts_of("media_catalogue.toml"), settings.model_aliases)
    for each in registrations:
        if each.facts is not None:
            catalogue.provide(each.route, facts_of(f"providers/{each.facts}"), each.takes)
        else:
            catalogue.provide_any(each.takes)
    catalogue.list_routes(read_lists(facts_of("route_lists.toml")))
    catalogue.list_routes({AUTO: _auto(settings, catalogue)})
    catalogue.list_routes(_own_lists(settings))
    return catalogue


def _auto(settings: Settings, catalogue: MediaCatalogue) -> tuple[Target, ...]:
    """Whatever is configured, in the operator's order, each with its usual model."""
    targets = []
    for provider in settings.video_provider_order:
        if provider == GENSPARK:
            targets.append(Target(None, settings.video_model))
        elif (usual := catalogue.usual(Route(provider), Product.VIDEO)) is not None:
            targets.append(Target(Route(provider), usual))
    return tuple(targets)


def _own_lists(settings: Settings) -> dict[str, tuple[Target, ...]]:
    path = settings.routes_file
    if path is None:
        return {}
    try:
        return read_lists(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, BadLists) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise AccountsFileError(f"ROUTES_FILE: {path}: {why}") from None


# Google's own hosts for Vertex AI, by location.
VERTEX_GLOBAL: Final = "https://aiplatform.googleapis.com"
_GOOGLES: Final = ".googleapis.com"


def vertex_origin(settings: Settings) -> str:
    """Where Vertex AI is for this location."""
    if settings.vertex_base_url is not None:
        return settings.vertex_base_url
    place = settings.vertex_location
    return VERTEX_GLOBAL if place == "global" else f"https://{place}-aiplatform.googleapis.com"


def storage_origin(settings: Settings) -> str:
    """Where results in the operator's bucket are fetched: what stands in for Vertex AI stands in
    for Cloud Storage too, but another host of Google's for Vertex AI keeps no files.
    """
    base = settings.vertex_base_url
    if base is None or settings.vertex_storage_uri is None:
        return STORAGE
    return STORAGE if (urlsplit(base).hostname or "").endswith(_GOOGLES) else base
