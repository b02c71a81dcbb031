"""The page that every agent of a plan is to know: why the change is made, and what it must do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from specguard.planning.delta import Delta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.planning.folders import SourceFolder


def context_page(source: SourceFolder, name: str) -> str:
    """A page of Markdown.

    Args:
        source: the folder that the plan is made from.
        name: the plan's name.
    """
    lines = [f"# Context of {name}", "", f"Made from `{source.path}`, which says more.", ""]
    for file, titles in (
        ("proposal.md", ("why", "motivation", "what changes", "scope", "impact")),
        ("design.md", ("context", "goals / non-goals", "decisions")),
        ("plan.md", ("summary", "technical context")),
    ):
        text = source.read(file)
        if text is not None:
            lines += _sections(text, titles)
    lines += _requirements(source)
    return "\n".join(lines)


def _sections(text: str, titles: tuple[str, ...]) -> Iterator[str]:
    """The sections of a document that have one of some titles, without comments."""
    delta = Delta(text)
    for section in delta.sections:
        if section.title.lower() in titles:
            content = "\n".join(delta.lines[section.begin : section.end])
            content = re.sub(r"<!--.*?(?:-->|\Z)", "", content, flags=re.DOTALL).strip()
            if content:
                yield from (f"## {section.title}", "", content, "")


def _requirements(source: SourceFolder) -> Iterator[str]:
    """What the system must do: the deltas of a change, or the requirements of a feature."""
    if source.form == "spec-kit":
        text = source.read("spec.md") or ""
        found = [line.strip() for line in text.split("\n") if re.match(r"\s*[-*]\s+\**(?:FR|SC)-\d+", line)]
        if found:
            yield from ("## Requirements", "", *found, "")
        return
    for name in source.files("specs"):
        if not name.endswith("/spec.md"):
            continue
        delta = Delta(source.read(name) or "")
        capability = name.removeprefix("specs/").removesuffix("/spec.md")
        lines = []
        for operation in ("ADDED", "MODIFIED"):
            for one in delta.requirements(operation):
                scenarios = "; ".join(scenario.name for scenario in one.scenarios)
                lines.append(
                    f"- {operation.lower()} **{one.name}**: {' '.join(one.text.split())} ({scenarios})"
                )
        lines += [f"- removed **{one.name}**" for one in delta.removed]
        lines += [f"- renamed **{one.old}** to **{one.new}**" for one in delta.renamed]
        if lines:
            yield from (f"## Requirements of {capability}", "", *lines, "")
