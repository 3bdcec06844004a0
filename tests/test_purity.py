"""The shape of the code, checked on its syntax: what does no input and output, where time and chance come
from, how long a module may be. Who may import whom: ``test_rooms.py``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("archiver", "recovery", "api", "cli")

#: What does no input and output, and may therefore not import these modules.
PURE = ("archiver/core/", "archiver/people/accounts/", "archiver/people/sign_on/", "api/console/views/")
#: The adapter of such a room: its port's input and output is here.
ADAPTERS = ("archiver/people/sign_on/oidc/provider_http.py",)
IO_MODULES = {
    "os",
    "io",
    "pathlib",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "urllib",
    "httpx",
    "boto3",
    "requests",
}

#: Where one of them may be imported all the same, and why.
IO_ALLOWED = {
    "archiver/core/caches.py": ("threading", "a lock around memory"),
    "archiver/core/error_table.py": ("sqlite3", "names an error class of it, opens no database"),
    "archiver/people/sign_on/throttle.py": ("threading", "a lock around memory"),
    "archiver/people/sign_on/oidc/identity_provider.py": ("threading", "a lock around memory"),
    "archiver/people/sign_on/oidc/provider_keys.py": ("threading", "a lock around memory"),
    "archiver/people/sign_on/oidc/used_tokens.py": ("threading", "a lock around memory"),
    "archiver/people/sign_on/oidc/urls.py": ("urllib", "takes addresses apart, opens none"),
    "api/console/views/search.py": ("urllib", "writes addresses, opens none"),
    "archiver/core/settings/environment.py": ("os", "which variables are set: they override settings"),
    "archiver/core/machine.py": ("sqlite3", "names an error class of it, opens no database"),
}

#: What reads the clock or makes chance; it belongs behind ``archiver/core/ports.py``.
AMBIENT_CALLS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "os.urandom",
    "os.getrandom",
    "uuid.uuid1",
    "uuid.uuid4",
}
AMBIENT_MODULES = {"random", "secrets"}
#: A generator that is seeded repeats itself, so it is no ambient chance.
SEEDED = "random.Random"
#: Where they may be all the same, and why.
AMBIENT_ALLOWED = {
    "archiver/core/ports.py": "the port itself",
    "archiver/export/verify_offline.py": "the date of a report at a court's, where nothing passes a clock in",
    "archiver/stores/files/root.py": "names of temporary folders, which no test needs to know",
    "archiver/stores/patience.py": "the jitter between retries, which tests pass in",
    "api/observe.py": "ids of requests in the log",
    "cli/client.py": "the jitter between retries, which tests pass in",
    "cli/files.py": "names of temporary files",
}

#: A file is as long as its idea; what grows beyond this is seldom one.
MAX_LINES = 700


def modules() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, wherever the statement stands, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: a relative import"
            yield str(node.module), node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def calls_of(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names that a file uses, such as ``time.time``, with their line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}", node.lineno


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if name_of(path).startswith(PURE) and name_of(path) not in ADAPTERS],
    ids=name_of,
)
def test_the_pure_rooms_do_no_input_and_output(path: Path) -> None:
    found = {module.split(".")[0] for module, _ in imports_of(path)} & IO_MODULES
    allowed, _ = IO_ALLOWED.get(name_of(path), ("", ""))
    assert found <= {allowed}


def ambient_in(path: Path) -> list[str]:
    """Where a file reaches for time or chance by itself."""
    imported = list(imports_of(path))
    seeded = SEEDED in {module for module, _ in imported}
    found = [(call, line) for call, line in calls_of(path) if call in AMBIENT_CALLS]
    found += [
        (module, line)
        for module, line in imported
        if module in AMBIENT_MODULES and not (module == "random" and seeded)
    ]
    return [f"{name_of(path)}:{line}: {what}" for what, line in found]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_time_and_chance_come_in_through_ports(path: Path) -> None:
    found = ambient_in(path)
    if name_of(path) in AMBIENT_ALLOWED:
        assert found, f"{name_of(path)} needs no exception any more"
    else:
        assert not found


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MAX_LINES


#: Names with an underscore that are public all the same, by their library's documents.
PUBLIC_WITH_UNDERSCORE = {
    "_asdict": "typing.NamedTuple",
    "_exit": "os",
    "_Element": "lxml.etree: the only name of that type",
}
BY_TEXT = {"setattr", "getattr", "delattr", "hasattr", "attrgetter"}


def of_tests() -> list[Path]:
    return sorted(path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def private_names_in(code: str) -> Iterator[tuple[int, str]]:
    """(line, name) where code takes a private name of another object, or imports one from the product."""
    for node in ast.walk(ast.parse(code)):
        names: list[str] = []
        if isinstance(node, ast.Attribute):
            names = [] if ast.unparse(node.value) in ("self", "cls") else [node.attr]
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("vanvault"):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in BY_TEXT:
            texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
            names = [text.rpartition(".")[2] for text in texts if isinstance(text, str)]
        yield from (
            (node.lineno, name)
            for name in names
            if name.startswith("_") and not name.endswith("__") and name not in PUBLIC_WITH_UNDERSCORE
        )


@pytest.mark.parametrize("path", of_tests(), ids=name_of)
def test_no_test_reaches_into_what_is_private(path: Path) -> None:
    assert list(private_names_in(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "node.intake._stop.set()",
        "super()._call(call)",
        "from vanvault.cli.status import _lines",
        "monkeypatch.setattr(site, '_clock', clock)",
        "monkeypatch.setattr('vanvault.cli.status._lines', lines)",
    ],
)
def test_a_private_name_is_found_however_it_is_reached(code: str) -> None:
    assert [line for line, _ in private_names_in(code)] == [1]


#: More than this belongs together in a dataclass of its own.
MAX_PARAMETERS = 7


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_constructor_has_few_parameters(path: Path) -> None:
    long = [
        f"{name_of(path)}:{node.lineno}: {len(taken)}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
        if len(taken := [*node.args.posonlyargs, *node.args.args[1:], *node.args.kwonlyargs]) > MAX_PARAMETERS
    ]
    assert long == []
