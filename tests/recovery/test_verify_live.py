"""Verification while a node writes: nothing that is merely on its way is an alarm."""

from __future__ import annotations

import pytest

from tests.support.archives import SITES
from tests.support.lab import LARGE, Lab, event, message, named


def test_what_a_server_writes_meanwhile_is_no_false_alarm(lab: Lab) -> None:
    with lab.open() as archive:
        writer, _ = archive.open_writer()
        for number in range(20):
            writer.commit([message(archive, 7000 + number), event(archive, 7000 + number)])
            if number % 5 == 0:
                assert lab.verify().whole
        writer.close()


@pytest.mark.parametrize("arrives", ["whole", "damaged", "never"])
@pytest.mark.parametrize("kind", ["messages", "events", "framed"])
def test_an_object_on_its_way_gets_a_moment_to_arrive(lab: Lab, kind: str, arrives: str) -> None:
    with lab.open() as archive:
        writer, _ = archive.open_writer()
        writer.commit([message(archive, 6000), message(archive, 6001, body=LARGE, writer=writer)])
        writer.commit([event(archive, 6000)], final=True)
        writer.close()
    key = [key for key in lab.keys(kind=kind) if key.split("/")[1] == lab.writers()[-1]][-1]
    (path,) = lab.files("standby", key)
    data = path.read_bytes()
    path.unlink()

    def pause() -> None:
        if arrives != "never":
            path.write_bytes(data if arrives == "whole" else data[::-1])

    report = lab.verify(pause=pause)
    problem = {
        "whole": set(),
        "damaged": {("damaged", "standby", key)},
        "never": {("missing", "standby", key)},
    }
    assert named(report) == problem[arrives]
    assert (report.messages, report.events) == (32, 16)
    assert report.objects == len(lab.keys())


def test_what_only_the_hot_tail_knows_gets_a_moment_to_arrive(lab: Lab) -> None:
    key = lab.chain(2)[1]
    kept = {path: path.read_bytes() for site in SITES for path in lab.files(site, key)}
    for path in kept:
        path.unlink()

    def pause() -> None:
        for path, data in kept.items():
            path.write_bytes(data)

    report = lab.verify(pause=pause)
    assert report.whole
    assert (report.messages, report.objects) == (30, len(lab.keys()))
