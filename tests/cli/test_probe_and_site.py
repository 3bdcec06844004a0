"""``vanvault site init`` and ``vanvault probe`` on two real MinIO servers, from nothing to a trusted site."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.servers.endpoint import Endpoint
from tests.support.command import json_of, lines_of, run_cli
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import SiteUnavailable


def admin_environment(pair: tuple[Endpoint, Endpoint]) -> dict[str, str]:
    environment = {}
    for site, endpoint in zip(("PRIMARY", "STANDBY"), pair, strict=True):
        environment[f"VANVAULT_{site}_ACCESS_KEY"] = endpoint.access_key
        environment[f"VANVAULT_{site}_SECRET_KEY"] = endpoint.secret_key
    return environment


def duties_of(home: Path, *sites: str) -> dict[str, str]:
    """What an EnvironmentFile would give a unit: the duties' keys, and no administrator's."""
    lines = [
        line for site in sites for line in (home / "credentials" / f"{site}.env").read_text().splitlines()
    ]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def s3_home(tmp_path_factory: pytest.TempPathFactory, minio_pair: tuple[Endpoint, Endpoint]) -> Path:
    home = tmp_path_factory.mktemp("s3") / "home"
    urls = [
        endpoint.site_url(f"vault-{home.parent.name.strip('_').lower()[-8:]}x") for endpoint in minio_pair
    ]
    made = run_cli(
        home, "init", "--primary", urls[0], "--standby", urls[1], "--json", env=admin_environment(minio_pair)
    )
    assert set(json_of(made)) == {"gateway", "token"}
    return home


@pytest.fixture(scope="module")
def provisioned(s3_home: Path, minio_pair: tuple[Endpoint, Endpoint]) -> dict[str, str]:
    """The duties' credentials of both sites, made by ``site init``."""
    environment = admin_environment(minio_pair)
    for site in ("primary", "standby"):
        dry = json_of(run_cli(s3_home, "site", "init", site, "--dry-run", "--json", env=environment))
        assert dry["dry_run"] and dry["steps"]
        done = json_of(run_cli(s3_home, "site", "init", site, "--json", env=environment))
        assert [step["action"] for step in done["steps"]] == [step["action"] for step in dry["steps"]]
        again = json_of(run_cli(s3_home, "site", "init", site, "--json", env=environment))
        assert again["steps"] == []
        file = s3_home / "credentials" / f"{site}.env"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return duties_of(s3_home, "primary", "standby")


def open_writer(home: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with Archive.open(home) as archive:
        writer, _ = archive.open_writer()
        writer.close()


def test_a_site_is_trusted_after_its_probe_and_not_before(
    s3_home: Path, provisioned: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SiteUnavailable, match="never probed"):
        open_writer(s3_home, provisioned, monkeypatch)

    probed = run_cli(s3_home, "probe", "primary", "--json", env=provisioned)
    result: dict[str, Any] = json.loads(probed.stdout)
    assert probed.exit_code == ExitCode.OK
    assert result["verdict"] == "pass"
    assert result["archived"]
    assert all({"check", "ok", "detail"} <= set(finding) for finding in result["findings"])
    with pytest.raises(SiteUnavailable, match="standby was never probed"):
        open_writer(s3_home, provisioned, monkeypatch)

    json_of(
        run_cli(
            s3_home, "probe", "standby", "--override", "--reason", "same server", "--json", env=provisioned
        )
    )
    open_writer(s3_home, provisioned, monkeypatch)
    found = lines_of(
        run_cli(s3_home, "search", "--type", "vanvault.probe-override.standby", "--json", env=provisioned)
    )
    assert "same server" in json.dumps(found)


def test_an_override_without_a_reason_is_refused(s3_home: Path, provisioned: dict[str, str]) -> None:
    result = run_cli(s3_home, "probe", "primary", "--override", env=provisioned)
    assert result.exit_code == ExitCode.USAGE
    assert "reason" in result.stderr


def test_a_file_site_without_the_immutable_flag_is_weak(home: Path) -> None:
    result = run_cli(home, "probe", "standby", "--json")
    assert result.exit_code == ExitCode.PROBE_WEAK
    assert json.loads(result.stdout)["verdict"] == "weak"


def test_a_server_that_does_not_answer_is_unreachable(tmp_path: Path) -> None:
    home = tmp_path / "home"
    json_of(run_cli(home, "init", "--json"))
    settings = home / "vanvault.toml"
    settings.write_text(settings.read_text().replace("file:sites/primary", "s3+http://127.0.0.1:9/bucket"))
    keys = {"VANVAULT_PRIMARY_ACCESS_KEY": "nobody", "VANVAULT_PRIMARY_SECRET_KEY": "nothing-secret"}
    result = run_cli(home, "probe", "primary", "--json", env=keys)
    assert result.exit_code == ExitCode.PROBE_UNREACHABLE
    assert json.loads(result.stdout)["verdict"] == "unreachable"


def test_site_init_gives_a_file_site_the_secret_of_its_disposer_once(home: Path) -> None:
    dry = json_of(run_cli(home, "site", "init", "primary", "--dry-run", "--json"))
    file = home / "credentials" / "primary.disposer.env"
    assert [step["target"] for step in dry["steps"]] == ["disposer"]
    assert not file.exists()
    assert json_of(run_cli(home, "site", "init", "primary", "--json"))["steps"] == dry["steps"]
    given = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json_of(run_cli(home, "site", "init", "primary", "--json"))["steps"] == []
    assert file.read_text() == given
    at_site = (home / "sites" / "primary" / "disposer.json").read_text()
    secret = given.splitlines()[1].split("=", 1)[1]
    assert secret not in at_site
    assert not (home / "credentials" / "primary.env").exists()


def test_another_secret_than_the_site_was_given_is_refused(home: Path) -> None:
    json_of(run_cli(home, "site", "init", "primary", "--json"))
    file = home / "credentials" / "primary.disposer.env"
    file.write_text(file.read_text()[:-3] + "00\n")
    refused = run_cli(home, "site", "init", "primary")
    assert refused.exit_code == ExitCode.SETTINGS
    assert "another secret" in refused.stderr


def test_there_are_two_sites(home: Path) -> None:
    assert run_cli(home, "site", "init", "third").exit_code == ExitCode.USAGE
    assert run_cli(home, "probe", "third").exit_code == ExitCode.USAGE
