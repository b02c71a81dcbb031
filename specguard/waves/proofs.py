"""The gates and tests by which acceptance is shown, found by the names that a document gives them."""

from __future__ import annotations

import re
from functools import cached_property

from specguard.artifacts.evidence import Targets
from specguard.runs.proof import Claim
from specguard.work.locate import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Final

    from specguard.change.tree import Documents
    from specguard.declaration.patterns import Selecting
    from specguard.runs.proof import RunProof
    from specguard.waves.scenarios import Scenario

TEST_LIMIT: Final = 32 << 20
"""So many bytes of tests are looked through for a test's name."""

_NAME: Final = re.compile(r"[A-Za-z_][\w.-]{2,100}")
_COMMAND_END: Final = re.compile(r"[\s;&|]+$")


class Proofs:
    """The gates and tests that a scenario may name.

    Args:
        documents: the documents of the judged tree.
        tests: the patterns of test files.
        gates: the names and commands of gates.
        proof: tells whether a run shows a scenario that cites it.
    """

    def __init__(
        self, documents: Documents, *, tests: Selecting, gates: Iterable[str], proof: RunProof
    ) -> None:
        self._documents = documents
        self._tests = tests
        self._gates = {plain_gate(gate) for gate in gates if plain_gate(gate)}
        self._proof = proof
        self._targets = Targets(documents)

    def unmapped(self, scenario: Scenario, folder: bytes) -> str:
        """Why a scenario maps to no gate or test, as a clause; empty where it does.

        Raises:
            MissingFact: a file is not there, or a run that is cited cannot be seen from here.
        """
        names = list(dict.fromkeys(name for name in scenario.names if plain_gate(name)))
        if not names:
            return "names no gate and no test"
        if not any(self._is_gate(name) or self._is_test(name, folder) for name in names):
            which = "which is neither a gate nor a test"
            if len(names) > 1:
                which = "of which none is a gate or a test"
            return f"names {' and '.join(map(repr, names[:3]))}, {which}"
        return self._failed(scenario, folder)

    def _is_gate(self, name: str) -> bool:
        return plain_gate(name) in self._gates

    def _is_test(self, name: str, folder: bytes) -> bool:
        """Whether a name is a test file's, with or without a test in it, or that of a test in one of them."""
        path, separator, inner = _parted(name)
        for place in _places(path, folder):
            entry = self._documents.tree.find(place)
            if entry is not None and entry.is_file and self._tests.find(place) is not None:
                return not separator or _has(self._documents.content(place) or b"", inner)
        if "/" in path or separator or not _NAME.fullmatch(name.strip()):
            # A quoted title of a test is looked for word by word.
            return not separator and "/" not in path and " " in name.strip() and _has(self._all, name.strip())
        name = name.strip()
        return name.encode() in self._names if re.fullmatch(r"\w+", name, re.ASCII) else _has(self._all, name)

    @cached_property
    def _names(self) -> frozenset[bytes]:
        """The names in all test files, so that many may be asked for."""
        return frozenset(re.findall(rb"\w+", self._all))

    @cached_property
    def _all(self) -> bytes:
        """What all test files hold, as far as it is looked through."""
        paths = self._documents.tree.paths()
        found = [paths[position] for position, _ in self._tests.find_each(paths)]
        files = [path for path in found if (entry := self._documents.tree.find(path)) and entry.is_file]
        self._documents.prefetch(files)
        held: list[bytes] = []
        size = 0
        for path in files:
            content = self._documents.content(path) or b""
            size += len(content)
            if size > TEST_LIMIT:
                break
            held.append(content)
        return b"\n".join(held)

    def _failed(self, scenario: Scenario, folder: bytes) -> str:
        """What is wrong with the manifests that a scenario cites, as a clause; empty where nothing is."""
        for citation in scenario.cited:
            if not re.search(r"(?:^|/)(?:manifest|meta)\.json$", citation.path):
                continue
            for place in self._targets.places(citation, folder) or ():
                run = self._proof.records.at(place)
                flaw = self._proof.flaw(run, Claim(label=scenario.text))
                if run is None:
                    continue
                if flaw is not None and not flaw.bound:
                    return f"cites the run {citation.path}, which {flaw.reason}"
                break
            else:
                return f"cites the run {citation.path}, which is not there"
        return ""


def gate_names(value: Any) -> Iterator[str]:
    """The names and commands of gates in a part of a work breakdown: all texts, and the keys of mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from gate_names(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(inner, dict):
                yield str(key)
            yield from gate_names(inner)


def _parted(name: str) -> tuple[str, str, str]:
    """A test's name as a file, what parts it from a test in it, and that test."""
    text = name.strip()
    for separator in ("::", " > ", " \u203a ", "#"):
        path, found, inner = text.partition(separator)
        if found:
            last = re.split(r"::| > | \u203a ", inner)[-1]
            return path.strip(), separator, re.sub(r"\[.*\]$", "", last).strip()
    return re.sub(r":[0-9]+(?:-[0-9]+)?$", "", text), "", ""


def _places(path: str, folder: bytes) -> list[bytes]:
    """The paths that a name may mean: from the root, or from a document's folder."""
    found = [] if path.startswith("/") else [joined(b"", path), joined(folder, path)]
    return [place for place in found if place]


def _has(content: bytes, name: str) -> bool:
    """Whether a name stands in a text as a word."""
    wanted = name.encode("utf-8", "surrogateescape")
    start = content.find(wanted) if wanted else -1
    while start >= 0:
        before = content[start - 1 : start]
        after = content[start + len(wanted) : start + len(wanted) + 1]
        if not (before.isalnum() or before == b"_") and not (after.isalnum() or after == b"_"):
            return True
        start = content.find(wanted, start + 1)
    return False


def plain_gate(text: str) -> str:
    """A gate's name or command as it is compared."""
    return " ".join(_COMMAND_END.sub("", text.replace("`", "")).casefold().split())
