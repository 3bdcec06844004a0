"""``vanvault login``: a person signs on at a node, and the session's secret is kept for later verbs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

import click

from vanvault.archiver.core.errors import AccessDenied, InvalidInput, VanVaultError
from vanvault.cli.connection import ca_file_option, url_option
from vanvault.cli.output import emit_json, human_duration, json_option, shown, warn
from vanvault.cli.secret_input import secret_line
from vanvault.cli.signed_on import KeptSession, keep_session, kept_session

if TYPE_CHECKING:
    from vanvault.cli.client import ApiClient

_SLOWER_S = 5.0  # RFC 8628, 3.5
_DEVICE_WAIT_S = 60.0  # while a person confirms, the node or the provider may be away for a moment


@click.command()
@click.argument("name", required=False)
@click.option(
    "--password-file",
    type=click.File("rb"),
    metavar="FILE",
    help="First line: the password; second: the code, if there is one. - is standard input. Else: asked for.",
)
@click.option("--device", is_flag=True, help="Sign on at the identity provider, confirmed in any browser.")
@click.option(
    "--break-glass",
    is_flag=True,
    help="Sign on with the sealed credential of the account: its secret is asked for, or is that first line.",
)
@click.option("--show", is_flag=True, help="Say who is signed on here, and until when; sign nobody on.")
@url_option
@ca_file_option
@json_option
def command(
    name: str | None,
    password_file: BinaryIO | None,
    device: bool,
    break_glass: bool,
    show: bool,
    url: str,
    ca_file: Path | None,
    as_json: bool,
) -> None:
    """Sign on at a running node: as the account NAME with a password and a code, or with --device.

    The secret of the session is kept in a file of mode 0600 and never shown: VANVAULT_SESSION_FILE, else
    vanvault/session below XDG_CONFIG_HOME or ~/.config. Whoever was signed on here before is signed off.
    """
    if (name is not None or password_file is not None) and (device or show):
        raise InvalidInput(
            "NAME and --password-file sign on with a password",
            field="name",
            hint="Leave out what is not meant.",
        )
    if show:
        _tell(_who(), as_json)
        return
    if break_glass and (device or show or name is None):
        raise InvalidInput(
            "--break-glass signs on one account",
            field="break-glass",
            hint="vanvault login NAME --break-glass",
        )
    if name is None and not device:
        raise InvalidInput(
            "no account is named", field="name", hint="Run: vanvault login NAME, or vanvault login --device"
        )
    _warn_of_plain(url)
    if name is None:
        with client_of(url, ca_file, wait_s=_DEVICE_WAIT_S) as client:
            opened = by_device(client, _tell_device, time.sleep)
    else:
        with client_of(url, ca_file) as client:
            if break_glass:
                opened = client.ask("POST", "/v1/session/break-glass", _envelope(name, password_file))
            else:
                opened = client.ask("POST", "/v1/session", _typed(name, password_file))
    if "secret" not in opened:
        raise InvalidInput("this is a test credential: it signs nobody on", field="secret")
    before = _before()
    secret = opened.pop("secret")
    keep_session(KeptSession(secret, opened["account"], url, str(ca_file.absolute()) if ca_file else ""))
    if before is not None:
        end_session(before)
    _tell(opened, as_json)


def by_device(
    client: ApiClient, tell: Callable[[dict[str, Any]], object], pause: Callable[[float], object]
) -> dict[str, Any]:
    """Sign on at the identity provider, confirmed in a browser elsewhere (RFC 8628, 3.5); the session.

    Args:
        tell: is given the address and the code, once.
        pause: seconds to wait before the next poll.

    Raises AccessDenied: it was refused, or not confirmed in time; NotFound: there is no provider.
    """
    begun = client.ask("POST", "/v1/session/device")
    tell(begun)
    interval, left = float(begun["interval_s"]), float(begun["lifetime_s"])
    while left > 0:
        pause(interval)
        left -= interval
        answer = client.ask("POST", "/v1/session/device/poll", {"device": begun["device"]})
        if "secret" in answer:
            return answer
        if answer.get("state") == "slower":
            interval += _SLOWER_S
    raise AccessDenied("nobody confirmed this sign-on in time", hint="Run it again.")


def client_of(url: str, ca_file: Path | None, secret: str = "", wait_s: float = 0.0) -> ApiClient:
    """A client that asks once: a code that was sent twice would be refused. Raises InvalidInput."""
    from vanvault.cli.client import ApiClient, Retrying

    return ApiClient(url, secret, retrying=Retrying(wait_s=wait_s), connections=1, ca_file=ca_file)


def session_client(kept: KeptSession) -> ApiClient:
    """A client of who is signed on, at the node that gave the session. Raises InvalidInput."""
    return client_of(kept.url, Path(kept.ca_file) if kept.ca_file else None, kept.secret)


def end_session(kept: KeptSession) -> None:
    """End a session that is of no use any more; where its node does not say so, that is a warning."""
    try:
        with session_client(kept) as client:
            client.ask("DELETE", "/v1/session")
    except AccessDenied:
        return  # it was over
    except VanVaultError as error:
        warn(f"the session of {kept.account} before this one could not be ended: {error.message}")


def _envelope(name: str, password_file: BinaryIO | None) -> dict[str, str]:
    if password_file is None:
        secret = click.prompt("Secret of the envelope", err=True)
    else:
        secret = secret_line(password_file, "secret")
    warn("the envelope is used up, and this is an alarm until somebody else has reviewed it")
    return {"account": name, "secret": secret}


def _typed(name: str, password_file: BinaryIO | None) -> dict[str, str]:
    if password_file is None:
        password = click.prompt("Password", hide_input=True, err=True)
        code = click.prompt("Code (empty: none)", default="", show_default=False, err=True)
    else:
        password, code = secret_line(password_file), secret_line(password_file, "code")
    told = {"account": name, "password": password}
    return told | {"code": code.strip()} if code.strip() else told


def _tell_device(begun: dict[str, Any]) -> None:
    address = begun.get("verification_uri_complete") or begun["verification_uri"]
    click.echo(
        f"Open {shown(address)} in a browser, and confirm the code {shown(begun['user_code'])}", err=True
    )


def _who() -> dict[str, Any]:
    """Raises AccessDenied: nobody is signed on here, or not any more."""
    kept = kept_session()
    if kept is None:
        raise AccessDenied("nobody is signed on here", hint="Run: vanvault login NAME")
    with session_client(kept) as client:
        return client.ask("GET", "/v1/session")


def _before() -> KeptSession | None:
    """Who was signed on here; a file that is not to be read is written over all the same."""
    try:
        return kept_session()
    except InvalidInput as error:
        warn(error.message)
        return None


def _warn_of_plain(url: str) -> None:
    told = urlsplit(url)
    if told.scheme == "http" and told.hostname not in ("127.0.0.1", "::1", "localhost"):
        warn("the password and the session's secret go over the network unencrypted: use an https URL")


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(told)
        return
    idle, roles = human_duration(told["idle_s"]), ", ".join(told["roles"]) or "none"
    click.echo(f"{told['account']} is signed on until {told['until']}")
    click.echo(f"It ends after {idle} without use. Roles: {roles}")
