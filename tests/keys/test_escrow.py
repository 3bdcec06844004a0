"""Escrow: any k shares give the keys back, fewer give nothing, and every mistake at a ceremony is named."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import orjson
import pytest
import shamir_mnemonic
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clocks import ManualClock
from tests.support.command import json_of, lines_of, run_cli
from tests.support.entropy import SeededEntropy

from vanvault.archiver.core.errors import Conflict, Damaged, InvalidInput, KeyUnavailable
from vanvault.archiver.core.key_port import NEEDED, PURPOSES
from vanvault.archiver.keys import KeyFiles, SigningKeys
from vanvault.archiver.keys.escrow import (
    compare,
    open_with,
    read_key_files,
    read_share,
    restore_key_files,
    to_restore,
    write_escrow,
)
from vanvault.archiver.keys.escrow.bundle import key_ids, seal, set_of, unseal
from vanvault.archiver.keys.escrow.escrow import Escrow, split
from vanvault.archiver.keys.escrow.files import BUNDLE
from vanvault.archiver.keys.escrow.share import KeyShare, compact, page, parse, split_key

ARCHIVE = "0b6a1f8e-52b1-4d59-9d8f-000000000001"
LABELS = ["archive", "set", "share", "needed", "made", *(f"{number:02d}" for number in range(1, 12))]


def made(folder: Path) -> Path:
    """A key folder with several versions of everything."""
    entropy = SeededEntropy(1)
    masters = KeyFiles.create(folder, entropy)
    for purpose in PURPOSES:
        masters.rotate(purpose)
    SigningKeys.create(folder, entropy).rotate(entropy)
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("escrow") / "keys")


@pytest.fixture(scope="session")
def files(folder: Path) -> dict[str, bytes]:
    return read_key_files(folder)


def escrow_of(files: dict[str, bytes], threshold: int = 3, shares: int = 5, seed: int = 2) -> Escrow:
    return split(
        files, archive=ARCHIVE, threshold=threshold, shares=shares,
        clock=ManualClock(), entropy=SeededEntropy(seed),
    )  # fmt: skip


@pytest.fixture(scope="session")
def escrow(files: dict[str, bytes]) -> Escrow:
    return escrow_of(files)


def test_every_file_that_keys_are_made_of_goes_into_escrow(folder: Path, files: dict[str, bytes]) -> None:
    assert files == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(files) == 2 * len(PURPOSES) + 5


@settings(max_examples=15)
@given(numbers=st.tuples(st.integers(2, 6), st.integers(2, 6)).map(sorted), data=st.data())
def test_any_k_of_n_shares_open_and_fewer_do_not(
    files: dict[str, bytes], numbers: list[int], data: st.DataObject
) -> None:
    threshold, shares = numbers
    escrow = escrow_of(files, threshold, shares)
    order = data.draw(st.permutations(escrow.shares))
    opened = open_with(escrow.bundle, order[:threshold])
    assert opened.files == files
    assert opened.key_ids == escrow.key_ids
    with pytest.raises(InvalidInput, match=f"{threshold} are needed, and {threshold - 1} given"):
        open_with(escrow.bundle, order[: threshold - 1])


def test_every_combination_is_tried_and_gives_all_keys(escrow: Escrow, files: dict[str, bytes]) -> None:
    for chosen in combinations(escrow.shares, 3):
        assert open_with(escrow.bundle, chosen).files == files
    opened = open_with(escrow.bundle, escrow.shares, every=True)
    assert (opened.tried, opened.possible, opened.given) == (10, 10, (1, 2, 3, 4, 5))


def false_share(escrow: Escrow, number: int) -> KeyShare:
    """A share that names the same set, and is well written, but is of another key."""
    return split_key(bytes(32), escrow.of)[number - 1]


def test_a_false_share_is_found(escrow: Escrow) -> None:
    given = [escrow.shares[0], escrow.shares[1], false_share(escrow, 3)]
    with pytest.raises(InvalidInput, match=r"Shares 1, 2, 3 .* one of them is false"):
        open_with(escrow.bundle, given)
    given = [*escrow.shares[:4], false_share(escrow, 5)]
    assert open_with(escrow.bundle, given).tried == 1
    with pytest.raises(InvalidInput, match=r"Shares 1, 2, 5 .* one of them is false"):
        open_with(escrow.bundle, given, every=True)


@pytest.mark.parametrize("number", range(9, 17))
def test_with_too_many_combinations_neighbours_still_find_a_false_share(
    files: dict[str, bytes], number: int
) -> None:
    escrow = escrow_of(files, 8, 16)
    opened = open_with(escrow.bundle, escrow.shares, every=True)
    assert (opened.tried, opened.possible) == (9, 12_870)
    given = list(escrow.shares)
    given[number - 1] = false_share(escrow, number)
    with pytest.raises(InvalidInput, match="one of them is false"):
        open_with(escrow.bundle, given, every=True)


def test_other_tools_of_the_standard_open_the_shares(escrow: Escrow, files: dict[str, bytes]) -> None:
    words = [" ".join(share.words) for share in escrow.shares[1:4]]
    assert unseal(escrow.bundle, shamir_mnemonic.combine_mnemonics(words)) == files


@pytest.mark.parametrize(("threshold", "shares"), [(1, 1), (1, 5), (4, 3), (2, 17), (0, 3)])
def test_numbers_that_make_no_escrow_are_refused(
    files: dict[str, bytes], threshold: int, shares: int
) -> None:
    with pytest.raises(InvalidInput, match="cannot be made"):
        escrow_of(files, threshold, shares)


@settings(max_examples=60)
@given(data=st.data())
def test_a_bundle_with_any_byte_changed_does_not_open(escrow: Escrow, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(escrow.bundle) - 1))
    changed = bytearray(escrow.bundle)
    changed[at] ^= data.draw(st.integers(1, 255))
    # What the header says of the set is compared with the shares before anything is opened.
    with pytest.raises((Damaged, InvalidInput)):
        open_with(bytes(changed), escrow.shares)


@pytest.mark.parametrize("size", [0, 5, 13, 60, 400, -1])
def test_a_part_of_a_bundle_is_no_bundle(escrow: Escrow, size: int) -> None:
    with pytest.raises(Damaged):
        open_with(escrow.bundle[:size], escrow.shares)


def test_what_does_not_belong_together_is_told_apart(escrow: Escrow, files: dict[str, bytes]) -> None:
    other = escrow_of(files, seed=3)
    with pytest.raises(InvalidInput, match=f"different sets .*{escrow.of.set_id}: 1, 2"):
        open_with(escrow.bundle, [*escrow.shares[:2], other.shares[2]])
    with pytest.raises(InvalidInput, match=f"bundle is of set {other.of.set_id}"):
        open_with(other.bundle, escrow.shares)
    with pytest.raises(InvalidInput, match="twice"):
        open_with(escrow.bundle, [*escrow.shares[:2], escrow.shares[1]])


@pytest.mark.parametrize("form", [page, compact])
def test_what_is_printed_is_read_again(escrow: Escrow, form: Callable[[KeyShare], str]) -> None:
    for share in escrow.shares:
        text = form(share)
        assert parse(text, "f") == share
        assert parse("\ufeff" + text.upper().replace("\n", "\r\n"), "f") == share
        assert max(map(len, text.splitlines())) <= 80
    assert set_of(escrow.bundle) == escrow.shares[0].of


@settings(max_examples=80)
@given(data=st.data())
def test_a_typing_error_is_found_on_its_line(escrow: Escrow, data: st.DataObject) -> None:
    share = data.draw(st.sampled_from(escrow.shares))
    lines = compact(share).splitlines()
    place = data.draw(st.integers(0, len(lines) - 1))
    label, *values, check = lines[place].split()
    index = data.draw(st.integers(0, len(values) - 1))
    at = data.draw(st.integers(0, len(values[index]) - 1))
    letter = data.draw(
        st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789").filter(
            lambda one: one != values[index][at].lower()
        )
    )
    values[index] = values[index][:at] + letter + values[index][at + 1 :]
    lines[place] = " ".join([label, *values, check])
    with pytest.raises(InvalidInput, match=f"paper.txt is mistyped on the line {label.lower()}") as caught:
        parse("\n".join(lines), "paper.txt")
    assert values[index] not in caught.value.message or len(values[index]) < 3


def test_a_word_that_is_none_is_counted_and_not_repeated(escrow: Escrow) -> None:
    share = escrow.shares[0]
    text = compact(share).replace(f"03 {share.words[6]} ", "03 zzqqzz ")
    with pytest.raises(InvalidInput, match=r"on the line 03 \(word 1\)") as caught:
        parse(text, "f")
    assert "zzqqzz" not in caught.value.message


def test_words_in_another_order_and_lines_of_another_share_are_found(escrow: Escrow) -> None:
    first, second = (compact(share).splitlines() for share in escrow.shares[:2])
    label, one, two, three, check = first[9].split()
    swapped = [*first[:9], " ".join([label, two, one, three, check]), *first[10:]]
    mixed = [*first[:9], second[9], *first[10:]]
    for lines in (swapped, mixed):
        with pytest.raises(InvalidInput, match="mistyped on the line 05"):
            parse("\n".join(lines), "f")


@pytest.mark.parametrize("label", LABELS)
def test_a_line_left_out_or_written_twice_is_named(escrow: Escrow, label: str) -> None:
    lines = compact(escrow.shares[0]).splitlines()
    place = LABELS.index(label)
    with pytest.raises(InvalidInput, match=f"lacks the line {label}"):
        parse("\n".join(lines[:place] + lines[place + 1 :]), "f")
    with pytest.raises(InvalidInput, match=f"line {label} twice"):
        parse("\n".join([*lines, lines[place]]), "f")


@settings(max_examples=60)
@given(text=st.text(max_size=200))
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text, "f")


@pytest.mark.parametrize("name", ["originals-1.key", "signing-2.pem"])
def test_keys_that_are_not_right_are_not_put_in_escrow(files: dict[str, bytes], name: str) -> None:
    other = "log-1.key" if name.endswith(".key") else "signing-1.pem"
    with pytest.raises(KeyUnavailable):
        escrow_of({**files, name: files[other]})
    with pytest.raises(KeyUnavailable):
        escrow_of({**files, name: files[name][:40]})


@pytest.mark.parametrize("lacking", [*NEEDED, "signing"])
def test_keys_that_open_no_archive_are_not_put_in_escrow(files: dict[str, bytes], lacking: str) -> None:
    some = {name: data for name, data in files.items() if not name.startswith(lacking)}
    with pytest.raises(KeyUnavailable, match=f"no key for {lacking}"):
        key_ids(some)


def test_a_bundle_from_before_credentials_opens_and_says_what_it_is_without(
    escrow: Escrow, files: dict[str, bytes], tmp_path: Path
) -> None:
    before = {name: data for name, data in files.items() if not name.startswith("credentials")}
    old = escrow_of(before)
    opened = open_with(old.bundle, old.shares)
    assert opened.without == ("credentials",)
    assert open_with(escrow.bundle, escrow.shares).without == ()
    target = tmp_path / "keys"
    restore_key_files(target, opened.files, to_restore(opened, {}, ARCHIVE), SeededEntropy(6))
    assert KeyFiles(target, SeededEntropy(6)).versions("credentials") == []


@pytest.mark.parametrize("field", ["check", "key"])
def test_a_master_that_does_not_fit_its_check_value_is_not_put_in_escrow(
    files: dict[str, bytes], field: str
) -> None:
    fields = orjson.loads(files["log-1.key"])
    fields[field] = orjson.loads(files["log-2.key"])[field]
    with pytest.raises(KeyUnavailable, match="check value"):
        key_ids({**files, "log-1.key": orjson.dumps(fields)})


def test_a_private_key_beside_another_public_one_is_not_put_in_escrow(files: dict[str, bytes]) -> None:
    with pytest.raises(KeyUnavailable, match="not one pair"):
        key_ids({**files, "signing-1.pub.pem": files["signing-2.pub.pem"]})


@pytest.mark.parametrize("name", ["../evil", "notes.txt", "log-1.key.sh"])
def test_a_bundle_that_holds_another_file_gives_nothing(
    escrow: Escrow, files: dict[str, bytes], name: str
) -> None:
    """Whoever made it knew the key: what it would write is looked at before it is written."""
    bundle = seal({**files, name: b"x"}, escrow.of, bytes(32), bytes(12))
    with pytest.raises(Damaged, match="no key file"):
        unseal(bundle, bytes(32))


def test_a_share_that_says_another_number_than_its_words_is_refused(escrow: Escrow) -> None:
    """Its checks were computed for what it says: only the words tell."""
    one, two = escrow.shares[:2]
    other_set = replace(escrow.of, set_id=f"{int(escrow.of.set_id[:4], 16) ^ 1:04x}{escrow.of.set_id[4:]}")
    for wrong in (
        replace(one, words=two.words),
        replace(one, of=replace(escrow.of, threshold=2)),
        replace(one, of=other_set),
    ):
        with pytest.raises(InvalidInput, match=r"do not make a share|can read"):
            parse(compact(wrong), "share")
    assert parse(compact(one), "share") == one


def test_the_public_key_of_a_destroyed_private_one_is_kept(files: dict[str, bytes]) -> None:
    some = {name: data for name, data in files.items() if name != "signing-1.pem"}
    escrow = escrow_of(some)
    assert open_with(escrow.bundle, escrow.shares).files == some


def test_files_of_an_escrow_are_private_and_whole(escrow: Escrow, tmp_path: Path) -> None:
    write_escrow(tmp_path, escrow)
    names = {BUNDLE, *(f"share-{n}-of-5.{kind}" for n in range(1, 6) for kind in ("txt", "svg"))}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert [read_share(tmp_path / f"share-{n}-of-5.txt") for n in range(1, 6)] == list(escrow.shares)
    assert (tmp_path / BUNDLE).read_bytes() == escrow.bundle
    assert not any(data in escrow.bundle for data in open_with(escrow.bundle, escrow.shares).files.values())


def test_restored_files_are_the_same_and_newest_come_first(
    escrow: Escrow, files: dict[str, bytes], folder: Path, tmp_path: Path
) -> None:
    opened = open_with(escrow.bundle, escrow.shares[2:])
    order = to_restore(opened, {}, ARCHIVE)
    assert sorted(order) == sorted(files)
    assert all("-2." in name for name in order[: len(PURPOSES) + 2])
    assert order.index("signing-2.pem") < order.index("signing-2.pub.pem")
    target = tmp_path / "keys"
    restore_key_files(target, opened.files, order, SeededEntropy(5))
    assert read_key_files(target) == files
    modes = {path.name: path.stat().st_mode for path in folder.iterdir()}
    assert {path.name: path.stat().st_mode for path in target.iterdir()} == modes
    assert target.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("done", range(13))
def test_a_restore_that_died_goes_on_and_never_makes_an_old_key_active(
    escrow: Escrow, files: dict[str, bytes], tmp_path: Path, done: int
) -> None:
    opened = open_with(escrow.bundle, escrow.shares)
    target = tmp_path / "keys"
    target.mkdir(mode=0o700)
    for name in to_restore(opened, {}, ARCHIVE)[:done]:
        (target / name).write_bytes(files[name])
        (target / name).chmod(0o600)
    held = read_key_files(target)
    masters = KeyFiles(target, SeededEntropy(6))
    assert {masters.versions(purpose)[-1:] == [1] for purpose in PURPOSES} == {False}
    restore_key_files(target, opened.files, to_restore(opened, held, ARCHIVE), SeededEntropy(6))
    assert read_key_files(target) == files


def test_a_key_that_is_there_is_never_replaced(escrow: Escrow, files: dict[str, bytes]) -> None:
    opened = open_with(escrow.bundle, escrow.shares)
    with pytest.raises(Conflict, match=r"log-2\.key; nothing was written"):
        to_restore(opened, {**files, "log-2.key": b"other"}, ARCHIVE)
    with pytest.raises(InvalidInput, match="another archive"):
        to_restore(opened, {}, "other-archive")
    newer = {**files, "log-3.key": b"new"}
    assert to_restore(opened, newer, ARCHIVE) == []
    assert compare(opened.files, newer).not_in_bundle == ("log-3.key",)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a message-free archive and its escrow beside it, in ``out``."""
    json_of(run_cli(tmp_path / "home", "init", "--json"))
    return tmp_path / "home"


def given_shares(out: Path, *numbers: int, of: int = 5) -> list[object]:
    shares = [part for number in numbers for part in ("--share", out / f"share-{number}-of-{of}.txt")]
    return ["--bundle", out / BUNDLE, *shares]


def test_the_life_of_an_escrow(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run_cli(
        home, "keys", "escrow", "split", "--threshold", 3, "--shares", 5, "--output", out, "--json"
    )
    told = json_of(result)
    assert (told["threshold"], told["shares"], len(told["keys"])) == (3, 5, 5)

    proved = json_of(run_cli(home, "keys", "escrow", "verify", *given_shares(out, 1, 2, 3, 4, 5), "--json"))
    assert (proved["tried"], proved["possible"], proved["compared"]) == (10, 10, True)

    kept = tmp_path / "lost"
    (home / "keys").rename(kept)
    assert run_cli(home, "verify").exit_code == 6
    assert run_cli(home, "keys", "escrow", "verify", *given_shares(out, 5, 2, 4)).exit_code == 6
    assert (
        json_of(
            run_cli(home, "keys", "escrow", "verify", "--offline", *given_shares(out, 5, 2, 4), "--json")
        )["keys"]
        == told["keys"]
    )
    assert not (home / "keys").exists()

    result = run_cli(home, "keys", "escrow", "restore", *given_shares(out, 5, 2, 4), "--json")
    assert len(json_of(result)["restored"]) == 6
    assert read_key_files(home / "keys") == read_key_files(kept)
    assert lines_of(run_cli(home, "verify", "--json"))[-1]["whole"]
    again = run_cli(home, "keys", "escrow", "restore", *given_shares(out, 1, 2, 3), "--json")
    assert json_of(again)["restored"] == []

    for type, field in (
        ("vanvault.keys.escrowed", '"shares":5'),
        ("vanvault.keys.restored", '"by_shares":[2,4,5]'),
    ):
        items = json_of(run_cli(home, "search", "--type", type, "--json"))["items"]
        assert any(field in item["detail"] and told["set"] in item["detail"] for item in items)


def test_mistakes_at_a_ceremony_have_their_exit_codes(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_cli(home, "keys", "escrow", "split", "--threshold", 8, "--shares", 16, "--output", out)
    ceremony = ("keys", "escrow", "verify", *given_shares(out, *range(1, 17), of=16))
    assert "9 of 12870 combinations of 8" in run_cli(home, *ceremony).stdout
    assert "8 are needed" in run_cli(home, *ceremony[:-18]).stderr

    bundle, paper = (out / BUNDLE).read_bytes(), (out / "share-3-of-16.txt").read_text()
    (out / "share-3-of-16.txt").write_text(paper.replace("Needed   8", "Needed   9"))
    result = run_cli(home, *ceremony, "--json")
    assert result.exit_code == 2
    assert lines_of(result)[-1]["error"]["field"] == "share"
    assert "share-3-of-16.txt is mistyped on the line needed" in result.stderr
    (out / "share-3-of-16.txt").write_text(paper)

    for changed in (bundle[:-1], bundle.replace(b'"shares":16', b'"shares":15'), b"", b"no bundle"):
        (out / BUNDLE).write_bytes(changed)
        assert run_cli(home, *ceremony).exit_code == 3
    (out / BUNDLE).write_bytes(bundle)

    before = read_key_files(home / "keys")
    key = home / "keys" / "log-1.key"
    key.write_bytes(before["index-1.key"])
    assert run_cli(home, *ceremony).exit_code == 3
    assert run_cli(home, "keys", "escrow", "restore", *ceremony[3:]).exit_code == 5
    assert key.read_bytes() == before["index-1.key"]


def test_nothing_secret_is_printed(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = run_cli(home, "keys", "escrow", "split", "--threshold", 2, "--shares", 2, "--output", out)
    assert shown.exit_code == 0
    said = shown.output
    said += run_cli(home, "keys", "escrow", "verify", *given_shares(out, 1, 2, of=2)).output
    shutil.rmtree(home / "keys")
    said += run_cli(home, "keys", "escrow", "restore", *given_shares(out, 1, 2, of=2)).output
    said = " ".join(said.split())
    for number in (1, 2):
        words = read_share(out / f"share-{number}-of-2.txt").words
        assert not [pair for pair in pairwise(words) if " ".join(pair) in said]
    for secret in re.findall(r'"key": "(.+)"', (home / "keys" / "log-1.key").read_text()):
        assert secret not in said


def test_an_escrow_older_than_a_rotation_does_not_pass(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_cli(home, "keys", "escrow", "split", "--threshold", 2, "--shares", 3, "--output", out)
    assert run_cli(home, "keys", "escrow", "verify", *given_shares(out, 1, 3, of=3)).exit_code == 0
    json_of(run_cli(home, "keys", "rotate", "log", "--json"))
    result = run_cli(home, "keys", "escrow", "verify", *given_shares(out, 1, 3, of=3))
    assert result.exit_code == 3
    assert "lacks log-2.key" in result.stderr


def test_a_split_refuses_a_folder_that_is_not_empty(home: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text("mine")
    result = run_cli(
        home, "keys", "escrow", "split", "--threshold", 2, "--shares", 3, "--output", tmp_path / "out"
    )
    assert result.exit_code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_a_restore_refuses_the_keys_of_another_archive(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_cli(home, "keys", "escrow", "split", "--threshold", 2, "--shares", 3, "--output", out)
    json_of(run_cli(tmp_path / "second", "init", "--json"))
    before = read_key_files(tmp_path / "second" / "keys")
    result = run_cli(tmp_path / "second", "keys", "escrow", "restore", *given_shares(out, 1, 2, of=3))
    assert result.exit_code == 2
    assert "another archive" in result.stderr
    assert read_key_files(tmp_path / "second" / "keys") == before
