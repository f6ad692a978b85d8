"""The rules of the tree that no other tool checks, as pure functions from a path and a text to findings.

Import directions are not here: `make lint` runs import-linter for them. A rule reports only what it can see in one
file; it does not follow imports or calls.
"""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath

from packaging.requirements import Requirement

MODULE_LINES = 400  # more than that is two modules
SCRIPT_LINES = 120  # scripts are thin: the work is in a package, where it has types and tests
COMMAND_LINES = 150  # one command a file

CODE = {".py", ".sol", ".ts", ".js", ".mjs", ".sh"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "core"}
# Homes of people and of build machines. A path in a container image or a system path is not private.
PRIVATE_PATH = re.compile(r"(?<![\w.$}-])/(?:home|Users|root|work)/[\w.-]+")
PACKAGE_SOURCE = re.compile(
    r"^\s*(?:-i\b|-f\b|--index-url|--extra-index-url|--find-links|--trusted-host|index-url\s*=|(?:@[\w-]+:)?registry\s*=)",
    re.MULTILINE,
)
REGISTRY_HOST = re.compile(
    r"https?://(?:registry\.|[\w.-]*(?:pypi|pythonhosted|npmjs|npmmirror|artifactory|nexus))[\w.-]*"
)
PINNED = re.compile(r"([A-Za-z0-9._-]+)==[\w.]+")
ENVIRONMENT_OWNERS = ("api/settings.py", "tiezheng/cli/")
PACKAGES = ("tiezheng/", "ledger/", "anchors/", "api/")
PLAIN_VERIFIER = ("tests/plain/", "tests/vectors/test_plain.py")
RANDOM_CALLS = {"urandom", "token_bytes", "token_hex", "token_urlsafe", "randbelow", "randbits", "uuid1", "uuid4"}
CLOCK_CALLS = {"now", "utcnow", "today"}


def too_long(path: str, text: str) -> Iterator[str]:
    """Code over the limit of its place; built files stand under `dist`."""
    place = PurePosixPath(path)
    if place.suffix not in CODE or "dist" in place.parts:
        return
    limit = MODULE_LINES
    if place.parts[0] == "scripts":
        limit = SCRIPT_LINES
    elif path.startswith("tiezheng/cli/"):
        limit = COMMAND_LINES
    if (lines := len(text.splitlines())) > limit:
        yield f"{path}: {lines} lines, limit {limit}"


def vague_name(path: str) -> Iterator[str]:
    """A module or folder of code whose name says nothing about what it holds."""
    place = PurePosixPath(path)
    if place.suffix in CODE:
        yield from (
            f"{path}: name {part!r}" for part in (*place.parts[:-1], place.stem) if part.lower() in FORBIDDEN_NAMES
        )


def private_path(path: str, text: str) -> Iterator[str]:
    """An absolute path below somebody's home or a build machine's checkout."""
    yield from (f"{path}: private path {found.group()}" for found in PRIVATE_PATH.finditer(text))


def registry_host(path: str, text: str) -> Iterator[str]:
    """The address of a package registry, in whatever file."""
    yield from (f"{path}: registry {found.group()}" for found in REGISTRY_HOST.finditer(text))


def package_source(path: str, text: str) -> Iterator[str]:
    """A file that fixes where packages come from: that is the choice of who installs."""
    place = PurePosixPath(path)
    if place.name == "package-lock.json":
        packages = json.loads(text).get("packages", {})
        # A link within the checkout is resolved to a folder, not to an address.
        fetched = {name: entry for name, entry in packages.items() if not entry.get("link")}
        yield from (f"{path}: {name} has an address" for name, entry in fetched.items() if "resolved" in entry)
    elif place.suffix in {".txt", ".in", ".cfg", ".ini", ".toml", ".conf"} or place.name == ".npmrc":
        yield from (
            f"{path}: names a package source: {found.group().strip()}" for found in PACKAGE_SOURCE.finditer(text)
        )
    if place.name == "requirements.txt":
        for line in text.splitlines():
            if line and not line.startswith("#") and not PINNED.fullmatch(line):
                yield f"{path}: not an exact version: {line}"


def unpinned(project: str, requirements: str) -> Iterator[str]:
    """Dependencies of pyproject.toml whose exact version is not in requirements.txt, or not in the declared range."""
    declared = tomllib.loads(project)["project"]
    pins = dict(line.lower().split("==") for line in requirements.splitlines() if PINNED.fullmatch(line))
    extras = declared.get("optional-dependencies", {}).values()
    for wanted in map(Requirement, [*declared["dependencies"], *(entry for extra in extras for entry in extra)]):
        version = pins.get(wanted.name.lower())
        if version is None or not wanted.specifier.contains(version):
            yield f"{wanted}: pinned as {version}"


def environment_use(path: str, text: str) -> Iterator[str]:
    """Environment variables read outside the settings and the command line."""
    if not path.endswith(".py") or not path.startswith(PACKAGES) or path.startswith(ENVIRONMENT_OWNERS):
        return
    for node in ast.walk(ast.parse(text)):
        name = node.attr if isinstance(node, ast.Attribute) else node.name if isinstance(node, ast.alias) else None
        if name in {"environ", "environb", "getenv"}:
            yield f"{path}: reads the environment"


def kernel_clock(path: str, text: str) -> Iterator[str]:
    """A clock read in the kernel, where the time is always a parameter."""
    if (
        not path.endswith(".py")
        or not path.startswith("tiezheng/")
        or path.startswith(("tiezheng/cli/", "tiezheng/client"))
    ):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS:
            yield f"{path}:{node.lineno}: reads the clock"


def plain_verifier_import(path: str, text: str) -> Iterator[str]:
    """An import of the product in the verifier that was written from SPEC.md alone."""
    if not path.endswith(".py") or not path.startswith(PLAIN_VERIFIER):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (f"{path}: imports {name}" for name in names if f"{name}/".replace(".", "/").startswith(PACKAGES))


def randomness_at_import(path: str, text: str) -> Iterator[str]:
    """Randomness drawn while a module is imported, before anybody asked for it."""
    if not path.endswith(".py") or not path.startswith(PACKAGES):
        return
    inside = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    pending: list[ast.AST] = [ast.parse(text)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in RANDOM_CALLS:
            yield f"{path}:{node.lineno}: draws randomness at import"
        pending.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, inside))
