"""Inputs that must lie at the provider before they can be named: the requests, as a generator.

A generator yields calls and is sent their replies; it returns the input as ``create`` takes it, or
why it could not be laid down. Nothing of this is charged.
"""

from collections.abc import Callable, Generator

from proxy.core.failures import Failure
from proxy.wire import apimart_uploads, runway_uploads
from proxy.wire.genspark_failures import Reply
from proxy.wire.provider import Call, Picture
from proxy.wire.runway_bodies import fits_inline

Laid = Generator[Call, Reply, Picture | Failure]
# The second argument is random, for the border between a form's parts.
Lay = Callable[[Picture, str], Laid]


def at_runway(picture: Picture, boundary: str) -> Laid:
    """Only what is too large for a body."""
    if fits_inline(picture):
        return picture
    form = runway_uploads.upload_form((yield runway_uploads.upload(picture)))
    if isinstance(form, Failure):
        return form
    reply = yield runway_uploads.post_file(form, picture, boundary)
    return runway_uploads.posted(reply) or runway_uploads.stored(picture, form)


def at_apimart(picture: Picture, _boundary: str) -> Laid:
    """Every picture: addresses alone are taken."""
    return apimart_uploads.uploaded((yield apimart_uploads.upload(picture)), picture)
