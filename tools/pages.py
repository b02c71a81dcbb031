"""The project's Markdown pages: their blocks, and a runner of `sh` blocks as a reader would type them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from inspect import cleandoc, getsourcefile
from pathlib import Path
from textwrap import indent, wrap
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from specguard.integrations.hooks.settings import HOSTS
from specguard.testing import examples
from specguard.testing.repository import FIRST_DATE, clean_environment
from specguard.testing.running import run_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.rules import Rule

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")))
]
"""README, CONTRIBUTING and the pages of `docs/`, without the pages of single rules."""

WALKED_PAGES = (
    "docs/start.md",
    "docs/phase-runner.md",
    "docs/track-runner.md",
    "docs/planner-pipeline.md",
    "docs/runbook.md",
    "docs/status.md",
    "docs/audit.md",
    "docs/specs.md",
    "docs/orchestrator.md",
    "docs/testing.md",
)
"""The pages whose `sh` blocks are run."""

_END_MARK = "__specguard_where__"
_PRELUDE = f"exec 2>&1; trap 'code=$?; echo; echo {_END_MARK} $code $PWD' EXIT"
"""The shell code before each block: it merges stderr into stdout, and prints exit code and folder last."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        info: the info string behind the opening fence.
        text: its lines, with a newline at the end.
        line: the line number of its first line of text, from 1.
    """

    info: str
    text: str
    line: int


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page in order, including those in list items."""
    return [
        Block(token.info.strip(), token.content, token.map[0] + 2)
        for token in MarkdownIt("commonmark").parse(text)
        if token.type == "fence" and token.map
    ]


def read(page: str) -> str:
    """Read the text of a page, by its path from the root."""
    return (ROOT / page).read_text(encoding="utf-8")


def run_blocks(page: Sequence[Block], place: Path) -> list[tuple[Block, str | None, str]]:
    """Run the `sh` blocks of a page in order, each in the folder where the last one ended.

    Args:
        page: the page's blocks.
        place: an empty folder, which is the reader's home.

    Returns:
        For each block that was run: the block; the text of the `text` block right behind it, or None without
        one; and its output, with the reader's home as `/home/ann`.

    Raises:
        AssertionError: a block ended with another exit code than its output implies.
    """
    folder_now = place
    found = []
    for position, block in enumerate(page):
        if block.info != "sh":
            continue
        following = page[position + 1] if position + 1 < len(page) else None
        expected = following.text if following and following.info == "text" else None
        done = subprocess.run(
            ["bash", "-e", "-c", f"{_PRELUDE}\n{block.text}"],
            cwd=folder_now,
            env=environment(place),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        printed, _, end = done.stdout.rpartition(f"\n{_END_MARK} ")
        code, _, folder = end.rstrip("\n").partition(" ")
        folder_now = Path(folder)
        printed = re.sub(r"(?m)^Requirement already satisfied.*\n", "", printed)
        printed = printed.replace(str(place), "/home/ann")
        assert int(code) == expected_code(printed), f"line {block.line} ended with {code}:\n{printed}"
        found.append((block, expected, printed))
    return found


def environment(home: Path) -> dict[str, str]:
    """Return the reader's environment: the command, git with a name, a home and a clock that is fixed."""
    clean = clean_environment()
    when = f"{FIRST_DATE} +0000"
    # The reader does not have the agents that a developer has here.
    agents = [host.program for host in HOSTS.values()]
    folders = [
        folder
        for folder in clean["PATH"].split(":")
        if not any(os.path.exists(os.path.join(folder, program)) for program in agents)
        or os.path.exists(os.path.join(folder, "git"))
    ]
    # The programs of the presets' gates exist, whatever a developer has here.
    programs = home / ".programs"
    programs.mkdir(exist_ok=True)
    (programs / "go").write_text("#!/bin/sh\n")
    (programs / "go").chmod(0o755)
    return {
        **clean,
        "PATH": ":".join([os.path.dirname(sys.executable), *folders, str(programs)]),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_AUTHOR_DATE": when,
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.org",
        "GIT_COMMITTER_DATE": when,
    }


def expected_code(printed: str) -> int:
    """Return the exit code that belongs to the last verdict or error in an output."""
    verdicts = re.findall(r"^specguard: (failed|indeterminate|error|would block)", printed, re.MULTILINE)
    return {"failed": 1, "indeterminate": 2, "error": 2}.get(verdicts[-1], 0) if verdicts else 0


_VARIABLE_PARTS = (
    # A run's id is the time of its start and four random digits.
    (r"\b\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{4}\b", "<run id>"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ", "<time>"),
    # A duration, with the spaces that fill a column after it.
    (r"\b\d+(?:\.\d+)? ?s\b(?: ago)? *", "<seconds> "),
    (r"(?m)^  (?:\d+ days?|today) +", "  <age> "),
    (r"(?m)^(process +)\d+", r"\1<process>"),
    (r"\b[0-9a-f]{10,64}\b", "<object id>"),
    (r"(?m)^(ok +git: ).*$", r"\1<version>"),
)


def normalize(text: str) -> str:
    """Replace the parts of an output that differ between machines, readers and times by placeholders.

    These are object ids, the ids of runs and of processes, times, durations, and versions of git.
    """
    for expression, name in _VARIABLE_PARTS:
        text = re.sub(expression, name, text)
    return text


def rewrite(page: str, place: Path) -> None:
    """Update the `text` blocks of a page with the real output of the blocks before them."""
    text = read(page)
    lines = text.split("\n")
    page_blocks = blocks(text)
    for block, expected, printed in reversed(run_blocks(page_blocks, place)):
        if expected is not None and normalize(expected) != normalize(printed):
            following = page_blocks[page_blocks.index(block) + 1]
            start = following.line - 1
            lines[start : start + following.text.count("\n")] = printed.rstrip("\n").split("\n")
    (ROOT / page).write_text("\n".join(lines), encoding="utf-8")


def printed_findings(rule: type[Rule], place: Path) -> list[str]:
    """Run a rule's first failing case, and return its findings as they are printed.

    Args:
        rule: the rule.
        place: an empty folder.
    """
    case = next(example.case for example in examples(rule) if example.kind == "fails")
    printed = place / "printed"
    args = [*case.args, f"--output=text={printed}"]
    outcome = run_case(replace(case, args=args, expect=case.expect or None), place, installed=False)
    assert rule.code in outcome.codes
    lines = printed.read_text().replace(str(place), "/home/ann").split("\n")
    report = lines[lines.index(f"{rule.code} {rule.name}") + 1 :]
    return [line.strip() for line in report if re.match("  (error|warning|info)\\b", line)]


def documented_output(rule: type[Rule]) -> str:
    """Return the example output in a rule's docstring; empty if it shows none."""
    return next((block.text for block in blocks(cleandoc(rule.__doc__ or "")) if block.info == "text"), "")


def normalize_rule(text: str) -> str:
    """Normalize an output for comparison: each run of a rule's case gives the same text on one line."""
    text = re.sub(r"\d{4}-\d\d-\d\d|\b\d+ days", "<day>", text)
    return " ".join(normalize(text).split())


def rewrite_rule(rule: type[Rule], place: Path) -> None:
    """Write the real output of a rule's first failing case behind the prose of its docstring."""
    printed = printed_findings(rule, place)
    if normalize_rule(documented_output(rule)) in map(normalize_rule, printed):
        return
    short = re.sub(r"\b([0-9a-f]{10})[0-9a-f]+\b", r"\1", printed[0])
    lines = wrap(short, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    block = indent("\n".join(["```text", *lines, "```", "", ""]), "    ", lambda line: line != "\n")
    source = Path(getsourcefile(rule) or "")
    text = source.read_text(encoding="utf-8")
    start = text.index(f"class {rule.__name__}(")
    text = text[:start] + re.sub(r"    ```text\n.*?    ```\n\n", "", text[start:], count=1, flags=re.DOTALL)
    start = text.index("    ```toml ", start)
    source.write_text(text[:start] + block + text[start:], encoding="utf-8")


if __name__ == "__main__":
    # Brings the outputs on the named pages up to date; `rules` are those in rules' docstrings. Without names,
    # updates all pages, all rules and the table of attacks.
    from tempfile import TemporaryDirectory

    from specguard.engine.plugins import load_registry
    from tools import attacks

    named = sys.argv[1:]
    if not named:
        attacks.rewrite()
    for entry in load_registry().rules.values() if named in ([], ["rules"]) else ():
        with TemporaryDirectory() as folder:
            rewrite_rule(entry.rule, Path(folder).resolve())
    for name in (name for name in named or WALKED_PAGES if name != "rules"):
        with TemporaryDirectory() as folder:
            rewrite(name, Path(folder).resolve())
