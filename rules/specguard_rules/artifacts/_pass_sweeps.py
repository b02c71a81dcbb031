"""Passes: which agents worked in each, and what its sweep says of them."""

from __future__ import annotations

import re

from specguard.rules import MissingFact, Record, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.documents.blocks import Row
    from specguard.rules import Artifacts, Contract


_LONGEST: Final = 2000
"""So many characters of a row are read."""

# These are compiled where they are first needed, since a hook imports what is here for `known` alone.
_CLAUSE: Final = r"[.;,|!?]\s|\s\|\s?|\s[-\u2013\u2014]\s"
_BEFORE: Final = 120
_NOT: Final = (
    r"(?i)\b(?:not|no|never|without|neither|nor|cannot|isn.?t|wasn.?t|aren.?t|won.?t|skip\w*|unless|if"
    r"|will be|to be)\b"
)
# A time, whose letters are no words: `2026-01-31T12:00:00Z`, `12:00 UTC`, `Jan 31`.
_TIME: Final = r"(?i)\S*[0-9]\S*|\b(?:utc|gmt|agent|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*"
_LEADING_TIME: Final = (
    r"(?i)^\W*(?:[0-9]{4}-[0-9]{2}-[0-9]{2}\S*|[0-9]{1,2}:[0-9]{2}\S*|utc\b)(?:\s+[0-9]{1,2}:[0-9]{2}\S*)?"
    r"(?:\s+utc\b)?[\W_]*"
)
_HEAD: Final = r"(?i):\s|:$|\s[-\u2013\u2014=]+>?\s|\s(?:is|was)\s"
_LIST: Final = r"[\s,/&+()]+|\band\b"


class Words:
    """Words or phrases that say something, wherever they stand in a text without a "not" before them.

    Args:
        phrases: the words; case does not count.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        either = "|".join(re.escape(phrase.strip()) for phrase in phrases if phrase.strip())
        self._said = re.compile(rf"(?<![\w/-])(?:{either or '(?!)'})(?![\w-])", re.IGNORECASE)

    def said(self, row: Row) -> bool:
        """Whether a row says one of them, and does not deny it in the same clause."""
        text = " | ".join(row.cells)[:_LONGEST]
        for found in self._said.finditer(text):
            clause = re.split(_CLAUSE, text[max(0, found.start() - _BEFORE) : found.start()])[-1]
            if not re.search(_NOT, clause):
                return True
        return False

    def begin(self, row: Row) -> bool:
        """Whether a row begins with one of them, behind marks and a time."""
        text = " | ".join(row.cells)[:_LONGEST]
        found = self._said.search(text)
        return found is not None and not re.search(r"[A-Za-z]{2}", re.sub(_TIME, "", text[: found.start()]))


def about(agent: str) -> Callable[[Row], bool]:
    """Tells whether a row is about an agent.

    It is where its first cell, or its text up to a colon or dash, has the agent's name as a word of its own,
    or where `agent NAME` stands anywhere in it. Several agents may share a row: `P1, P2: aligned`. A name
    that is a number or a letter must stand there alone, since any other number could be meant.

    Args:
        agent: its name, as the paths have it.
    """
    parts = [re.escape(part) for part in re.split(r"[\s_-]+", agent) if part]
    name = r"[\s_-]?".join(parts) or "(?!)"
    alone = re.compile(rf"(?<![\w-]){name}(?![\w-])", re.IGNORECASE)
    spoken = re.compile(rf"(?<![\w-])agent[\s_-]?{name}(?![\w-])", re.IGNORECASE)
    bare = len(agent) == 1 or agent.isdecimal()

    def is_about(row: Row) -> bool:
        first = re.sub(_LEADING_TIME, "", row.cells[0][:_LONGEST]) if row.cells else ""
        head = first if row.header else re.split(_HEAD, first, maxsplit=1)[0]
        if bare:
            words = [word for word in re.split(_LIST, head.strip("*_`[]")) if word]
            named = all(len(word) <= 3 for word in words) and any(alone.fullmatch(word) for word in words)
        else:
            named = alone.search(head) is not None
        return named or any(spoken.search(cell[:_LONGEST]) for cell in row.cells)

    return is_about


def contracts_of_agents(contracts: Mapping[str, Contract], placeholder: str) -> list[str]:
    """The contracts whose artifacts' paths name an agent, in the policy's order.

    Args:
        contracts: the policy's contracts.
        placeholder: the placeholder that is the agent's name.
    """
    named = re.compile(rf"\{{{re.escape(placeholder)}(?::upper)?\}}")
    return [name for name, contract in contracts.items() if named.search(contract.path)]


def known(contracts: Mapping[str, Contract], setting: str, names: Sequence[str]) -> None:
    """Make sure that contracts are there which a setting names.

    Raises:
        MissingFact: one is not.
    """
    for name in names:
        if name not in contracts:
            raise MissingFact(f"`{setting}` names the contract {name!r}, which is no contract of the policy")


class Work(Record, frozen=False):
    """What one agent left in one pass.

    Attributes:
        agent: its name, as the paths have it.
        folder: the pass's folder; where there is no such pass, the folder of its artifacts.
        artifacts: its artifacts, by path.
    """

    agent: str
    folder: bytes
    artifacts: list[Artifact] = []

    @property
    def touched(self) -> bool:
        """Whether the change touches any of them."""
        return any(artifact.touched for artifact in self.artifacts)

    def of(self, contracts: Sequence[str]) -> list[Artifact]:
        """Those of some contracts, those that the change touches first."""
        found = [artifact for artifact in self.artifacts if artifact.name in contracts]
        return sorted(found, key=lambda artifact: not artifact.touched)


def work_of_agents(artifacts: Artifacts, names: Sequence[str], placeholder: str) -> list[Work]:
    """What each agent left in each pass, by folder and name.

    Args:
        artifacts: all artifacts.
        names: the contracts whose artifacts count.
        placeholder: the placeholder that is the agent's name.
    """
    wanted = set(names)
    found: dict[tuple[bytes, str], Work] = {}
    for artifact in artifacts.all:
        if artifact.name not in wanted or not artifact.is_file:
            continue
        agent = artifact.fields.get(placeholder, "")
        folder = pass_of(artifact, artifacts, placeholder)
        work = found.setdefault((folder, agent.casefold()), Work(agent, folder))
        work.artifacts.append(artifact)
    return [found[key] for key in sorted(found)]


def pass_of(artifact: Artifact, artifacts: Artifacts, placeholder: str) -> bytes:
    """The folder of the innermost pass that an artifact is in; else its own folder.

    Where the contract has one folder for all passes, or one for each agent, it is the root.
    """
    above = [one.path for one in artifacts.passes if artifact.path.startswith(one.path + b"/")]
    if above:
        return max(above, key=len)
    folder = artifact.contract.path.rpartition("/")[0].replace(f"{{{placeholder}}}", "")
    return artifact.folder if "*" in folder or "{" in folder else b""


class Pass(Record, frozen=False):
    """A pass.

    Attributes:
        folder: where it is.
        agents: what each agent left in it, by its name in small letters.
        holders: the artifacts in it that can hold its sweep.
    """

    folder: bytes
    agents: dict[str, Work] = {}
    holders: list[Artifact] = []

    @property
    def name(self) -> str:
        """What messages call it."""
        return path_text(self.folder) or "the repository's root"

    @property
    def touched(self) -> bool:
        """Whether the change touches its agents' artifacts or its sweep."""
        artifacts = [artifact for work in self.agents.values() for artifact in work.artifacts]
        return any(artifact.touched for artifact in (*artifacts, *self.holders))

    @property
    def date(self) -> str:
        """The date in the folder's name; empty where it has none."""
        date = re.search(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", path_text(self.folder.rpartition(b"/")[2]))
        return date[0] if date else ""

    @property
    def parts(self) -> Any:
        """The folder's name for comparison, its numbers by their value."""
        parts = re.split(r"([0-9]{1,18})", path_text(self.folder.rpartition(b"/")[2]))
        return [(int(part), "") if position % 2 else (0, part) for position, part in enumerate(parts)]


def read_passes(artifacts: Artifacts, names: Sequence[str], sweep: str, placeholder: str) -> list[list[Pass]]:
    """The passes of each folder, by date where all of them have one in their names, then by name.

    Args:
        artifacts: all artifacts.
        names: the contracts of agents' artifacts.
        sweep: the contract of the artifacts that hold sweeps.
        placeholder: the placeholder of paths that is the agent's name.
    """
    found = {one.path: Pass(one.path) for one in artifacts.passes}
    for work in work_of_agents(artifacts, names, placeholder):
        found.setdefault(work.folder, Pass(work.folder)).agents[work.agent.casefold()] = work
    for artifact in artifacts.named(sweep):
        folder = pass_of(artifact, artifacts, placeholder)
        if artifact.is_file:
            found.setdefault(folder, Pass(folder)).holders.append(artifact)
    sequences: dict[bytes, list[Pass]] = {}
    for one in found.values():
        sequences.setdefault(one.folder.rpartition(b"/")[0], []).append(one)
    for passes in sequences.values():
        dated = all(one.date for one in passes)
        passes.sort(key=lambda one: (one.date if dated else "", one.parts))
    return [passes for _, passes in sorted(sequences.items())]
