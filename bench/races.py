"""The races: their contenders, repositories and rows."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import repositories
from measure import Contender
from place import PLACE
from proof import Answer, Expected
from repositories import (
    COMMITS,
    DOCUMENTS,
    ENTRIES,
    FILES_WITH_FEW,
    FILES_WITH_MOST,
    MORE_DOCUMENTS,
)
from rows import GROWTH, Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from place import Tools

PYTHON = "python -c pass"
UNIDIFF_NAME = "unidiff, 1000000 lines"
MARKDOWN = """\
import subprocess
from markdown_it import MarkdownIt
parser = MarkdownIt("commonmark").enable("table")
for name in subprocess.run(["git", "ls-files", "-z", "*.md"], capture_output=True).stdout.split(b"\\0")[:-1]:
    with open(name, encoding="utf-8") as file:
        parser.parse(file.read())
"""
"""Parses every document of the working tree, and discards the result."""

UNIDIFF = "import sys, unidiff; unidiff.PatchSet(open(sys.argv[1], encoding='utf-8', newline='\\n'))"


@dataclass(frozen=True)
class Race:
    """Contenders that take turns, and the rows that their times give.

    Attributes:
        repository: its name in `repositories.BUILDERS`.
        contenders: the commands that take part.
        rows: the rows, each with its contenders.
        expected: the answers that specguard must give before any time is taken.
        runs: the number of runs of each contender: in a full and in a quick measurement.
    """

    repository: str
    contenders: Sequence[Contender]
    rows: Sequence[Row]
    expected: Sequence[Expected | Answer]
    runs: tuple[int, int]


def races(tools: Tools, *, quick: bool) -> list[Race]:
    """Return all races; the repositories that they need are built on demand."""
    return [
        _staged(tools),
        _new_policy(tools),
        _message(tools),
        _hook(tools),
        _command(tools),
        _range(tools, quick=quick),
        _mixed_range(tools),
        _entries(tools),
        _lines(tools),
        _documents(tools, "documents", ("13", "14"), f"{DOCUMENTS} Markdown files, 16 MB", (10, 3)),
        _documents(tools, "more-documents", ("13m", "14m"), f"{MORE_DOCUMENTS} files, 100 MB", (3, 1)),
    ]


def _path(name: str) -> Path:
    return PLACE / "repositories" / name


def _bare(tools: Tools, name: str) -> Contender:
    return Contender(PYTHON, (tools.python, "-c", "pass"), _path(name))


def _check(tools: Tools, repository: str, name: str, *arguments: str, **more: Any) -> Contender:
    """Return the contender `check`, with the rest of its name and its arguments."""
    command = (tools.specguard, "check", *arguments)
    return Contender(f"check {name}", command, _path(repository), **more)


def _event(name: str, **more: Any) -> str:
    """Write an event of an agent in the repository `hook`, and return the file's name."""
    file = PLACE / "events" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"session_id": "s", "cwd": str(_path("hook")), **more}), "utf-8")
    return str(file)


def _staged(tools: Tools) -> Race:
    ours = _check(tools, "hook", "--staged", "--staged")
    row = Row("1", "`check --staged`, one file, 40 settings, cached", PYTHON, 4.0, 2.6, ours.name, PYTHON)
    states = {"PTH001": "passed", "PTH002": "passed", "CNT001": "passed"}
    expected = [Expected(("--staged",), states, entries=1)]
    return Race("hook", [_bare(tools, "hook"), ours], [row], expected, (60, 15))


def _new_policy(tools: Tools) -> Race:
    def prepare(number: int) -> None:
        repositories.use_policy(_path("hook"), number)

    ours = _check(tools, "hook", "--staged, policy changed", "--staged", prepare=prepare)
    row = Row("2", "the same, policy changed since last time", PYTHON, 14.0, 7.0, ours.name, PYTHON)
    return Race("hook", [_bare(tools, "hook"), ours], [row], [], (40, 8))


def _message(tools: Tools) -> Race:
    file = ".git/COMMIT_EDITMSG"
    where = _path("hook")
    ours = _check(tools, "hook", "--commit-msg-file", "--commit-msg-file", file)
    gitlint = Contender(
        "gitlint, one message",
        (tools.gitlint, "--contrib", "contrib-title-conventional-commits", "--msg-filename", file),
        where,
    )
    contenders = [ours, gitlint]
    rows = [Row("3", "`check --commit-msg-file`", "gitlint", 0.5, 0.25, ours.name, gitlint.name)]
    commitlint = "commitlint, one message"
    if tools.commitlint:
        contenders.append(Contender(commitlint, (*tools.commitlint, "--edit", file), where))
    rows.append(Row("4", "the same", "commitlint", 0.12, 0.06, ours.name, commitlint))
    states = {"CMT002": "passed", "CMT003": "passed"}
    return Race("hook", contenders, rows, [Expected(("--commit-msg-file", file), states)], (30, 6))


def _hook(tools: Tools) -> Race:
    where = _path("hook")
    contenders = [_bare(tools, "hook")]
    rows: list[Row] = []
    expected: list[Answer] = []
    for number, what, path, says in (
        ("5", "allowed", "src/bench/a_new_file.py", ""),
        ("5r", "refused", "docs/api/openapi.yaml", "PTH00"),
    ):
        given = {"file_path": str(where / path), "content": "value = 1\n" * 40}
        file = _event(what, hook_event_name="PreToolUse", tool_name="Write", tool_input=given)
        ours = Contender(f"hook claude, {what}", (tools.specguard, "hook", "claude"), where, stdin=file)
        contenders.append(ours)
        rows.append(Row(number, f"agent's hook, one edit {what}", PYTHON, 4.0, 2.6, ours.name, PYTHON))
        expected.append(Answer(file, says))
    return Race("hook", contenders, rows, expected, (60, 15))


def _command(tools: Tools) -> Race:
    """Return the race of a command that changes nothing, as nearly all do: the hooks before and after it."""
    where = _path("hook")
    given = {"session_id": "c", "tool_name": "Bash", "tool_input": {"command": "pytest -q"}}
    before, after = (_event(name, hook_event_name=name, **given) for name in ("PreToolUse", "PostToolUse"))
    words = [
        f"{shlex.quote(str(tools.specguard))} hook claude < {shlex.quote(file)}" for file in (before, after)
    ]
    bare = f"{shlex.quote(str(tools.python))} -c pass"
    ours = Contender("hook claude, before and after a command", ("/bin/sh", "-c", "; ".join(words)), where)
    peer = Contender(f"two {PYTHON}", ("/bin/sh", "-c", f"{bare}; {bare}"), where)
    row = Row("5c", "agent's hook, before and after a command", peer.name, 6.5, 4.5, ours.name, peer.name)
    # The first answer may be about the branch; no answer is given twice.
    proof = [Answer(before, ""), Answer(after, None), Answer(after, "")]
    return Race("hook", [peer, ours], [row], proof, (60, 15))


def _range(tools: Tools, *, quick: bool) -> Race:
    where = _path("range")

    def ours(branch: str, count: int) -> Contender:
        return _check(tools, "range", f"--range, {count} commits", "--range", f"main..{branch}")

    def log(branch: str, count: int) -> Contender:
        command = (tools.git, "log", "--raw", "-z", "--no-renames", f"main..{branch}")
        return Contender(f"git log --raw -z, {count} commits", command, where)

    full = ours("work", COMMITS)
    parts = [ours(f"first-{count}", count) for count in repositories.PARTS]
    logs = [log("work", COMMITS), *(log(f"first-{count}", count) for count in repositories.PARTS)]
    # gitlint takes minutes, more with more commits: one run is enough to show 50 times less.
    gitlint = Contender(
        "gitlint, 2500 commits",
        (tools.gitlint, "--contrib", "contrib-title-conventional-commits", "--commits", "main..work"),
        where,
        max_runs=1 if quick else 3,
    )
    contenders = [full, *parts, *logs, gitlint]
    commitlint = "commitlint, 2500 commits"
    if tools.commitlint:
        command = (*tools.commitlint, "--from", "main", "--to", "work")
        contenders.append(Contender(commitlint, command, where))
    work = "range of 2,500 commits, paths and messages"
    rows = [
        Row("6", work, "git log --raw -z", 5.0, 2.7, full.name, logs[0].name),
        Row("7", "the same", "commitlint", 0.3, 0.15, full.name, commitlint),
        Row("8", "the same", "gitlint", 0.02, 0.01, full.name, gitlint.name),
        GROWTH,
    ]
    states = {"PTH001": "passed", "PTH002": "passed", "CMT002": "passed", "CMT003": "passed"}
    expected = Expected(("--range", "main..work"), states, commits=COMMITS)
    return Race("range", contenders, rows, [expected], (20, 4))


def _mixed_range(tools: Tools) -> Race:
    where = _path("mixed-range")
    asked = ("--range", "main..work")
    ours = _check(tools, "mixed-range", "--range, mixed commits", *asked, exit_code=1)
    command = (tools.git, "log", "--raw", "-z", "--no-renames", "main..work")
    log = Contender("git log --raw -z, mixed commits", command, where)
    work = "the same with merges, releases, bots and findings"
    row = Row("6r", work, "git log --raw -z", 5.0, 3.0, ours.name, log.name)
    states = {"PTH002": "failed", "CMT002": "failed", "CMT003": "passed"}
    expected = Expected(asked, states, commits=COMMITS, findings=251)
    return Race("mixed-range", [ours, log], [row], [expected], (20, 4))


def _entries(tools: Tools) -> Race:
    where = _path("entries")
    staged = _check(tools, "entries", "--staged, 10000 entries", "--staged")
    ranged = _check(tools, "entries", "--range, 10000 entries", "--range", "main..work")
    diff = Contender(
        "git diff-tree --raw, 10000 entries",
        (tools.git, "diff-tree", "-r", "-z", "--raw", "--no-renames", "main", "work"),
        where,
    )
    work = "10,000 entries, 60 path patterns"
    rows = [
        Row("10", f"{work}, `--range`", PYTHON, 13.0, 8.0, ranged.name, PYTHON),
        Row("10s", f"{work}, `--staged`", PYTHON, 13.0, 8.0, staged.name, PYTHON),
    ]
    states = {"PTH001": "passed", "PTH002": "passed"}
    expected = [
        Expected(("--staged",), states, entries=ENTRIES),
        Expected(("--range", "main..work"), states, entries=ENTRIES),
    ]
    return Race("entries", [_bare(tools, "entries"), staged, ranged, diff], rows, expected, (20, 5))


def _lines(tools: Tools) -> Race:
    where = _path("lines")

    def ours(matching: int, ref: str) -> Contender:
        # A change that adds forbidden lines to some files must end with exit code 1.
        name = f"--range, {matching} of 2000 files match"
        return _check(tools, "lines", name, "--range", f"main..{ref}", exit_code=1 if matching else 0)

    none, few, most = ours(0, "none"), ours(FILES_WITH_FEW, "few"), ours(FILES_WITH_MOST, "most")
    diff = Contender(
        "git diff -U0, 1000000 lines", (tools.git, "diff", "-U0", "--no-renames", "main", "few"), where
    )
    patch = PLACE / "million.patch"
    unidiff = Contender(UNIDIFF_NAME, (tools.peers_python, "-c", UNIDIFF, str(patch)), where, max_runs=5)
    work = "content rules, 1,000,000 added lines"
    rows = [
        Row("11", f"{work}, few files match", "git diff -U0", 1.5, 0.5, few.name, diff.name),
        Row("11m", f"{work}, most files match", "git diff -U0", 1.5, 1.1, most.name, diff.name),
        Row("11n", f"{work}, none match", "git diff -U0", 1.5, 0.5, none.name, diff.name),
        Row("12", "the same, few files match", "unidiff", 0.5, 0.2, few.name, unidiff.name),
    ]
    expected = [
        Expected(("--range", "main..none"), {"CNT001": "passed"}),
        Expected(("--range", "main..few"), {"CNT001": "failed"}, findings=FILES_WITH_FEW),
        Expected(("--range", "main..most"), {"CNT001": "failed"}, findings=FILES_WITH_MOST),
    ]
    return Race("lines", [none, few, most, diff, unidiff], rows, expected, (10, 3))


def _documents(tools: Tools, name: str, numbers: tuple[str, str], work: str, runs: tuple[int, int]) -> Race:
    where = _path(name)

    def prepare(number: int) -> None:
        repositories.use_commit(where, number)

    first = _check(tools, name, f"--all, {name}", "--all", prepare=prepare)
    # This contender takes its turn right after the first one, on the same commit.
    again = _check(tools, name, f"--all again, {name}", "--all")
    parsing = Contender(f"markdown-it-py, {name}", (tools.python, "-c", MARKDOWN), where, max_runs=5)
    rows = [
        Row(numbers[0], f"`check --all`, {work}", "markdown-it-py", 0.25, 0.12, first.name, parsing.name),
        Row(numbers[1], "the same, nothing changed", "the first time", 0.2, 0.05, again.name, first.name),
    ]
    states = dict.fromkeys(("ART001", "ART002", "ART003", "ART004", "ART005", "ART008", "ART010"), "passed")
    return Race(name, [parsing, first, again], rows, [Expected(("--all",), states)], runs)


def write_patch(tools: Tools) -> None:
    """Write the patch that unidiff reads: the output of `git diff` for the million lines."""
    with (PLACE / "million.patch").open("wb") as file:
        subprocess.run(
            [tools.git, "diff", "-U0", "--no-renames", "main", "few"],
            cwd=_path("lines"),
            stdout=file,
            check=True,
        )
