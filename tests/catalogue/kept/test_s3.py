"""Sites that keep the index in buckets without locks, on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.catalogue.kept.making import SEGMENTS, Kept, check_whole
from tests.servers.endpoint import Endpoint

from vanvault.archiver.catalogue import kept_place
from vanvault.archiver.core.errors import SettingsError, SiteUnavailable
from vanvault.archiver.core.options import FileOptions, S3Options
from vanvault.archiver.stores.credentials import Credentials
from vanvault.archiver.stores.provision import Prepared, prepare_index_bucket
from vanvault.archiver.stores.provision.apply import MinioUsers
from vanvault.archiver.stores.url import S3Url
from vanvault.archiver.upkeep import rebuild_index


@pytest.fixture
def buckets(minio_a: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """By site the bucket in which it keeps the index."""
    names = {}
    for site in ("primary", "standby"):
        names[site] = f"index-{uuid.uuid4().hex[:12]}"
        minio_a.client().create_bucket(Bucket=names[site])
        upper = site.upper()
        monkeypatch.setenv(f"VANVAULT_SITES__{upper}__INDEX_URL", minio_a.site_url(names[site]))
        monkeypatch.setenv(f"VANVAULT_{upper}_INDEX_ACCESS_KEY", minio_a.access_key)
        monkeypatch.setenv(f"VANVAULT_{upper}_INDEX_SECRET_KEY", minio_a.secret_key)
    yield names


def files_in(minio: Endpoint, bucket: str) -> list[str]:
    found = minio.client().list_objects_v2(Bucket=bucket).get("Contents", [])
    return [one["Key"] for one in found if one["Key"].endswith(".idx")]


def test_a_new_node_begins_with_them_and_merged_files_go(
    kept: Kept, buckets: dict[str, str], minio_a: Endpoint
) -> None:
    with kept.open() as archive:
        archive.refresh()
        names = archive.index.names()
        assert [(one.added, one.failure) for one in archive.keep_index()] == [(SEGMENTS, "")] * 2
    path = kept.new_node()
    with kept.open(path) as archive:
        archive.refresh()
        assert archive.index.names() == names
        assert list((path / "index").rglob("*.idx")) == []
        check_whole(archive)
        client = minio_a.client()
        for name in files_in(minio_a, buckets["primary"]):
            client.delete_object(Bucket=buckets["primary"], Key=name)
        check_whole(archive)  # the other site has them
        while archive.index.bring_next():
            pass
        check_whole(archive)
        kept.clock.advance(timedelta(days=40))
        rebuild_index(archive)
        archive.keep_index()
        kept.clock.advance(timedelta(days=1))
        archive.keep_index()
        check_whole(archive)
    assert all(len(files_in(minio_a, bucket)) == 1 for bucket in buckets.values())


def test_a_bucket_that_is_not_there_is_told_and_stops_nothing(
    kept: Kept, buckets: dict[str, str], monkeypatch: pytest.MonkeyPatch, minio_a: Endpoint
) -> None:
    monkeypatch.setenv("VANVAULT_SITES__STANDBY__INDEX_URL", minio_a.site_url("no-such-bucket"))
    with kept.open() as archive:
        archive.refresh()
        primary, standby = archive.keep_index()
        assert (primary.failure, primary.added) == ("", SEGMENTS)
        assert standby.failure
        check_whole(archive)


def test_its_user_may_keep_the_index_and_do_nothing_else(minio_a: Endpoint, tmp_path: Path) -> None:
    bucket, other = f"index-{uuid.uuid4().hex[:12]}", f"vault-{uuid.uuid4().hex[:12]}"
    minio_a.client().create_bucket(Bucket=other)
    user = Credentials(f"vv-index-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex)
    admin = Credentials(minio_a.access_key, minio_a.secret_key)
    where = S3Url(minio_a.url, bucket)

    def prepare(dry_run: bool = False) -> list[str]:
        done = prepare_index_bucket("primary", where, user, admin, options=S3Options(), dry_run=dry_run)
        assert done.policy is None
        return [step.action for step in done.steps]

    steps = ["create-bucket", "put-policy", "add-user", "attach-policy"]
    assert prepare(dry_run=True) == steps
    assert prepare() == steps
    assert prepare() == []
    environment = {
        "VANVAULT_PRIMARY_INDEX_ACCESS_KEY": user.access_key,
        "VANVAULT_PRIMARY_INDEX_SECRET_KEY": user.secret_key,
    }
    source = tmp_path / "source"
    source.write_bytes(b"index")
    for name, allowed in ((bucket, True), (other, False)):
        place = kept_place(
            "primary",
            site_url="file:sites/primary",
            index_url=minio_a.site_url(name),
            home=tmp_path,
            archive="archive-1",
            work=tmp_path / "work",
            file=FileOptions(),
            s3=S3Options(attempts=1),
            environment=environment,
        )
        assert place is not None
        if allowed:
            place.put("day/x.idx", source)
            assert place.list(10) == {"day/x.idx": 5}
            assert place.read("day/x.idx", 1, 2) == b"nd"
            place.delete("day/x.idx")
            assert place.list(10) == {}
        else:
            with pytest.raises(SiteUnavailable):
                place.put("day/x.idx", source)
        place.close()


def prepared_at(minio: Endpoint, bucket: str, user: str = "vv-index-1") -> Prepared:
    admin = Credentials(minio.access_key, minio.secret_key)
    keys = Credentials(user, uuid.uuid4().hex)
    return prepare_index_bucket("primary", S3Url(minio.url, bucket), keys, admin, options=S3Options())


def test_a_bucket_with_locks_takes_no_index(minio_a: Endpoint) -> None:
    bucket = f"locked-{uuid.uuid4().hex[:12]}"
    minio_a.client().create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    with pytest.raises(SettingsError, match="Object Lock"):
        prepared_at(minio_a, bucket)


def test_its_user_has_no_other_rights_and_nothing_is_made_for_one_that_has(minio_a: Endpoint) -> None:
    bucket, user = f"index-{uuid.uuid4().hex[:12]}", f"vv-index-{uuid.uuid4().hex[:8]}"
    users = MinioUsers(minio_a.url, Credentials(minio_a.access_key, minio_a.secret_key), site="primary")
    users.add_user(Credentials(user, uuid.uuid4().hex))
    users.attach(user, "consoleAdmin")
    with pytest.raises(SettingsError, match="consoleAdmin"):
        prepared_at(minio_a, bucket, user)
    assert bucket not in [one["Name"] for one in minio_a.client().list_buckets()["Buckets"]]


def test_a_store_that_does_not_answer_makes_no_bucket() -> None:
    keys = Credentials("nobody", "nothing-at-all")
    where = S3Url("http://127.0.0.1:9", "index")
    with pytest.raises(SiteUnavailable, match="does not answer"):
        prepare_index_bucket("primary", where, keys, keys, options=S3Options(attempts=1), kind="minio")


def test_an_s3_site_without_a_bucket_for_it_keeps_none(tmp_path: Path) -> None:
    given = {
        "home": tmp_path,
        "archive": "archive-1",
        "work": tmp_path,
        "file": FileOptions(),
        "s3": S3Options(),
    }
    assert kept_place("primary", site_url="s3+http://127.0.0.1:9/vault", index_url="", **given) is None  # type: ignore[arg-type]
