"""The authority that `specguard init` proposes: its guards and settings, each with its reason."""

from __future__ import annotations

import contextlib
import os
import re

from specguard.approvals.settings import key_problem
from specguard.change.process import CommandError
from specguard.change.request import read_regular
from specguard.declaration.rule import Record
from specguard.documents.toml import toml_value
from specguard.errors import SpecguardError
from specguard.reporters.escape import markdown_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.authority.policy import Policy
    from specguard.change.repository import Repository
    from specguard.declaration.patterns import Patterns

_JOBS: Final = "the jobs that decide what lands"
_OWNERS: Final = "who reviews what"
_LOCKED: Final = (
    (r"\.github/workflows/", _JOBS),
    (r"\.gitlab-ci\.yml", _JOBS),
    (r"\.circleci/", _JOBS),
    (r"Jenkinsfile", _JOBS),
    (r"azure-pipelines\.yml", _JOBS),
    (r"bitbucket-pipelines\.yml", _JOBS),
    (r"(\.github/|\.gitlab/|docs/)?CODEOWNERS", _OWNERS),
    (r"(?i:licen[cs]e|copying)([-.][^/]*)?", "the licence"),
    (r"LICENSES/", "the licences"),
    (r"AI_CONTRACT\.md", "the contract with agents"),
)
"""Files and folders that a team would want an approval for, as they begin a path, with what they are.

What runs specguard is guarded without a lock, by PTH004.
"""

_FORBIDDEN: Final = (
    (r"docs/api/", "the interface others build on"),
    (r"docs/product/", "the product's requirements"),
)
"""Paths that an agent must not touch in a team that has them."""

_APPROVER: Final = re.compile(r"(?P<name>[^<>=]+?)\s*(<(?P<email>[^<>=\s]+)>)?=(?P<file>.+)")
_LARGEST_KEY: Final = 1 << 16
_FITTED: Final = 8
"""In so many folders a preset's code may be, for them to be meant."""


class Guard(Record):
    """A path that the authority guards.

    Attributes:
        path: its pattern.
        why: what it is; empty where nobody says.
        forbidden: whether it is forbidden, and not only locked.
    """

    path: str
    why: str = ""
    forbidden: bool = False


class Setting(Record):
    """A setting that differs from its default.

    Attributes:
        toml: its lines: a dotted key with its value, or a table.
        why: the reason for it; empty where it needs none.
    """

    toml: str
    why: str = ""


class Proposed:
    """An authority before it is written.

    Args:
        base: the branch that changes are merged into.
        presets: what it extends.

    Attributes:
        guards: what it guards.
        settings: its settings: those without a table come before the tables.
    """

    def __init__(self, base: str, presets: Sequence[str]) -> None:
        self.guards: list[Guard] = [Guard(path="SPEC_AUTHORITY.md", why="this document")]
        self.settings: list[Setting] = []
        if presets:
            self.settings.append(Setting(toml=f"extends = {toml_value(list(presets))}"))
        self.settings.append(Setting(toml=f"base = {toml_value(base)}"))
        self._base = base

    @property
    def text(self) -> str:
        """The document."""
        locked, forbidden = ([one for one in self.guards if one.forbidden is kind] for kind in (False, True))
        base = markdown_code(self._base)
        lines = [
            "# Authority",
            "",
            "What may change in this repository, in which steps and with which evidence.",
            f"`specguard check` judges every change by the copy of this document on {base}.",
            "",
            "## Locked zones",
            "",
            "A change here needs an approval.",
            "",
            *_items(locked),
        ]
        if forbidden:
            lines += ["", "## Forbidden paths", "", "Nothing here changes.", "", *_items(forbidden)]
        return "\n".join([*lines, "", "## Settings", "", *settings_block(self.settings), ""])


def settings_block(settings: Iterable[Setting]) -> list[str]:
    """The lines of a block of settings, each below its reason."""
    lines: list[str] = []
    for one in sorted(settings, key=lambda one: one.toml.startswith("[")):
        table = one.toml.startswith("[")
        lines += [*([""] if table and lines else []), *([f"# {one.why}"] if one.why else []), one.toml]
    return ["```toml specguard", *lines, "```"]


def _items(guards: Sequence[Guard]) -> list[str]:
    found = {guard.path: guard.why for guard in guards}
    return [f"- `{path}`: {why}." if why else f"- `{path}`" for path, why in found.items()]


def tree_paths(repository: Repository) -> Sequence[str]:
    """The files of a repository that git knows or would add."""
    known = repository.in_place("ls-files", "-z", "--cached").read()
    new = repository.in_place("ls-files", "-z", "--others", "--exclude-standard", user=True)
    # Where it cannot be told what is ignored, neither can what git does not know yet.
    with contextlib.suppress(CommandError):
        known += new.read()
    return [os.fsdecode(path) for path in known.split(b"\0") if path]


def guards_in(paths: Sequence[str]) -> Iterator[Guard]:
    """What of these files is worth guarding, whatever the project is."""
    for known, forbidden in ((_LOCKED, False), (_FORBIDDEN, True)):
        for pattern, why in known:
            begins = re.compile(pattern if pattern.endswith("/") else rf"(?:{pattern})\Z")
            found = (begins.match(path) for path in paths)
            for name in sorted({match[0] for match in found if match}):
                yield Guard(path=name, why=why, forbidden=forbidden)


def fitted(policy: Policy, paths: Sequence[str]) -> Iterator[Setting]:
    """Where a preset's code is not where it says: the nearest folders of these names."""
    code: Patterns = policy.declared("spec_settings").code
    origin = policy.origin("specs.code")
    if origin is None or not origin.path.startswith("preset:") or code.used([*map(os.fsencode, paths)]):
        return
    names = {pattern.partition("/")[0] for pattern in code.patterns}
    split = [path.split("/")[:-1] for path in paths]
    found = {tuple(parts[: at + 1]) for parts in split for at, part in enumerate(parts) if part in names}
    nearest = [one for one in sorted(found) if len(one) == min(map(len, found))]
    if 0 < len(nearest) <= _FITTED:
        yield Setting(
            toml=f"specs.code = {toml_value(['/'.join([*one, '**']) for one in nearest])}",
            why=f"{' and '.join(code.patterns)} of the preset are not here",
        )


def approver_named(text: str) -> Setting:
    """The table of an approver, from `NAME=KEYFILE` or `NAME <ADDRESS>=KEYFILE`.

    Raises:
        SpecguardError: it is none of both, or the file holds no public key.
    """
    match = _APPROVER.fullmatch(text.strip())
    if match is None:
        raise SpecguardError(
            f"{text!r} names no approver",
            help="write it as --approver alice=alice.pub, or as 'alice <alice@example.org>=alice.pub'",
            code="usage",
        )
    file = os.path.expanduser(match["file"])
    content = read_regular(file, _LARGEST_KEY, "the approver's key").decode("utf-8", "replace").strip()
    problem = "it is a private key" if content.startswith("-----BEGIN") else key_problem(content)
    if problem:
        raise SpecguardError(
            problem, path=file, help="name the .pub file that ssh-keygen wrote beside it", code="usage"
        )
    table: Mapping[str, Any] = {
        "name": match["name"].strip(),
        "emails": [match["email"]] if match["email"] else None,
        # A change that names the first approver has no comments, and so no sign of one.
        "key": content.replace("#", ""),
        "may": ["PTH002", "PTH004"],
    }
    lines = [f"{key} = {toml_value(value)}" for key, value in table.items() if value]
    return Setting(toml="\n".join(["[[approvals.approver]]", *lines]))
