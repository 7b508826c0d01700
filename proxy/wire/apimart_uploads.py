"""Lay a picture down at APIMart first: its generations take public addresses alone.

Send ``upload``, read its answer with ``uploaded``, and give what that makes to ``Apimart.create``
in place of the picture. Nothing of it is charged; the address lives 72 hours (vendor's page on
uploads, 2026-11: JPEG, PNG, WebP and GIF of at most 20 MB, and base64 nowhere any more).
"""

import dataclasses

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.wire.apimart_bodies import Linked
from proxy.wire.gateway_refusals import refused
from proxy.wire.gateway_tasks import links
from proxy.wire.genspark_failures import Reply
from proxy.wire.json_values import child
from proxy.wire.multipart_body import FilePart, multipart
from proxy.wire.provider import Call, Picture


def upload(picture: Picture) -> Call:
    """The picture itself, with the key."""
    file = FilePart("file", picture.use.value, picture.mime, picture.data)
    content, kind = multipart({}, [file])
    return Call(
        method="POST",
        path="/v1/uploads/images",
        content=content,
        headers={"Content-Type": kind},
    )


def uploaded(reply: Reply, picture: Picture) -> Linked | Failure:
    """The picture with its address. As nothing was bought, no failure is ambiguous."""
    failure = refused(reply, Kind.UPLOAD_FAILED)
    if failure is not None:
        lost = failure.kind in AMBIGUOUS
        return dataclasses.replace(failure, kind=Kind.UPLOAD_FAILED) if lost else failure
    found = links(child(reply.json, "url"))
    if not found:
        return Failure(Kind.UPLOAD_FAILED, "the reply names no address")
    return Linked(picture.use, picture.mime, picture.data, found[0])
