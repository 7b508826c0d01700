"""What an operator can do about a provider's refusal: which key, which plan, which page.

For histories, logs and ``doctor``; callers are told nothing of it. Pages as of 2026-11.
"""

from typing import Final

from proxy.core.failures import Kind
from proxy.core.products import Route

_KEYS: Final = {
    Route.KEY: ("GSK_API_KEY", "https://www.genspark.ai (settings)"),
    Route.COOKIE: ("GS_COOKIE", "https://www.genspark.ai"),
    Route.LEGACY: ("GS_COOKIE", "https://www.genspark.ai"),
    Route.RUNWAY: ("RUNWAY_API_KEY", "https://dev.runwayml.com"),
    Route.GEMINI: ("GEMINI_API_KEY", "https://aistudio.google.com"),
    Route.VERTEX: ("GOOGLE_APPLICATION_CREDENTIALS", "https://console.cloud.google.com/vertex-ai"),
    Route.APIMART: ("APIMART_API_KEY", "https://apimart.ai"),
    Route.OPENAI: ("OPENAI_VIDEO_API_KEY", "the server at OPENAI_VIDEO_BASE_URL"),
}
_WORDS: Final = {
    Kind.DEAD_CREDENTIAL: "{key} was refused: make a new one at {page}",
    Kind.FUNDS: "the account behind {key} has no funds left: see billing at {page}",
    Kind.PLAN_REQUIRED: "{key} needs a paid plan or billing: see {page}",
    Kind.ACCOUNT_FORBIDDEN: "{key} may not do this: check its project, region and limits at {page}",
    Kind.FORBIDDEN: "{key} may not do this: check its rights and limits at {page}",
    Kind.DAILY_QUOTA: "the day's quota of {key} is used up: a higher tier is asked for at {page}",
    Kind.RATE_LIMITED: "{key} is asked too often: rest, another key, or a higher tier at {page}",
    Kind.MODEL_UNKNOWN: "the provider no longer offers this model to {key}: see {page}",
}


def guidance(route: Route, kind: Kind) -> str:
    """One sentence for the operator, or nothing where there is nothing to do."""
    key, page = _KEYS[route]
    return _WORDS.get(kind, "").format(key=key, page=page)
