"""The keys of a result in which something was disposed of: of what is left, and the rest is counted."""

from __future__ import annotations

import pytest

from tests.recovery.disposal.conftest import Office
from vanvault.archiver.catalogue import Query
from vanvault.archiver.core.errors import NotFound
from vanvault.recovery.custody import KeyBundlePlan, KeyBundleRequest, open_key_bundle, plan_key_bundle


def planned(office: Office, **filters: str) -> KeyBundlePlan:
    return plan_key_bundle(office.archive, KeyBundleRequest("an audit", Query(filters=filters)))


def test_what_was_disposed_of_is_counted_and_the_keys_open_what_is_left(office: Office) -> None:
    before = planned(office, gateway="gateway-1")
    assert before.disposed == 0
    office.run(office.cooled())
    office.archive.refresh()
    after = planned(office, gateway="gateway-1")
    gone = {id for name in ("t-1", "t-2") for id in office.ids[name]}
    assert set(after.ids) == set(before.ids) - gone
    assert after.disposed == len(gone)
    bundle = open_key_bundle(office.archive, after)
    assert bundle["disposed"] == len(gone)
    assert [one["object"] for one in bundle["opens"]] == [one.object for one in after.objects]


def test_of_nothing_but_what_was_disposed_of_there_is_no_key(office: Office) -> None:
    office.run(office.cooled())
    office.archive.refresh()
    with pytest.raises(NotFound):
        planned(office, transaction_id="t-1")
