"""ART017: commands that end processes by name."""

from __future__ import annotations

import re
from functools import cache

from specguard.rules import Finding, MissingFact, Rule, Selecting, setting, shortened
from specguard_rules.artifacts._instructions import INSTRUCTIONS
from specguard_rules.selected import contents, selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar, Final

    from specguard.rules import (
        Documents,
        Entry,
        Expression,
        PlanKind,
        Policy,
        PolicyChange,
        Stage,
        Tree,
        WorkKind,
    )
    from specguard_rules.content._shell import Command

MUCH: Final = 1 << 14
"""Texts of more bytes than this are looked through by RE2, whose import costs more than smaller ones take."""


class ProcessKillByName(Rule):
    r"""A script, gate, CI file or brief ends processes by name.

    Reported are `killall`, `pkill`, `taskkill /IM`, `Stop-Process -Name`, and `kill` with ids from `pgrep`,
    `pidof` or a filtered `ps`. `kill` with an id from `$!` or a file is fine, and so are `pkill -P`, signal 0
    and commands within a container. The rule reads `files`, plans and gates.

    Why is this bad? On a shared machine, `pkill -f vite` also ends another agent's server.

    How to fix it: keep the id (`server & pid=$!`), and end that process (`kill "$pid"`).

    ```text
    error: AGENTS.md:3: `pkill -f vite` ends processes by name, whoever started them
    ```

    ```toml fails
    [[commits]]
    message = "chore: scripts"

    [commits.files]
    "scripts/stop.sh" = "pids=$(pgrep -f vite)\nkill $pids\n"
    "AGENTS.md" = "Never use `killall`.\n\nBefore you begin, run `pkill -f vite`.\n"

    [[expect]]
    code = "ART017"
    path = "AGENTS.md"
    line = 3

    [[expect]]
    code = "ART017"
    path = "scripts/stop.sh"
    line = 2
    ```

    ```toml passes
    [[commits]]
    message = "chore: scripts"

    [commits.files]
    "scripts/stop.sh" = "vite & pid=$!\ntrap 'kill $pid' EXIT\npkill -P $$\n# killall vite\n"
    "AGENTS.md" = "Never use `killall`: end the process that you started, by its id.\n"
    ```
    """

    code: ClassVar[str] = "ART017"
    name: ClassVar[str] = "process-kill-by-name"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "no script, gate, CI file or brief ends processes by name"

    files: Selecting = setting(Selecting.of(
        "**/*.sh", "**/*.bash", "**/*.zsh", "**/*.ksh", "**/*.ps1", "**/*.psm1", "**/*.bat", "**/*.cmd",
        "**/Makefile", "**/makefile", "**/GNUmakefile", "**/*.mk", "**/package.json", ".github/**/*.yml",
        ".github/**/*.yaml", "**/action.yml", "**/action.yaml", "**/.gitlab-ci.yml", ".gitlab/**/*.yml",
        "scripts/**", "tools/**", "bin/**", "ci/**", ".ci/**", ".githooks/**", ".husky/**", ".claude/**",
        ".codex/**", ".cursor/**", ".gemini/**", ".agent/**", ".agents/**", ".plans/**",
        "**/briefs/**/*.md", *INSTRUCTIONS
    ), "the files to read", tightens="more")  # fmt: skip

    def check(
        self,
        entries: Sequence[Entry],
        head_files: Tree,
        documents: Documents,
        whole: bool,
        stage: Stage,
        policy: Policy,
        policy_change: PolicyChange,
        plan_kinds: Mapping[str, PlanKind],
        work_kinds: Mapping[str, WorkKind],
    ) -> Iterator[Finding]:
        """Look at the files that the change touches, and at the gates."""
        found = selected(self.files, entries, head_files, whole=whole)
        setting = {path: f"files.{index}" for path, index in found.items()}
        if plan_kinds:
            from specguard_rules.artifacts._plan_files import plan_files

            for name, kind in plan_kinds.items():
                for path in selected(plan_files(kind, kind.plan), entries, head_files, whole=whole):
                    setting.setdefault(path, f"plans.{name}.plan")
        missing: MissingFact | None = None
        for path, content in contents(sorted(setting), head_files, entries):
            if not may_kill(content):
                continue
            try:
                for command in _kills(path, content, documents):
                    yield _finding(command, path=path, line=command.line, setting=setting[path])
            except MissingFact as fact:
                missing = missing or fact
        if work_kinds or policy_change:
            touched = any(entry.path in policy.document_paths for entry in entries)
            yield from _gates(work_kinds, policy, policy_change, whole=whole or stage == "run" or touched)
        if missing is not None:
            raise missing


def may_kill(content: bytes) -> bool:
    """Whether a text has what each has that ends processes by name; most texts have nothing of it."""
    if len(content) > MUCH:
        return _hint().search(content)
    text = content.lower()
    # Quotes may part the letters.
    if re.search(rb"k[\"'\\]*i[\"'\\]*l[\"'\\]*l", text):
        return True
    return b"stop-process" in text or b"spps" in text or b"terminate" in text or b"wmic" in text


@cache
def _hint() -> Expression:
    from specguard.rules import Expression

    return Expression(r"(?i)k[\"'\\]*i[\"'\\]*l[\"'\\]*l|stop-process|spps|terminate|wmic")


def _kills(path: bytes, content: bytes, documents: Documents) -> Iterator[Command]:
    from specguard_rules.artifacts._process_kills import NAMED, process_kills
    from specguard_rules.artifacts._run_commands import run_commands

    try:
        found = list(run_commands(path, content, documents))
    except MissingFact:
        if NAMED.search(content):
            raise
        return
    known: set[tuple[int, str]] = set()
    for command in process_kills(found):
        # What an alias in data stands for is one command.
        told = (command.line, " ".join(command.words))
        if command.told and told not in known:
            known.add(told)
            yield command


def _gates(
    work_kinds: Mapping[str, WorkKind], policy: Policy, change: PolicyChange, *, whole: bool
) -> Iterator[Finding]:
    """The gates that end processes by name: those of the policy, and those that the change brings."""
    altered = {difference.key: difference for difference in change.differences}
    for name, kind in work_kinds.items():
        key = f"work.{name}.gates"
        if whole and key not in altered:
            for index, gate in enumerate(kind.gates):
                for command in _in_gate(gate.run):
                    setting = f"{key}.{index}.run"
                    origin = policy.origin(setting)
                    inside = origin is not None and not origin.path.startswith("preset:")
                    yield _finding(
                        command,
                        path=origin.path.encode("utf-8", "surrogateescape") if origin and inside else None,
                        line=origin.line if origin and inside else None,
                        setting=setting,
                        gate=gate.name,
                    )
    for key, difference in altered.items():
        parts = key.split(".")
        if parts[0] != "work":
            continue
        brought = difference.new
        if len(parts) == 2:
            brought = brought.get("gates") if isinstance(brought, dict) else None
        elif parts[2:] != ["gates"]:
            continue
        place = difference.new_origin
        for gate in brought or ():
            for command in _in_gate(str(gate.get("run", ""))):
                yield _finding(
                    command,
                    path=place.path.encode("utf-8", "surrogateescape") if place else None,
                    line=place.line if place else None,
                    gate=str(gate.get("name", "")),
                )


def _in_gate(run: str) -> Iterator[Command]:
    if "kill" in run.lower() or "spps" in run.lower() or "stop-process" in run.lower():
        from specguard_rules.artifacts._process_kills import process_kills
        from specguard_rules.content._shell import commands

        yield from process_kills(commands(run))


def _written(command: Command) -> str:
    """A command with what its substitution runs, where it has but one."""
    words = " ".join(command.words)
    if words.count("$()") != 1:
        return words
    inner = "".join(f"{' | ' if one.piped else '; '}{' '.join(one.words)}" for one in command.inner)
    return words.replace("$()", f"$({inner[2:].lstrip()})")


def _finding(
    command: Command, *, path: bytes | None, line: int | None, setting: str = "", gate: str = ""
) -> Finding:
    words = " ".join(command.words)
    return Finding(
        f"{f'the gate {gate!r}: ' if gate else ''}`{shortened(_written(command), 80)}` ends processes "
        "by name, whoever started them",
        help='End the process that was started, by its id: `server & pid=$!`, then `kill "$pid"`.',
        path=path,
        line=line,
        key=words,
        setting=setting,
    )
