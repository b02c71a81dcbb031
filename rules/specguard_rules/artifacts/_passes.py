"""The passes of a project, in their order, with their agents and the sweeps of these."""

from __future__ import annotations

import re

from specguard.rules import path_text
from specguard_rules.artifacts._agents import pass_of, work_of_agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.rules import Artifact, Artifacts, Row
    from specguard_rules.artifacts._agents import Work

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER: Final = re.compile(r"([0-9]{1,18})")


class Pass:
    """A pass.

    Attributes:
        folder: where it is.
        agents: what each agent left in it, by its name in small letters.
        holders: the artifacts in it that can hold its sweep.
    """

    def __init__(self, folder: bytes) -> None:
        self.folder = folder
        self.agents: dict[str, Work] = {}
        self.holders: list[Artifact] = []

    @property
    def name(self) -> str:
        """What messages call it."""
        return path_text(self.folder) or "the repository's root"

    @property
    def touched(self) -> bool:
        """Whether the change touches its agents' artifacts or its sweep."""
        return any(work.touched for work in self.agents.values()) or any(
            holder.touched for holder in self.holders
        )

    @property
    def date(self) -> str:
        """The date in the folder's name; empty where it has none."""
        date = _DATE.search(path_text(self.folder.rpartition(b"/")[2]))
        return date[0] if date else ""

    @property
    def parts(self) -> Any:
        """The folder's name for comparison, its numbers by their value."""
        return [
            (int(part), "") if position % 2 else (0, part)
            for position, part in enumerate(_NUMBER.split(path_text(self.folder.rpartition(b"/")[2])))
        ]


class Sweep:
    """A section that records a sweep.

    Attributes:
        artifact: where it is.
        line, end: its first and last line.
        title: its heading.
        rows: what it says.
    """

    def __init__(self, artifact: Artifact, line: int, end: int, title: str, rows: Sequence[Row]) -> None:
        self.artifact = artifact
        self.line = line
        self.end = end
        self.title = title
        self.rows = rows

    def names(self, folder: str) -> bool:
        """Whether it names a folder."""
        # Underscores can be marks of emphasis, which a reader does not see.
        wanted = folder.replace("_", "")
        texts = [self.title, *(cell for row in self.rows for cell in row.cells)]
        return any(wanted in text.replace("_", "") for text in texts)


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
    found_in: list[list[Pass]] = []
    for _, passes in sorted(sequences.items()):
        dated = all(one.date for one in passes)
        found_in.append(sorted(passes, key=lambda one: (one.date if dated else "", one.parts)))
    return found_in


def sweeps_in(holder: Artifact, titles: Sequence[str]) -> Iterator[Sweep]:
    """The sections of an artifact with one of some titles that say something."""
    from specguard.rules import find_sections, is_content, rows

    for section in find_sections(holder.document, titles[0], aliases=titles[1:]):
        said = [row for row in rows(section.blocks) if any(map(is_content, row.cells))]
        if said:
            yield Sweep(holder, section.line, section.end, section.heading.text.rendered, said)


def rows_of(*artifacts: Artifact) -> Iterator[Row]:
    """What artifacts say, row by row."""
    from specguard.rules import rows

    for artifact in artifacts:
        yield from rows(artifact.document.blocks)
