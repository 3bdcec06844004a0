"""Site URLs: what they say, and what they may not hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.stores import FileUrl, S3Url, check_repository, parse_site_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:sites/primary", FileUrl("sites/primary")),
        ("file:/srv/vault", FileUrl("/srv/vault")),
        ("file:///srv/vault", FileUrl("/srv/vault")),
        ("file:with space and @?#%", FileUrl("with space and @?#%")),
        ("s3+http://127.0.0.1:9000/bucket", S3Url("http://127.0.0.1:9000", "bucket")),
        ("s3+https://store.example/a-b-1", S3Url("https://store.example", "a-b-1")),
        ("s3+https://store.example/a-b-1/", S3Url("https://store.example", "a-b-1")),
        ("s3+http://[::1]:9000/bucket", S3Url("http://[::1]:9000", "bucket")),
    ],
)
def test_good_urls_are_read(url: str, expected: FileUrl | S3Url) -> None:
    assert parse_site_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file",
        "file:",
        "file://",
        "file:a\x00b",
        "/srv/vault",
        "http://host/bucket",
        "s3://bucket",
        "s3+ftp://host/bucket",
        "s3+http://host",
        "s3+http://host/",
        "s3+http:///bucket",
        "s3+http://:9000/bucket",
        "s3+http://host:port/bucket",
        "s3+http://host:99999/bucket",
        "s3+http://[::1/bucket",
        "s3+http://host/Bucket",
        "s3+http://host/b",
        "s3+http://host/a.b.c",
        "s3+http://host/-bucket",
        "s3+http://host/" + "b" * 64,
        "s3+http://host/bucket?region=x",
        "s3+http://host/bucket?",
        "s3+http://host/bucket#x",
    ],
)
def test_bad_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_site_url(url)
    assert caught.value.field == "url"


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("file://nas/share", "file:/PATH of where it is mounted"),
        ("file://nas", "file:/PATH of where it is mounted"),
        ("file://sites/primary", "file:PATH, without slashes"),
        ("file://./x", "file:PATH, without slashes"),
        ("file://localhost/x", "file:/x (from the root)"),
        ("file://LOCALHOST/x/y", "file:/x/y (from the root)"),
        ("file://127.0.0.1/x", "file:/x"),
        ("file:///srv/a%20b", "the characters themselves"),
        ("file:/srv/a%20b", "the characters themselves"),
        ("file:a%2Fb", "the characters themselves"),
        ("file: x", "file:PATH"),
        ("file:x\n", "file:PATH"),
        ("file:x\x1b[2J", "file:PATH"),
        ("file:~/x", "the whole path"),
        ("file:$HOME/x", "the whole path"),
        ("s3+http://host/bucket/prefix", "a bucket of its own"),
        ("s3+https://host/bucket/a/b/", "a bucket of its own"),
    ],
)
def test_a_place_that_is_not_what_it_seems_is_refused_with_what_to_write(url: str, instead: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_site_url(url)
    assert instead in caught.value.hint


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("smb://nas/share", "file:/PATH of where it is mounted"),
        ("NFS://nas/share", "file:/PATH of where it is mounted"),
        ("//nas/share", "file:/PATH of where it is mounted"),
        ("FILE:/x", "small letters"),
        ("file:", "file:/srv"),
        ("file://", "file:/srv"),
        ("/srv/x", "file:/srv"),
        ("https://host/bucket", "s3+https://HOST:PORT/BUCKET"),
    ],
)
def test_a_url_of_another_kind_is_refused_with_what_to_write(url: str, instead: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_site_url(url)
    assert instead in caught.value.hint


@pytest.mark.parametrize(
    "repository",
    [
        "file:///srv/x", "file:/srv/x", "smb://nas/x", "localhost:/tmp/x", "user@host:/x", "S3:https://host/b",
        "http://host/x", "//nas/x", "sftp:host:/x", "rclone:b:x", "", " ",
    ],
)  # fmt: skip
def test_a_repository_that_would_become_a_folder_of_that_name_is_refused(repository: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_repository(repository)
    for kind in ("/PATH", "s3:https://", "rest:https://"):
        assert kind in caught.value.hint


@pytest.mark.parametrize("repository", ["~/repo", "$HOME/repo", "/srv/a%20b", "/srv/x ", "x\x1b"])
def test_the_hint_for_a_folder_of_a_repository_has_no_scheme(repository: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_repository(repository)
    assert "file:" not in caught.value.hint


def test_a_repository_is_a_folder_or_a_server() -> None:
    assert all(map(check_repository, ("/srv/third-copy", "third-copy", "./a:b", "a/b:c")))
    assert not any(map(check_repository, ("s3:https://host/bucket", "rest:https://host/")))


def test_a_host_may_hold_a_secret_and_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_site_url("file://user:hunter2@nas/share")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("login", ["key:hunter2@", "hunter2@", "key:hunter2%40@", ":hunter2@", "@"])
def test_credentials_are_refused_and_not_repeated(login: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_site_url(f"s3+http://{login}host/bucket")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert "VANVAULT_" in caught.value.message


@given(st.text(max_size=40))
def test_whatever_comes_is_parsed_or_refused(text: str) -> None:
    for url in (text, f"file:{text}", f"file://{text}", f"s3+http://{text}", f"s3+https://host/{text}"):
        try:
            parse_site_url(url)
        except (InvalidInput, SettingsError):
            continue
