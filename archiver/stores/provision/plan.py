"""What a site's store has to have: a bucket with Object Lock, and one narrow user for each duty. Pure.

========  =============================================================================================
writer    put (with a lock), read, extend a lock, end its own multipart uploads
reader    read
keeper    read, extend a lock
disposer  read, remove a version whose lock has ended: never put, never extend, never hide a key by a marker
prober    everything, but only in the probe's disposable buckets (``vanvault-probe-*``), where it is the
          insider who attacks; nothing in the archive
========  =============================================================================================

Nobody may bypass, touch versioning, Object Lock, lifecycle, replication or policies, or (but for the
disposer) delete: it is denied in so many words, which wins over whatever another policy allows. All policies
but the prober's hold in the probe's buckets, too: the probe attacks with exactly the rights that count.

S3 asks for ``s3:DeleteObjectVersion`` where a request names a version, and MinIO for ``s3:DeleteObject`` in
every case: there the disposer's is bound to requests that name one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.core.ports import Entropy
from vanvault.archiver.stores.credentials import Credentials

Duty = Literal["writer", "reader", "keeper", "disposer", "prober"]
DUTIES: tuple[Duty, ...] = ("writer", "reader", "keeper", "disposer", "prober")
PROBE_BUCKETS = "vanvault-probe-*"

PolicyDocument = dict[str, Any]

_READ = (
    "s3:GetBucketLocation",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketVersioning",
    "s3:GetObject",
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
)
_EXTEND = ("s3:PutObjectRetention",)
_PUT = (
    "s3:AbortMultipartUpload",
    "s3:ListBucketMultipartUploads",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "writer": (*_READ, *_EXTEND, *_PUT),
    "reader": _READ,
    "keeper": (*_READ, *_EXTEND),
    "disposer": _READ,  # and to remove versions, which stores name in different ways
}
_REMOVE_VERSION = "s3:DeleteObjectVersion"
_REMOVE = "s3:DeleteObject"
DENIED = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectLegalHold",
    "s3:PutReplicationConfiguration",
)


def policy(duty: Duty, bucket: str) -> PolicyDocument:
    """The identity policy of a duty, in the policy language of S3 (version 2012-10-17)."""
    if duty == "prober":
        return _document(_statement("Allow", ["s3:*"], _resources(PROBE_BUCKETS)))
    where = _resources(bucket) + _resources(PROBE_BUCKETS)
    allowed = _ALLOWED[duty]
    # What a duty may not put is denied as well: a policy that someone adds later cannot give it.
    denied = DENIED + tuple(action for action in (*_PUT, *_EXTEND) if action not in allowed)
    if duty == "disposer":
        return _document(*_disposing(allowed, denied, where))
    return _document(_statement("Allow", allowed, where), _statement("Deny", denied, where))


def _disposing(allowed: tuple[str, ...], denied: tuple[str, ...], where: list[str]) -> list[dict[str, Any]]:
    """The disposer's statements for MinIO, which lets nobody remove a version without ``s3:DeleteObject``."""
    remove = (_REMOVE, _REMOVE_VERSION)
    return [
        _statement("Allow", allowed, where),
        {**_statement("Allow", remove, where), "Condition": {"StringLike": {"s3:versionid": ["?*"]}}},
        _statement("Deny", tuple(action for action in denied if action not in remove), where),
        {**_statement("Deny", (_REMOVE,), where), "Condition": {"StringEquals": {"s3:versionid": [""]}}},
    ]


def _of_bucket(duty: Duty, bucket: str) -> list[dict[str, Any]]:
    """The statements of a duty where a store asks for the right that S3 names."""
    if duty != "disposer":
        return list(policy(duty, bucket)["Statement"])
    where, allowed = _resources(bucket), (*_ALLOWED[duty], _REMOVE_VERSION)
    denied = tuple(action for action in (*DENIED, *_PUT, *_EXTEND) if action not in allowed)
    return [_statement("Allow", allowed, where), _statement("Deny", denied, where)]


def bucket_policy(bucket: str, principals: Mapping[Duty, str]) -> PolicyDocument:
    """The same as a policy of the bucket, for stores that know users by ARN (Ceph RGW, for one).

    ``principals`` maps a duty to the ARN of its user, such as ``arn:aws:iam:::user/vanvault-writer``.
    The prober needs none: it owns the buckets that it makes.
    """
    statements = []
    for duty, principal in sorted(principals.items()):
        if duty == "prober":
            continue
        for statement in _of_bucket(duty, bucket):
            resources = [one for one in statement["Resource"] if PROBE_BUCKETS not in one]
            statements.append({**statement, "Resource": resources, "Principal": {"AWS": [principal]}})
    return _document(*statements)


def policy_name(duty: Duty, bucket: str) -> str:
    """What the policy is called at the store: one for each duty and bucket."""
    return f"vanvault-{bucket}-{duty}"


def index_policy(bucket: str, principal: str = "") -> PolicyDocument:
    """What keeping the index in a bucket needs: put, read and remove files there, and nothing elsewhere.

    ``principal``: ARN of the user, for a policy of the bucket.
    """
    allowed = ("s3:DeleteObject", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", *_PUT)
    statement = _statement("Allow", allowed, _resources(bucket))
    return _document({**statement, "Principal": {"AWS": [principal]}} if principal else statement)


def index_policy_name(bucket: str) -> str:
    """What that policy is called at the store."""
    return f"vanvault-{bucket}-index"


def new_credentials(duty: Duty | Literal["index"], entropy: Entropy) -> Credentials:
    """A fresh access key (at most 20 characters, as MinIO takes them) and a secret of 160 random bits."""
    return Credentials(f"vv-{duty}-{entropy.token(4).hex()}", entropy.token(20).hex())


@dataclass(frozen=True, slots=True)
class Current:
    """What the store has now."""

    bucket: Literal["missing", "ready", "no-lock"]
    policies: Mapping[str, PolicyDocument] = field(default_factory=dict)  # by name
    users: Mapping[str, frozenset[str]] = field(default_factory=dict)  # access key -> names of its policies


@dataclass(frozen=True, slots=True)
class ProvisionStep:
    """One change to the store; the plan of a store that has everything is empty."""

    action: Literal["create-bucket", "put-policy", "add-user", "attach-policy"]
    target: str  # bucket, policy or access key
    detail: str  # one line for people; never a secret
    duty: Duty | None = None


def plan(bucket: str, users: Mapping[Duty, Credentials], current: Current) -> tuple[ProvisionStep, ...]:
    """The steps from ``current`` to what the bucket and these users need. Users that exist keep their secret.

    Raises SettingsError when the bucket exists without Object Lock, which cannot be added safely, or when
    two duties share an access key.
    """
    keys = [credentials.access_key for credentials in users.values()]
    if len(set(keys)) < len(keys):
        raise SettingsError("Two duties share an access key.", hint="Give each duty a user of its own.")
    if current.bucket == "no-lock":
        raise SettingsError(
            f"The bucket {bucket} exists without Object Lock or versioning.",
            hint="Object Lock is set when a bucket is made: name another bucket in the site's URL.",
        )
    steps = []
    if current.bucket == "missing":
        steps.append(
            ProvisionStep(
                "create-bucket", bucket, "with Object Lock and versioning, without default retention"
            )
        )
    for duty, credentials in users.items():
        granted = policy_name(duty, bucket), policy(duty, bucket)
        steps += user_steps(duty, granted, credentials.access_key, current, duty)
    return tuple(steps)


def user_steps(
    who: str, granted: tuple[str, PolicyDocument], access_key: str, current: Current, duty: Duty | None = None
) -> list[ProvisionStep]:
    """The steps to a user who has this policy (its name, its document) and no other.

    ``who``: what the user does, for people. Raises SettingsError: the user has other policies.
    """
    (name, wanted), steps = granted, list[ProvisionStep]()
    if _normal(current.policies.get(name, {})) != _normal(wanted):
        verb = "replace" if name in current.policies else "add"
        steps.append(ProvisionStep("put-policy", name, f"{verb} the policy of the {who}", duty))
    if access_key not in current.users:
        steps.append(ProvisionStep("add-user", access_key, f"the user of the {who}", duty))
    attached = current.users.get(access_key, frozenset())
    if name not in attached:
        steps.append(ProvisionStep("attach-policy", access_key, f"gets {name}", duty))
    if others := sorted(attached - {name}):
        raise SettingsError(
            f"The user {access_key} has other policies, too: {', '.join(others)}.",
            hint=f"Detach them, or name another user for the {who}.",
        )
    return steps


def _normal(document: PolicyDocument) -> str:
    """A document with its sets sorted: stores give them back in their own order."""

    def sort(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: sort(part) for key, part in value.items() if key != "Sid"}
        if isinstance(value, list):
            return sorted((sort(part) for part in value), key=lambda part: json.dumps(part, sort_keys=True))
        return value

    return json.dumps(sort(document), sort_keys=True)


def _resources(bucket: str) -> list[str]:
    return [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def _statement(effect: str, actions: tuple[str, ...] | list[str], resources: list[str]) -> PolicyDocument:
    return {"Effect": effect, "Action": sorted(actions), "Resource": sorted(resources)}


def _document(*statements: PolicyDocument) -> PolicyDocument:
    return {"Version": "2012-10-17", "Statement": list(statements)}
