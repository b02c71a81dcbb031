"""A rule about commands that end processes by name, and the recognition of such commands."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, Selecting, judge_each, setting, shortened
from specguard_rules.artifacts.hidden_text_and_secrets import INSTRUCTIONS, select_files
from specguard_rules.content.forbidden import COMMAND_FILES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Documents, Entry, Origin, PlanKind, Policy, PolicyChange, Stage, WorkKind
    from specguard_rules.content._shell import Command


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
    condition: ClassVar[str] = "no script, gate, CI file or brief ends processes by name"

    files: Selecting = setting(Selecting.of(
        *COMMAND_FILES, ".claude/**", ".codex/**", ".cursor/**", ".gemini/**", ".agent/**", ".agents/**",
        ".plans/**", "**/briefs/**/*.md", *INSTRUCTIONS
    ), "the files to read", tightens="more")  # fmt: skip

    def check(
        self,
        entries: Sequence[Entry],
        documents: Documents,
        whole: bool,
        stage: Stage,
        policy: Policy,
        policy_change: PolicyChange,
        plan_kinds: Mapping[str, PlanKind],
        work_kinds: Mapping[str, WorkKind],
    ) -> Iterator[Finding]:
        """Search the files that the change touches, and the gates."""
        setting = select_files(self.files, entries, documents, whole=whole)
        for name, kind in plan_kinds.items():
            for path in select_files(kind.task_file.pattern, entries, documents, whole=whole):
                setting.setdefault(path, f"plans.{name}.plan")

        documents.prefetch(setting)

        def ends(path: bytes) -> Iterator[Finding]:
            content = documents.content(path) or b""
            for command in _killing_commands(path, content, documents) if may_kill(content) else ():
                yield _finding(command, path, command.line, setting[path])

        if work_kinds or policy_change:
            touched = any(entry.path in policy.document_paths for entry in entries)
            yield from _gates(work_kinds, policy, policy_change, whole=whole or stage == "run" or touched)
        # A file that cannot be read is reported last, and hides no other finding.
        yield from judge_each(sorted(setting), ends)

    def killing_part(self, command: str) -> str:
        """Return the part of a gate's command that ends processes by name; empty if there is none."""
        return next(map(_command_text, _kills_in(command)), "")


# Quotes may part the letters. One expression of all hints takes twice as long.
_KILL: Final = rb"k[\"'\\]*i[\"'\\]*l[\"'\\]*l"
_OTHER_HINTS: Final = (b"stop-process", b"spps", b"wmic")


def may_kill(content: bytes) -> bool:
    """True if a text may have a command that ends processes; False is certain."""
    text = content.lower()
    return re.search(_KILL, text) is not None or any(hint in text for hint in _OTHER_HINTS)


def _killing_commands(path: bytes, content: bytes, documents: Documents) -> Iterator[Command]:
    from specguard_rules.content._commands_in_files import file_commands

    found = list(file_commands(path, content, documents, needed=re.search(_NAMED, content) is not None))
    # The target of an alias in data is one command.
    unique = {(one.line, " ".join(one.words)): one for one in process_kills(found) if one.is_instruction}
    yield from unique.values()


def _gates(
    work_kinds: Mapping[str, WorkKind], policy: Policy, change: PolicyChange, *, whole: bool
) -> Iterator[Finding]:
    """Yield findings for the policy's gates, and for those that the change adds."""
    altered = {one.key: one for one in change.differences if one.key.startswith("work.")}
    gates: list[tuple[str, str, Origin | None, str]] = []
    for name, kind in work_kinds.items() if whole else ():
        key = f"work.{name}.gates"
        for index, gate in enumerate(kind.gates) if key not in altered else ():
            setting = f"{key}.{index}.run"
            gates.append((gate.name, gate.run, policy.origin(setting), setting))
    for key, one in altered.items():
        # A kind as a whole, or its gates.
        added = (one.new or {}).get("gates") if key.count(".") == 1 else key.endswith(".gates") and one.new
        gates += [(str(new.get("name")), str(new.get("run")), one.new_origin, "") for new in added or ()]
    for name, run, origin, setting in gates:
        place = origin if origin is not None and origin.is_file else None
        for command in _kills_in(run):
            path, line = (place.path.encode(errors="surrogateescape"), place.line) if place else (None, None)
            yield _finding(command, path, line, setting, name)


def _kills_in(text: str, depth: int = 0) -> Iterator[Command]:
    """Yield the commands of a shell text that end processes by name."""
    if may_kill(text.encode("utf-8", "replace")):
        from specguard_rules.content._shell import parse_commands

        yield from process_kills(parse_commands(text), depth)


def _command_text(command: Command) -> str:
    """Return a command as it is written, with the commands of its only substitution."""
    inner = "".join(f"{' | ' if one.reads_pipe else '; '}{' '.join(one.words)}" for one in command.nested)
    words = " ".join(command.words).removesuffix("" if inner else " $()")
    return words.replace("$()", f"$({inner[2:].lstrip()})") if words.count("$()") == 1 else words


def _finding(command: Command, path: bytes | None, line: int | None, setting: str, gate: str = "") -> Finding:
    where, key = f"the gate {gate!r}: " if gate else "", " ".join(command.words)
    message = f"{where}`{shortened(_command_text(command), 80)}` ends processes by name, whoever started them"
    help = 'End the process that was started, by its id: `server & pid=$!`, then `kill "$pid"`.'
    return Finding(message, help, path, line, key=key, setting=setting)


# The expressions are compiled on first use, which most changes do not need.
_NAMED: Final = rb"(?i)(?<![\w-])(?:p?kill|killall|taskkill|stop-process|spps|wmic)(?![\w-])"
"""Matches in every text that ends processes."""

_KILLERS: Final = ("killall", "pkill", "taskkill")
# Programs that run a command given by their words, or by a text in one of them.
_CARRIERS: Final = frozenset(
    ["ssh", "su", "runuser", "trap", "parallel", "watch", "find", "flock", "concurrently", "npx", "cmd"]
)
_MOST_CARRIED: Final = 40
_DEPTH: Final = 5
# Options of `pkill`, `pgrep` and `killall` with a signal, or with the id by which they select; those that
# select by user, and those that end nothing.
_VALUED: Final = ("-F", "-g", "-P", "-s", "--parent", "--pgroup", "--pidfile", "--session", "--signal")
_USER_OPTION: Final = r"-[uU].*|--(?:e?uid|user)(?:=.*)?"
_PROBES: Final = r"\n(?:-0|(?:-[sn]|--signal)[\n=]?0|-[lLVht]|--(?:list|version|help|table))(?![\w.-])"
_FILTERS: Final = frozenset(["grep", "egrep", "fgrep", "rg", "awk", "gawk", "mawk", "sed", "findstr"])
_PICKS_IDS: Final = r"-?[pq]|--p?pid(?:=.*)?|--quick-pid(?:=.*)?"
_READERS: Final = frozenset(["read", "mapfile", "readarray"])
_VARIABLE_COMMANDS: Final = frozenset([*_READERS, "local", "export", "declare", "readonly", "typeset", "for"])
# PowerShell assigns the processes that it finds to a variable: `$found = Get-Process node`.
_POWERSHELL_LOOKUP: Final = r"(?i)\$(\w+)\s*=(?!.* -id\b).*\b(?:get-process|gps)\b"
_VARIABLE: Final = r"\$\{?([A-Za-z_][A-Za-z0-9_]*)"


def process_kills(found: Sequence[Command], depth: int = 0) -> Iterator[Command]:
    """Yield the commands that end processes by name.

    Args:
        found: the commands of a text, in their order.
        depth: the number of commands that carry them as arguments.
    """
    inside = {id(inner) for command in found for inner in command.nested}
    # A loop reads what is behind its end: `done < <(pgrep x)`.
    ends = [one for one in found[::-1] if one.program == "done" and one.targets and id(one) not in inside]
    looked_up: set[str] = set()
    before: list[Command] = []
    for command in (one for one in found if id(one) not in inside):
        yield from process_kills(command.nested, depth + 1)
        # Only the last commands of a pipeline are kept, more than people write.
        before = before[-_MOST_CARRIED:] if command.reads_pipe else []
        if ends and command is ends[-1]:
            ends.pop()
        words = command.unwrap()
        fed = [] if before or command.targets or not ends else ends[-1].nested[:_MOST_CARRIED]
        if assigned := re.match(_POWERSHELL_LOOKUP, " ".join(words)):
            looked_up.add(assigned[1].lower())
        elif _finds_by_name(command.nested) or (_program(words) in _READERS and _finds_by_name(fed + before)):
            # The values of these variables were looked up by name.
            looked_up.update(name.lower() for name, value in command.assignments if "$()" in value)
            if _program(words) in _VARIABLE_COMMANDS:
                looked_up.update(word.partition("=")[0].lower() for word in words[1:])
        if _ends_by_name(command, before, looked_up) or _carries_kill(words, depth):
            yield command
        before.append(command)


def _program(words: Sequence[str]) -> str:
    """Return the program's name, also in the spelling of Windows or of a makefile."""
    name = words[0].replace("\\", "/").rpartition("/")[2] if words else ""
    return name.lower().removesuffix(".exe").lstrip("@")


def _ends_by_name(command: Command, pipeline: Sequence[Command], looked_up: set[str]) -> bool:
    words = command.unwrap()
    program = _program(words)
    # A pattern such as `ssh -L` is one word.
    args = "\n".join(["", *words[1:]])
    via_xargs = any(_program([word]) in ("xargs", "parallel") for word in command.words[: -len(words)])
    if program in ("killall", "pkill"):
        return via_xargs or (re.search(_PROBES, args) is None and _selects_by_name(program, words[1:]))
    if program == "taskkill":
        return re.search(r"(?i)\s(?:[/-]{1,2}im\b|(?:imagename|windowtitle)\s)", args) is not None
    if program == "wmic":
        return re.search(r"(?is)\sprocess\b.*name.*\s(?:delete|terminate)\b", args) is not None
    if program not in ("kill", "stop-process", "spps") or (program == "kill" and re.match(_PROBES, args)):
        return False
    if re.search(rf"(?i)\s-(?:{'name' if program == 'kill' else 'na?m?e?'}|processname)\b", args):
        return True
    given = [*words[1:], *(word for one in pipeline for word in one.words)]
    used = {name.lower() for word in given for name in re.findall(_VARIABLE, word)}
    substituted = "$()" in args and _finds_by_name(command.nested)
    return bool(used & looked_up) or substituted or _finds_by_name(pipeline)


def _finds_by_name(found: Sequence[Command]) -> bool:
    """True if commands look up processes by name."""
    lists = False
    for command in found:
        words = command.unwrap()
        program, arguments = _program(words), words[1:]
        if program in ("ps", "tasklist"):
            lists = lists or not any(re.fullmatch(_PICKS_IDS, word) for word in arguments)
        if _takes_name(program, arguments) or (lists and program in _FILTERS):
            return True
    return False


def _takes_name(program: str, arguments: Sequence[str]) -> bool:
    """True if a command by itself looks up processes by a name among its arguments."""
    if program == "pgrep":
        return _selects_by_name(program, arguments)
    if program in ("get-process", "gps"):
        return all(word.lower() != "-id" for word in arguments)
    return program == "pidof" or (program == "ps" and any(re.match(r"-\w*C$", one) for one in arguments))


def _selects_by_name(program: str, arguments: Sequence[str]) -> bool:
    """True if `pgrep`, `pkill` or `killall` selects by a name or a user, and not only by an id."""
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            return next(rest, None) is not None
        if not word.startswith("-") or re.fullmatch(_USER_OPTION, word):
            return True
        # `killall -g` takes no value.
        if word in _VALUED and (program != "killall" or word in ("-s", "--signal")):
            next(rest, None)
    return False


def _carries_kill(words: Sequence[str], depth: int) -> bool:
    """True if a command runs another command, given by its words, that ends processes by name."""
    if depth >= _DEPTH or _program(words) not in _CARRIERS:
        return False
    carried = enumerate(words[1:_MOST_CARRIED], start=1)
    texts = (" ".join(words[at:]) if _program([word]) in _KILLERS else word for at, word in carried)
    return any(any(_kills_in(text, depth + 1)) for text in texts)
