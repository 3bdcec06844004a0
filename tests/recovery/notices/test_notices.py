"""A planned stop announces itself ten days ahead, by a real mail server, and on record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.archives import Home, memory_home
from tests.support.mail import PASSWORD, USER, Letters, mail_server
from tests.support.server import free_port
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import Busy, Conflict, InvalidInput, NotFound, SettingsError
from vanvault.archiver.core.settings import MailSettings
from vanvault.recovery.availability import announce_window, cancel_window
from vanvault.recovery.conditions import SeenFacts, gather_facts
from vanvault.recovery.notices import (
    NoticeReport,
    NoticeRequest,
    SmtpMail,
    give_notices,
    given_notices,
    unannounced,
)
from vanvault.recovery.reports import ReportRequest, make_report

TO = ("ke-toan@don-vi.example.vn", "it@bhxh.example.vn")


class Shift:
    """An operator at an archive whose clock a test moves."""

    def __init__(self, home: Home, letters: Letters) -> None:
        self.letters = letters
        self.home = home
        with (home.path / "vanvault.toml").open("a", encoding="utf-8") as settings:
            settings.write(
                f'\n[mail]\nhost = "127.0.0.1"\nport = {letters.port}\nsecurity = "none"\n'
                f'sender = "vanvault@bhxh.example.vn"\nannounce_to = {list(TO)!r}\n'
            )
        self.archive: Archive = home.archive()

    def plans(self, days: float, reason: str = "nâng cấp máy chủ") -> str:
        """A stop of two hours that begins in so many days; its id."""
        start = self.archive.clock.now() + timedelta(days=days)
        planned = announce_window(self.archive, start, start + timedelta(hours=2), reason=reason, who="minh")
        return str(planned["window"])

    def notifies(self, window: str = "", by_hand: str = "") -> NoticeReport:
        return give_notices(self.archive, NoticeRequest(window, by_hand, "job"))

    def sets(self, addresses: list[str]) -> None:
        """Other addresses are in the settings from now on."""
        settings = self.home.path / "vanvault.toml"
        told = settings.read_text(encoding="utf-8")
        settings.write_text(told.replace(f"{list(TO)!r}", f"{addresses!r}"), encoding="utf-8")
        self.archive = self.home.archive()

    def passes(self, days: float) -> None:
        self.home.clock.advance(timedelta(days=days))


@pytest.fixture
def letters() -> Iterator[Letters]:
    with mail_server() as found:
        yield found


@pytest.fixture
def shift(tmp_path: Path, letters: Letters) -> Iterator[Shift]:
    with memory_home(tmp_path / "home") as home:
        yield Shift(home, letters)


def test_a_stop_is_announced_ten_days_ahead_once_to_all_addresses(shift: Shift) -> None:
    window = shift.plans(30)
    assert not shift.notifies().given
    shift.passes(19.5)  # ten days and a half are left
    (told,) = shift.notifies().given
    assert (told["window"], told["about"], told["days_ahead"], told["late"]) == (window, "planned", 10, False)
    ((to, message),) = shift.letters.taken
    assert to == TO
    assert "Thông báo tạm dừng hệ thống để bảo trì" in message["Subject"]
    text = message.get_content()
    assert "Lý do: nâng cấp máy chủ" in text
    assert "The service stops for maintenance" in text
    assert not any(address in message.as_string() for address in TO), "nobody sees who else is told"
    shift.passes(1)
    assert not shift.notifies().given
    assert len(shift.letters.taken) == 1
    assert not unannounced(shift.archive)


def test_a_stop_that_is_planned_late_is_announced_at_once_and_said_to_be_late(shift: Shift) -> None:
    window = shift.plans(3)
    assert list(unannounced(shift.archive)) == [window]
    assert list(gather_facts(shift.archive, SeenFacts()).record.windows_unannounced) == [window]
    (told,) = shift.notifies().given
    assert (told["days_ahead"], told["late"]) == (3, True)
    assert not unannounced(shift.archive)
    (notice,) = given_notices(shift.archive.search)
    assert (notice.window, notice.late, notice.to) == (window, True, TO)


def test_a_stop_that_is_called_off_is_told_to_whom_it_was_announced(shift: Shift) -> None:
    announced, silent = shift.plans(5), shift.plans(40, "ổ đĩa mới")
    shift.notifies()
    for window in (announced, silent):
        cancel_window(shift.archive, window, reason="hoãn", who="minh")
    (told,) = shift.notifies().given
    assert (told["window"], told["about"], told["late"]) == (announced, "cancelled", False)
    assert "đã được hủy" in shift.letters.taken[-1][1].get_content()
    assert not shift.notifies().given


def test_of_a_stop_that_has_begun_nothing_is_told(shift: Shift) -> None:
    shift.plans(0.02)
    shift.passes(0.05)
    assert not shift.notifies().given


def test_an_address_that_is_refused_is_told_until_people_know_otherwise(shift: Shift) -> None:
    window = shift.plans(5)
    shift.letters.unknown.add(TO[1])
    report = shift.notifies()
    assert report.exit_code == 3
    assert "550" in str(report.given[0]["refused"])
    assert list(unannounced(shift.archive)) == [window], "somebody was not told"
    assert not shift.notifies(window, "gọi điện cho phòng CNTT").exit_code
    assert not unannounced(shift.archive)


def test_asked_for_again_a_notice_goes_to_those_alone_who_were_not_told(shift: Shift) -> None:
    window = shift.plans(5)
    shift.letters.unknown.add(TO[1])
    shift.notifies()
    assert shift.notifies(window).exit_code == 3, "it is refused again"
    shift.letters.unknown.clear()
    (told,) = shift.notifies(window).given
    assert (told["to"], told["refused"]) == ([TO[1]], {})
    assert [to for to, _ in shift.letters.taken] == [TO[:1], TO[1:]]
    assert not unannounced(shift.archive)
    with pytest.raises(Conflict):
        shift.notifies(window)


@pytest.mark.parametrize("instead", [["cntt@bhxh.example.vn"], []])
def test_where_other_addresses_are_set_than_the_refused_one_those_are_told(
    shift: Shift, instead: list[str]
) -> None:
    window = shift.plans(5)
    shift.letters.unknown.add(TO[1])
    shift.notifies()
    shift.sets([TO[0], *instead])
    (told,) = shift.notifies(window).given
    assert (told["to"], told["refused"]) == (instead, {})
    assert [to for to, _ in shift.letters.taken] == [(TO[0],), *[(one,) for one in instead]]
    assert not unannounced(shift.archive)


def test_a_server_that_takes_nothing_leaves_the_notice_owed(shift: Shift) -> None:
    shift.plans(5)
    shift.letters.unknown.update(TO)
    assert shift.notifies().exit_code == 3
    assert not given_notices(shift.archive.search)
    shift.letters.unknown.clear()
    assert shift.notifies().given


def test_who_tells_people_by_hand_says_how_and_of_which_stop(shift: Shift) -> None:
    window = shift.plans(5)
    with pytest.raises(InvalidInput, match="which window"):
        shift.notifies(by_hand="công văn 12/CV")
    (told,) = shift.notifies(window, "công văn 12/CV").given
    assert (told["how"], told["to"]) == ("công văn 12/CV", [])
    assert not shift.letters.taken
    with pytest.raises(Conflict):
        shift.notifies(window)
    with pytest.raises(NotFound):
        shift.notifies("nothing")


def test_the_report_on_operation_says_which_stops_were_announced_in_time(shift: Shift) -> None:
    early = shift.plans(15)  # 7 December
    shift.passes(4.5)
    shift.notifies()
    late = shift.plans(12)
    shift.passes(6)
    shift.notifies()
    shift.passes(30)
    report = make_report(shift.archive, ReportRequest("operation", "2026-12")).report
    (table,) = [one for one in report["tables"] if one["name"] == "windows"]
    window, in_time = (table["columns"].index(name) for name in ("window", "in_time"))
    rows = {row[window]: row[in_time] for row in table["rows"]}
    assert rows == {early: "yes", late: "no"}
    assert (report["figures"]["windows"], report["figures"]["windows_in_time"]) == (2, 1)
    cited = next(one["en"] for one in report["law"] if one["name"] == "maintenance-notice")
    assert "no longer in force since 2017-03-01" in cited


def test_without_a_server_or_an_address_the_stop_is_not_announced_in_silence(tmp_path: Path) -> None:
    with memory_home(tmp_path / "home") as home:
        archive = home.archive()
        start = datetime(2026, 11, 25, tzinfo=UTC)
        announce_window(archive, start, start + timedelta(hours=1), reason="disks", who="minh")
        with pytest.raises(SettingsError, match="no address is set"):
            give_notices(archive, NoticeRequest())


def test_a_password_is_sent_to_a_server_that_asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    with mail_server(with_login=True) as letters:
        told = {"host": "127.0.0.1", "port": letters.port, "security": "none", "announce_to": TO}
        settings = MailSettings(**told, user=USER, password_file="password")
        assert not SmtpMail(tmp_path, settings).send(a_message(), TO)
        (tmp_path / "password").write_text("wrong")
        with pytest.raises(SettingsError, match="as it is set"):
            SmtpMail(tmp_path, settings).send(a_message(), TO)
        assert len(letters.taken) == 1


def test_a_server_that_is_away_is_asked_again_later(tmp_path: Path) -> None:
    settings = MailSettings(host="127.0.0.1", port=free_port(), security="none")
    with pytest.raises(Busy, match="did not take the notice"):
        SmtpMail(tmp_path, settings).send(a_message(), TO)


def test_a_server_without_protection_is_refused_where_protection_is_asked_for(
    tmp_path: Path, letters: Letters
) -> None:
    settings = MailSettings(host="127.0.0.1", port=letters.port, security="starttls")
    with pytest.raises(SettingsError, match="as it is set"):
        SmtpMail(tmp_path, settings).send(a_message(), TO)
    with pytest.raises(SettingsError, match="on this host only"):
        SmtpMail(tmp_path, MailSettings(host="mail.example.vn", security="none"))


def test_a_password_that_others_can_read_or_no_server_takes_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o644)
    settings = MailSettings(host="127.0.0.1", user=USER, password_file="password")
    with pytest.raises(SettingsError, match="read by others"):
        SmtpMail(tmp_path, settings)
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "password").write_text("mật khẩu")
    with pytest.raises(SettingsError, match="must be ASCII"):
        SmtpMail(tmp_path, settings)
    with pytest.raises(SettingsError, match="cannot be read"):
        SmtpMail(tmp_path / "elsewhere", settings)


@pytest.mark.parametrize(
    "address", ["Lan <lan@example.vn>", "a@b.vn\nBcc: c@d.vn", "a@b.vn,c@d.vn", "lan", ""]
)
def test_only_plain_addresses_are_taken(address: str) -> None:
    with pytest.raises(ValueError, match="without names"):
        MailSettings(announce_to=(address,))


def a_message() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "thử"
    message.set_content("thử")
    return message
