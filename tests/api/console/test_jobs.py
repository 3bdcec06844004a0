"""The list of jobs: all that ended, failures included, and nothing is told to be a success that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.api.console.conftest import Browser, ConsolePlace, token_in
from tests.api.console.test_search import looks_of
from tests.support.command import run_cli
from tests.support.waiting import wait_for
from vanvault.api.console.jobs_route import MOST_POLLS
from vanvault.api.console.terms import term
from vanvault.api.console.views.job import FIGURES, job_view
from vanvault.archiver.appliance import Archive
from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.ports import SystemClock
from vanvault.archiver.journal import EventType, OwnEvent, own_events
from vanvault.recovery.job_record import JOB_KINDS, OneJob, recorded_job
from vanvault.recovery.running import RunningVerb, watched
from vanvault.recovery.schedule import JobWish
from vanvault.recovery.work import QUIET, Extent


def event(type: str, detail: Any, *, second: int = 0, id: str = "e-1") -> OwnEvent:
    """An own event, ``second`` seconds after midnight."""
    at = f"2026-11-30T00:{second // 60:02}:{second % 60:02}Z"
    text = detail if isinstance(detail, str) else orjson.dumps(detail).decode()
    return OwnEvent(id, type, at, at, text)


_NAMES = [f"job:{kind.type}" for kind in JOB_KINDS] + [f"told:{one}" for one in FIGURES]


@pytest.mark.parametrize("name", _NAMES)
def test_every_kind_of_job_and_figure_has_a_term(name: str) -> None:
    assert len({term(name, "vi"), term(name, "en"), name}) == 3


def view_of(type: str, detail: Any) -> Any:
    found = event(type, detail)
    told = {} if isinstance(detail, str) else detail
    return job_view(OneJob(recorded_job(found), told), opens=False)


def test_figures_are_told_where_they_are_what_they_should_be_and_the_rest_below() -> None:
    told = {"objects": 7, "bytes": True, "site": "standby", "failures": -1, "who": "lan", "note": {"a": 1}}
    view = view_of("site.restored", told)
    assert [(one.name, one.value) for one in view.figures] == [("site", "standby"), ("objects", 7)]
    assert view.rest == (("bytes", "true"), ("failures", "-1"), ("note", '{"a":1}'))


def test_what_was_found_at_each_site_is_told_and_long_lists_are_cut_with_their_number() -> None:
    damaged = [f"{n:064x}" for n in range(25)]
    told = {
        "whole": False,
        "findings": {"damaged": 25},
        "sites": {"primary": {"objects": 3, "bytes": 9, "damaged": damaged, "aside": 1}, "standby": "?"},
    }
    view = view_of("verify.finished", told)
    (site,) = view.sites
    assert (site.objects, len(site.damaged), site.more_damaged, site.aside) == (3, 20, 5, 1)
    assert view.findings == (("damaged", 25),)
    assert view_of("verify.finished", "[]").findings is None


def test_an_export_is_told_only_to_who_may_see_looks(place: ConsolePlace, tmp_path: Path) -> None:
    given = ("--format", "csv", "--reason", "test", "--kind", "no-such", "--json")
    made = run_cli(place.home, "export", "--output", tmp_path / "x", *given)
    assert made.exit_code == 0, made.output
    export = orjson.loads(made.stdout)["export"]
    page = place.of("hoa").get("/console/jobs").text
    assert export not in page and "Exports and extractions are shown to these roles" in page
    seen = place.of("tam").get("/console/jobs").text
    assert export in seen and "shown to these roles" not in seen
    told = place.of("tam").get("/v1/jobs").json()["jobs"]
    (job,) = [one for one in told if one["about"] == export]
    assert export in place.of("tam").get(f"/console/jobs/{job['id']}").text
    assert place.of("hoa").get(f"/console/jobs/{job['id']}").status_code == 403


def test_a_verification_has_a_page_and_the_look_is_on_record(place: ConsolePlace) -> None:
    assert run_cli(place.home, "verify").exit_code == 0
    page = place.of("hoa", "vi").get("/console/jobs")
    assert page.status_code == 200
    assert "Kiểm tra toàn vẹn, phần <bdi>1/1</bdi>" in page.text and "thành công" in page.text
    assert {"of": "jobs"} in [one["asked"] for one in looks_of(place, "hoa", "results")]
    job = next(one for one in place.of("vinh").get("/v1/jobs").json()["jobs"] if one["about"] == "1/1")
    assert f'href="/console/jobs/{job["id"]}"' in page.text
    whole = place.of("vinh").get(f"/console/jobs/{job['id']}").text
    assert "Nothing is wrong in what was read." in whole and "What was read back at each site" in whole
    assert f'href="/console/messages/{job["id"]}"' not in whole
    assert f'href="/console/messages/{job["id"]}"' in place.of("hoa").get(f"/console/jobs/{job['id']}").text
    assert {"of": "jobs", "job_id": job["id"]} in [one["asked"] for one in looks_of(place, "vinh", "results")]
    assert place.of("hoa").get("/console/jobs?before=1").text.count("No job is on record") == 1
    assert place.of("hoa").get("/console/jobs?after=1").status_code == 400
    assert place.of("hoa").get("/console/jobs/1m8pcmve2h7yn7kr-3-0").status_code == 404
    assert place.of("minh").get("/console/jobs").status_code == 403
    assert place.of("minh").get(f"/console/jobs/{job['id']}").status_code == 403


def test_a_drill_is_on_the_page_as_in_its_pdf_and_its_files_are_those_that_were_signed(
    place: ConsolePlace,
) -> None:
    made = run_cli(place.home, "drill", "run", "index-lost", "--json")
    drill = orjson.loads(made.stdout)["id"]
    operator = place.of("vinh", "vi")
    job = next(one for one in operator.get("/v1/jobs").json()["jobs"] if one["about"] == "index-lost")
    page = operator.get(f"/console/jobs/{job['id']}").text
    report = operator.get(f"/v1/drills/{drill}").json()["report"]
    said = "ĐẠT" if report["passed"] else "KHÔNG ĐẠT"
    assert f"index-lost (mất chỉ mục tìm kiếm): {said}" in page
    assert report["signing_key"] in page and "Số thông điệp bị mất (RPO)" in page
    for name in ("report.json", "report.vi.pdf", "report.en.html"):
        file = operator.get(f"/v1/drills/{drill}/files/{name}")
        assert file.content == (place.home / "drills" / drill / name).read_bytes()
        assert file.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in file.headers["content-security-policy"]
    assert operator.get(f"/v1/drills/{drill}/files/report.doc").status_code == 404
    assert place.of("minh").get(f"/v1/drills/{drill}/files/report.json").status_code == 403
    asked = {"of": "drills", "drill_id": drill}
    assert asked in [one["asked"] for one in looks_of(place, "vinh", "results")]


def test_what_runs_now_is_shown_with_its_progress_and_what_is_not_known_is_said(place: ConsolePlace) -> None:
    operator = place.of("vinh")
    assert "No job is known to run." in operator.get("/console/jobs").text
    verb = RunningVerb("restore", "from <b>primary</b>", "lan")
    with watched(QUIET, place.home, verb, clock=SystemClock(), id="t1") as observer:
        page = operator.get("/console/jobs/running")
        assert page.status_code == 200 and "how much there is to do is not known" in page.text
        assert "from &lt;b&gt;primary&lt;/b&gt;" in page.text and "End of the 8 hours" in page.text
        with observer.progress("restoring standby", Extent(8, 0)) as step:
            step(2)
            observer.phase("restore the second site")
            told = operator.get("/v1/jobs/running").json()
            assert [(one["verb"], one["who"]) for one in told["here"]] == [("restore", "lan")]
            assert "khôi phục kho thứ hai" in place.of("vinh", "vi").get("/console/jobs").text
    assert operator.get("/v1/jobs/running").json()["here"] == []
    for path in ("/console/jobs/running", "/v1/jobs/running"):
        assert place.of("minh").get(path).status_code == 403
        assert operator.get(f"{path}?x=1").status_code == 400
    asked = [one["asked"] for one in looks_of(place, "vinh", "results")]
    assert not any("running" in str(one) for one in asked)


def test_a_page_asks_by_itself_for_a_while_and_then_no_more(place: ConsolePlace) -> None:
    operator = place.of("vinh")
    assert "/console/jobs/running?n=1" in operator.get("/console/jobs").text
    assert "/console/jobs/running?n=8" in operator.get("/console/jobs/running?n=7").text
    assert "hx-get" not in operator.get(f"/console/jobs/running?n={MOST_POLLS}").text
    for wrong in ("n=-1", "n=1000", "n=1&n=2", "m=1"):
        assert operator.get(f"/console/jobs/running?{wrong}").status_code == 400


def done(operator: Browser) -> bool:
    ended = any(one["who"] == "thu" for one in operator.get("/v1/jobs").json()["jobs"])
    now = operator.get("/v1/jobs/running").json()
    return ended and not now["here"] and not now["leased"]


def test_an_operator_starts_a_verification_and_two_presses_start_one(place: ConsolePlace) -> None:
    operator, form = place.of("thu"), "/console/jobs/start"
    wish = {"verb": "verify", "subset": "1/1", "token": token_in(operator.get("/console/jobs"), form)}
    first = operator.post(form, wish)
    assert (first.status_code, first.headers["location"]) == (303, "/console/jobs/running"), first.text
    again = operator.ask_json("/v1/jobs", {"verb": "verify", "subset": "2/3"})
    assert again.status_code == 200 and again.json()["already"] and again.json()["subset"] == "1/1"
    wait_for(lambda: done(operator), "the end of the verification")
    (job,) = [one for one in operator.get("/v1/jobs").json()["jobs"] if one["who"] == "thu"]
    assert (job["type"], job["outcome"]) == ("verify.finished", "succeeded")
    with Archive.open(place.home) as archive:
        archive.catch_up()
        (asked,) = own_events(archive.search, EventType.JOB_ASKED)
        assert (asked.detail["who"], asked.detail["verb"], asked.detail["subset"]) == ("thu", "verify", "1/1")
        run = next(own_events(archive.search, "schedule.ran"))
        assert (run.detail["job"], run.detail["result"]) == ("verify", "ok")


@pytest.mark.parametrize(
    "wish",
    [
        {"verb": "restore"},
        {"verb": "drill"},
        {"verb": "drill", "scenario": "keys-lost"},
        {"verb": "drill", "scenario": "index-lost", "subset": "next"},
        {"verb": "verify", "scenario": "index-lost"},
        {"verb": "verify", "subset": "0/3"},
        {"verb": "verify", "subset": "1/100000"},
        {"verb": "verify", "subset": ["1/1"]},
        {"verb": ["verify"]},
        {"verb": "drill", "scenario": ["index-lost"]},
        {"verb": "verify", "workers": "64"},
    ],
)
def test_nothing_else_can_be_asked_for(wish: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        JobWish.parse(wish)


def test_who_may_not_operate_starts_nothing_and_sees_no_form(place: ConsolePlace) -> None:
    for name in ("hoa", "tam"):
        page = place.of(name).get("/console/jobs")
        assert "/console/jobs/start" not in page.text
        assert place.of(name).ask_json("/v1/jobs", {"verb": "verify"}).status_code == 403
    operator = place.of("vinh")
    bad = operator.post("/console/jobs/start", {"verb": "verify", "subset": "1/1", "token": "0" * 32})
    assert bad.status_code == 403
