"""``GET /v1/keys``: the public signing keys, with which anybody verifies receipts: they are no secret."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from vanvault.api import openapi, wire
from vanvault.api.context import node_of
from vanvault.archiver.keys import PublishedKey, published_keys

router = APIRouter()


@router.get("/v1/keys", **openapi.KEYS)
async def keys(request: Request) -> Response:
    """The public signing keys. Needs no token."""
    archive = node_of(request).archive
    found = published_keys(await run_in_threadpool(archive.signing.trust))
    answer = wire.KeysAnswer(archive=archive.settings.archive, keys=[_key(one) for one in found])
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


def _key(key: PublishedKey) -> wire.PublicKeyAnswer:
    """One key; what is not known is null."""
    revoked = key.revoked
    return wire.PublicKeyAnswer(
        key_id=key.key_id,
        version=key.version,
        algorithm="Ed25519",
        pem=key.pem,
        active=key.active,
        from_=key.from_ or None,
        until=key.until or None,
        introduced_by=key.introduced_by or None,
        revoked=None
        if revoked is None
        else wire.KeyRevocation(
            act=revoked.act,
            at=revoked.at,
            stolen_since=revoked.stolen_since or None,
            stands=revoked.stands,
        ),
    )
