"""Markdown as agents and people write it, from a seeded generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

ROOT = "/home/ann/project"
"""The author's path of the repository, as the policy's `roots` says."""

LINES_OF_CODE = 60
"""The number of lines of the files that artifacts cite."""


def documents(
    chance: random.Random, words: Sequence[str], count: int, code: Sequence[str], *, parts: int
) -> Iterator[tuple[str, bytes]]:
    """Yield documents with their paths, one in ten of them an artifact.

    Args:
        chance: the random generator for everything.
        words: the words of texts and names.
        count: the number of documents.
        code: the files that artifacts cite.
        parts: the number of parts of about 300 bytes in a document.
    """
    write = _Writer(chance, words, code, parts)
    agents = count // 30
    for number in range(agents):
        folder = f"docs/waves/{words[number % len(words)]}-{number % 20}"
        yield f"{folder}/AGENT_{number}_FINAL_REPORT.md", write.final_report()
        yield f"{folder}/AGENT_{number}_PLAN_VERBATIM.md", write.plan()
        yield f"{folder}/AGENT_{number}_SCRATCHPAD.md", write.scratchpad()
    reviews = count // 10 - 3 * agents
    for number in range(reviews):
        yield f"docs/reviews/WAVE_{number}_REVIEW_REPORT.md", write.review()
    for number in range(count - count // 10):
        folder = f"docs/{chance.choice(words)}/{chance.choice(words)}"
        yield f"{folder}/{number:05}-{chance.choice(words)}.md", write.page()


class _Writer:
    def __init__(self, chance: random.Random, words: Sequence[str], code: Sequence[str], parts: int) -> None:
        self._chance = chance
        self._words = words
        self._code = code
        self._parts = parts

    def page(self) -> bytes:
        """Return a page of documentation: sections of paragraphs, lists, tables, code and quotations."""
        lines = [f"# {self._title()}", ""]
        for part in range(self._parts):
            if part % 3 == 0:
                lines += [f"## {self._title()}", ""]
            lines += [*self._part(), ""]
        return _encode(lines)

    def final_report(self) -> bytes:
        """Return an agent's final report, as its contract requires it."""
        evidence = [f"- {self._sentence()} `{self._citation()}`" for _ in range(2 * self._parts)]
        lines = [f"# {self._title()}", ""]
        for title, body in (
            ("Skills Introspected", [f"- {self._sentence()}" for _ in range(4)]),
            ("Evidence Map", evidence),
            ("Assumptions", self._paragraphs()),
            ("Risks", self._paragraphs()),
            ("Unresolved Questions", ["None: the packet answers all of them."]),
        ):
            lines += [f"## {title}", "", *body, ""]
        return _encode(lines)

    def plan(self) -> bytes:
        """Return an agent's plan."""
        steps = [f"{number}. {self._sentence()}" for number in range(1, 3 * self._parts)]
        return _encode(
            [f"# {self._title()}", "", "## Objective", "", *self._paragraphs(), "## Steps", "", *steps, ""]
        )

    def scratchpad(self) -> bytes:
        """Return an agent's notes, each with its time."""
        lines = [f"# {self._title()}", ""]
        for number in range(3 * self._parts):
            hour, minute = 8 + number // 60, number % 60
            lines.append(f"- [2026-01-15 {hour:02}:{minute:02}] {self._sentence()}")
        return _encode(lines)

    def review(self) -> bytes:
        """Return a review with its findings, all of them closed."""
        lines = [f"# {self._title()}", "", "- Reviewer: Ann Example", "- Verdict: approved", ""]
        lines += ["## Findings", ""]
        for number in range(self._parts):
            severity = self._chance.choice(("blocking", "high", "medium", "low"))
            lines += [
                f"{number + 1}. [{severity}] {self._sentence()} `{self._citation()}`",
                "   - Status: fixed, re-verified",
            ]
        return _encode([*lines, "", "## Notes", "", *self._paragraphs()])

    def _paragraphs(self) -> list[str]:
        lines: list[str] = []
        for _ in range(max(1, self._parts // 4)):
            lines += [*self._part(), ""]
        return lines

    def _part(self) -> list[str]:
        """Return about 300 bytes of one kind of content: paragraphs, a list, a table, code or a quotation."""
        kind = self._chance.randrange(10)
        if kind < 4:
            return [f"{self._sentence()} {self._sentence()}" for _ in range(3)]
        if kind < 7:
            marks = self._chance.choice(("-", "-", "1.", "- [ ]", "- [x]"))
            return [f"{marks} {self._sentence()}" for _ in range(5)]
        if kind == 7:
            rows = [f"| `{self._word()}` | {self._sentence()} |" for _ in range(4)]
            return ["| Name | Meaning |", "| --- | --- |", *rows]
        if kind == 8:
            code = [f"{self._word()} = {self._word()}({self._chance.randrange(1000)})" for _ in range(8)]
            return ["```python", *code, "```"]
        return [f"> {self._sentence()}" for _ in range(4)]

    def _sentence(self) -> str:
        words = self._chance.choices(self._words, k=self._chance.randint(5, 10))
        if self._chance.random() < 0.2:
            words[2] = f"`{words[2]}`"
        if self._chance.random() < 0.1:
            words[3] = f"[{words[3]}](../{words[1]}.md)"
        if self._chance.random() < 0.1:
            words[1] = f"**{words[1]}**"
        return f"{' '.join(words).capitalize()}."

    def _title(self) -> str:
        return " ".join(self._chance.choices(self._words, k=3)).capitalize()

    def _word(self) -> str:
        return self._chance.choice(self._words)

    def _citation(self) -> str:
        return f"{ROOT}/{self._chance.choice(self._code)}:{self._chance.randint(1, LINES_OF_CODE)}"


def _encode(lines: Sequence[str]) -> bytes:
    return "\n".join([*lines, ""]).encode()
