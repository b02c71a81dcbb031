"""ART017: commands that end processes by name."""

from __future__ import annotations

import re
from functools import cache

from specguard.rules import Finding, MissingFact, Rule, Selecting, judge_each, setting, shortened
from specguard_rules.file_selection import INSTRUCTIONS, contents, plan_files, selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar, Final

    from specguard.rules import (
        Documents,
        Entry,
        Expression,
        Origin,
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
        for name, kind in plan_kinds.items():
            files = plan_files(kind, kind.plan)
            for path in selected(files, entries, head_files, whole=whole):
                setting.setdefault(path, f"plans.{name}.plan")

        def ends(one: tuple[bytes, bytes]) -> Iterator[Finding]:
            path, content = one
            for command in _kills(path, content, documents):
                yield _finding(command, path=path, line=command.line, setting=setting[path])

        read = contents(sorted(setting), head_files, entries)
        yield from judge_each((one for one in read if may_kill(one[1])), ends)
        if work_kinds or policy_change:
            touched = any(entry.path in policy.document_paths for entry in entries)
            yield from _gates(work_kinds, policy, policy_change, whole=whole or stage == "run" or touched)


def may_kill(content: bytes) -> bool:
    """Whether a text can have a command that ends processes; False is certain."""
    if len(content) > MUCH:
        return _hint().search(content)
    text = content.lower()
    # Quotes may part the letters.
    if re.search(rb"k[\"'\\]*i[\"'\\]*l[\"'\\]*l", text):
        return True
    return any(word in text for word in (b"stop-process", b"spps", b"terminate", b"wmic"))


@cache
def _hint() -> Expression:
    """The same for long texts, which RE2 reads faster."""
    from specguard.rules import Expression

    return Expression(r"(?i)k[\"'\\]*i[\"'\\]*l[\"'\\]*l|stop-process|spps|terminate|wmic")


def _kills(path: bytes, content: bytes, documents: Documents) -> Iterator[Command]:
    from specguard_rules.artifacts._process_kills import NAMED, process_kills
    from specguard_rules.content._commands import written_commands

    try:
        found = list(written_commands(path, content, documents))
    except MissingFact:
        if NAMED.search(content):
            raise
        return
    # What an alias in data stands for is one command.
    told = {(one.line, " ".join(one.words)): one for one in process_kills(found) if one.told}
    yield from told.values()


def _gates(
    work_kinds: Mapping[str, WorkKind], policy: Policy, change: PolicyChange, *, whole: bool
) -> Iterator[Finding]:
    """The gates of the policy, and those that the change brings into it."""
    altered = {one.key: one for one in change.differences if one.key.startswith("work.")}
    gates: list[tuple[str, str, Origin | None, str]] = []
    for name, kind in work_kinds.items() if whole else ():
        key = f"work.{name}.gates"
        for index, gate in enumerate(kind.gates) if key not in altered else ():
            setting = f"{key}.{index}.run"
            gates.append((gate.name, gate.run, policy.origin(setting), setting))
    for key, one in altered.items():
        table = one.new if key.count(".") == 1 and isinstance(one.new, dict) else {}
        brought = one.new if key.endswith(".gates") else table.get("gates")
        gates += [
            (str(gate.get("name", "")), str(gate.get("run", "")), one.new_origin, "")
            for gate in brought or ()
        ]
    for name, run, origin, setting in gates:
        if origin is not None and origin.path.startswith("preset:"):
            origin = None
        for command in _in_gate(run):
            path = origin.path.encode("utf-8", "surrogateescape") if origin else None
            line = origin.line if origin else None
            yield _finding(command, path=path, line=line, setting=setting, gate=name)


def _in_gate(run: str) -> Iterator[Command]:
    if may_kill(run.encode("utf-8", "surrogateescape")):
        from specguard_rules.artifacts._process_kills import process_kills
        from specguard_rules.content._shell import commands

        yield from process_kills(commands(run))


def _written(command: Command) -> str:
    """A command as it is written, with what its substitution runs where it has one."""
    words = " ".join(command.words)
    if words.count("$()") != 1:
        return words
    inner = "".join(f"{' | ' if one.piped else '; '}{' '.join(one.words)}" for one in command.inner)
    return words.replace("$()", f"$({inner[2:].lstrip()})")


def _finding(
    command: Command, *, path: bytes | None, line: int | None, setting: str = "", gate: str = ""
) -> Finding:
    where = f"the gate {gate!r}: " if gate else ""
    message = f"{where}`{shortened(_written(command), 80)}` ends processes by name, whoever started them"
    help = 'End the process that was started, by its id: `server & pid=$!`, then `kill "$pid"`.'
    return Finding(message, help=help, path=path, line=line, key=" ".join(command.words), setting=setting)
