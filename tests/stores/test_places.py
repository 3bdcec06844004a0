"""No two parts of a home are one place, or one within the other; sites lost together are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import json_of, run_cli
from vanvault.archiver.core.errors import SettingsError
from vanvault.archiver.stores import S3Url, check_places, sites_together
from vanvault.archiver.stores.places import FolderPlace, bucket_of, check_apart, lost_together, same, within


def sites(primary: str, standby: str, **others: str) -> dict[str, str]:
    return {"sites.primary.url": primary, "sites.standby.url": standby, **others}


@pytest.mark.parametrize(
    ("primary", "standby"),
    [
        ("file:a", "file:a"),
        ("file:a", "file:./a/"),
        ("file:a", "file:b/../a"),
        ("file:a", "file:a/b"),
        ("file:a/b/c", "file:a"),
        ("file:a", "file:link-to-a"),
        ("file:a", "file:link-to-a/inner"),
        ("file:a", "file:."),
        ("file:a", "file:.."),
        ("file:/", "file:a"),
        ("s3+http://store:9000/bucket", "s3+http://store:9000/bucket/"),
        ("s3+http://store/bucket", "s3+http://STORE:80/bucket"),
        ("s3+https://store/bucket", "s3+https://store:443/bucket"),
        ("s3+http://localhost:9000/bucket", "s3+http://127.0.0.1:9000/bucket"),
    ],
)
def test_sites_that_are_not_apart_are_refused(primary: str, standby: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link-to-a").symlink_to("a")
    with pytest.raises(SettingsError, match=r"sites\.(primary|standby)\.url"):
        check_places(tmp_path, sites(primary, standby))


@pytest.mark.parametrize(
    ("primary", "standby"),
    [
        ("file:a", "file:b"),
        ("file:a", "file:ab"),
        ("file:a", "s3+http://store:9000/bucket"),
        ("s3+http://store:9000/bucket", "s3+http://store:9000/bucket-2"),
        ("s3+http://store:9000/bucket", "s3+http://store:9001/bucket"),
        ("s3+http://store-a/bucket", "s3+http://store-b/bucket"),
    ],
)
def test_sites_that_are_apart_are_taken(primary: str, standby: str, tmp_path: Path) -> None:
    check_places(tmp_path, sites(primary, standby))


@pytest.mark.parametrize(
    "repository",
    [
        "a/restic",
        "a",
        "s3:http://store:9000/bucket/restic",
        "s3:http://store:9000/bucket",
        ".",
        "s3:https://x",
    ],
)
def test_a_third_copy_within_a_site_is_none(repository: str, tmp_path: Path) -> None:
    places = sites("file:a", "s3+http://store:9000/bucket")
    if repository == "s3:https://x":  # restic says what is wrong with it
        check_places(tmp_path, places, repository)
        return
    with pytest.raises(SettingsError, match=r"backup\.repository"):
        check_places(tmp_path, places, repository)


def test_a_folder_is_known_again_under_another_path() -> None:
    """A bind mount: other paths, the same folder."""
    outer = FolderPlace(Path("/srv/a"), (1, 2), frozenset({(1, 1)}), 1)
    other = FolderPlace(Path("/mnt/a"), (1, 2), frozenset({(1, 1)}), 1)
    inner = FolderPlace(Path("/mnt/a/b"), (1, 3), frozenset({(1, 2), (1, 1)}), 1)
    assert same(outer, other)
    assert within(inner, outer)
    assert not within(outer, inner)
    with pytest.raises(SettingsError, match="inner lies within outer"):
        check_apart({"outer": outer, "inner": inner}, FolderPlace(Path("/home")))


def test_what_is_made_anew_may_lie_in_the_cache_and_nothing_else(tmp_path: Path) -> None:
    cache = {"the cache": "file:cache"}
    apart = sites("file:a", "file:b")
    check_places(
        tmp_path, {**apart, **cache, "index.url": "file:cache/index", "backup.stage": "file:cache/stage"}
    )
    with pytest.raises(SettingsError, match=r"sites\.standby\.url lies within the cache"):
        check_places(tmp_path, {**sites("file:a", "file:cache/b"), **cache})
    with pytest.raises(SettingsError, match=r"sites\.standby\.url lies within backup\.stage"):
        check_places(tmp_path, {**sites("file:a", "file:s/b"), "backup.stage": "file:s"})
    with pytest.raises(SettingsError, match=r"the cache and backup\.stage are one place"):
        check_places(tmp_path, {**apart, **cache, "backup.stage": "file:cache"})


def test_a_folder_that_cannot_be_looked_at_is_compared_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check_places(tmp_path, sites("file:file/under", "file:b"))
    with pytest.raises(SettingsError):
        check_places(tmp_path, sites("file:file/under", "file:file/under/it"))


def test_sites_on_one_device_or_server_may_be_lost_together(tmp_path: Path) -> None:
    assert sites_together(tmp_path, "file:a", "file:b") == "both sites are on one device"
    assert sites_together(tmp_path, "file:a", "file:/proc") == ""
    one, other = "s3+http://store:9000/a-bucket", "s3+http://STORE:9000/b-bucket"
    assert sites_together(tmp_path, one, other) == "both sites are on one server, store:9000"
    assert sites_together(tmp_path, one, "s3+http://store:9001/b-bucket") == ""
    assert sites_together(tmp_path, "file:a", other) == ""
    unseen = FolderPlace(Path("/a")), FolderPlace(Path("/b"))
    assert lost_together(*unseen) == ""


def test_a_bucket_is_one_value_however_it_is_written() -> None:
    assert bucket_of(S3Url("https://store", "bucket")) == bucket_of(S3Url("https://store:443", "bucket"))


@pytest.mark.parametrize(
    "standby", ["file:sites/primary", "file:sites/primary/b", "file:keys/b", "file:cache", "file://nas/share"]
)
def test_init_refuses_such_places_and_leaves_nothing_behind(standby: str, tmp_path: Path) -> None:
    result = run_cli(tmp_path / "home", "init", "--standby", standby)
    assert result.exit_code == 6
    assert result.stderr.startswith("error: ")
    assert not (tmp_path / "home").exists()


def test_sites_on_one_device_are_a_warning_of_init_that_status_repeats(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = run_cli(home, "init")
    assert made.exit_code == 0
    assert "warning: both sites are on one device" in made.stderr
    shown = run_cli(home, "status", "--json")
    assert json_of(shown)["sites_together"] == "both sites are on one device"
    assert "warning: both sites are on one device" in shown.stderr


def test_every_verb_refuses_a_standby_that_became_a_link_into_the_primary(tmp_path: Path) -> None:
    home = tmp_path / "home"
    json_of(run_cli(home, "init", "--json"))
    (home / "sites" / "standby").rename(home / "sites" / "primary" / "moved")
    (home / "sites" / "standby").symlink_to("primary/moved")
    result = run_cli(home, "status", "--json")
    assert result.exit_code == 6
    told = json.loads(result.stdout)["error"]
    assert told["message"] == "sites.standby.url lies within sites.primary.url"
    assert told["hint"]


def test_a_wrong_place_in_the_settings_is_named_with_its_setting(tmp_path: Path) -> None:
    home = tmp_path / "home"
    json_of(run_cli(home, "init", "--json"))
    path = home / "vanvault.toml"
    path.write_text(path.read_text().replace("file:sites/standby", "http://somewhere"))
    result = run_cli(home, "status")
    assert result.exit_code == 6
    assert "error: sites.standby.url: a site's URL is file:PATH" in result.stderr
