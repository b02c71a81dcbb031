"""Like findings told as one: the first of them, how many others there are, and one step for all.

Formats that list every finding do without this: nothing here alters a finding, its fingerprint or its state.
"""

from __future__ import annotations

import os
import re

from specguard.model import path_text
from specguard.reporters.escape import cut_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from specguard.model import Finding, Judged, Verdict

_NAMED: Final = 8
"""So many of the other places are named; fewer of what is not there yet."""

_OPERANDS: Final = 9
"""So many names are given to one command."""

# Compiled where there are several findings, so that a refused edit does not wait for it.
_COMMAND: Final = r"`([^`]+?) -- ([\w@%+=:,./-]+|\$?'[^'`]*')((?:'| &&)[^`]*)?`"
"""A command that takes a path behind `--`, and what follows; it takes several there."""

_WILD: Final = rb"[*?\[\\]|^:"
"""What git reads as a pattern."""

_AMENDED: Final = r"git mv -- [^`&]+ && git commit --amend --no-edit --allow-empty`"
"""A move that is taken back into the newest commit."""

_FOLDERS: Final = {
    "rm": "git clean -fdq",
    "git rm --cached": "git restore --staged",
    "git rm -f --cached": "git restore --staged",
    "git rm -f": "git restore --staged --worktree",
}
"""For commands that undo what was added: those that take a folder, and leave alone what is not changed."""


class Fold:
    """Findings of one rule that say the same of several places.

    Attributes:
        first: the first of them.
        count: how many they are.
        others: what stands behind the message of the first; empty where there are no others.
        help: the next step for all of them.
    """

    __slots__ = ("count", "first", "help", "others")

    def __init__(self, found: Sequence[Judged], verdict: Verdict) -> None:
        self.first = found[0]
        self.count = len(found)
        most = 3 if verdict.change.get("source") == "edit" else _NAMED
        rest = len(found) - 1 - most
        names = [_place(judged.finding) for judged in found[1 : most + 1]]
        more = f" and {rest} more" if rest > 0 else ""
        self.others = f"; likewise {', '.join(names)}{more}" if names else ""
        self.help = _step([judged.finding for judged in found], verdict) if names else found[0].finding.help


def fold(found: Iterable[Judged], verdict: Verdict) -> list[Fold]:
    """The findings of one rule, like ones together, in the order of the first of each.

    A file that was moved is told where it was, and not a second time where it went. A finding that an
    approval names, or a baseline counts, stands alone.

    Args:
        found: findings of one rule.
        verdict: the verdict that has them.
    """
    found = list(found)
    if len(found) == 1:
        return [Fold(found, verdict)]
    gone = {(one.finding.moved, one.finding.path) for one in found if one.finding.side == "base"}
    groups: dict[object, list[Judged]] = {}
    for judged in found:
        finding = judged.finding
        if finding.side is None and finding.moved and (finding.path, finding.moved) in gone:
            continue
        like: object = (
            judged.severity, judged.state, judged.authority, finding.commit, finding.moved is None,
            _like(finding.message, finding), _like(finding.help, finding),
        )  # fmt: skip
        alone = finding.path is None or judged.lifts or judged.exceeds
        groups.setdefault(id(judged) if alone else like, []).append(judged)
    return [Fold(group, verdict) for group in groups.values()]


def _place(finding: Finding) -> str:
    name = cut_path(path_text(finding.path or b""))
    return f"{name}:{finding.line}" if finding.line else name


def _like(text: str, finding: Finding) -> str:
    """A text without the names that it has of its own finding."""
    if " -- " in text:
        text = re.sub(_COMMAND, r"`\1 -- \3`", text)
    for path in (finding.path, finding.moved):
        name = path_text(path) if path else ""
        # An expression for each path is dear where there are thousands.
        if name and name in text:
            text = re.sub(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])", "\0", text)
    return text


def _step(findings: Sequence[Finding], verdict: Verdict) -> str:
    """The next step of like findings; where no command does it for all, that of the first."""
    help_ = findings[0].help
    if "`" not in help_:
        same = all(finding.help == help_ for finding in findings)
        return help_ if same else f"{help_.rstrip('.')}, and so with the others."
    commands = [re.search(_COMMAND, finding.help) for finding in findings]
    first = commands[0]
    paths = list(dict.fromkeys(finding.path for finding in findings if finding.path))
    if first and findings[0].moved:
        back = _moved_back(findings, verdict)
        if back:
            return f"Put them back with `{back}`{help_.rpartition('`')[2]}"
    operands = [found[2] for found in commands if found]
    after = {found[3] or "" for found in commands if found}
    # Within quotes there are no others.
    nested = any(rest.startswith("'") for rest in after)
    if first is None or len(paths) == 1 or len(after) > 1 or (nested and any("'" in one for one in operands)):
        same = len({finding.help for finding in findings}) == 1
        return help_ if same else f"{help_.rstrip('.')}, and so with the others."
    command = first[1]
    wide = command if re.search(r"\b(?:checkout|reset) ", command) else ""
    if verdict.change.get("source") in ("staged", "worktree"):
        wide = wide or _FOLDERS.get(command, "")
    covering = _covering(paths, paths, verdict.touched) if wide and len(operands) > _OPERANDS else []
    if covering and not (nested and any("'" in one for one in covering)):
        command, operands = wide, covering
    rest = len(operands) - _OPERANDS
    step = f"{command} -- {' '.join(dict.fromkeys(operands[:_OPERANDS]))}{''.join(after)}"
    more = f", and so with {rest} more" if rest > 0 else ""
    before = re.sub(r"\bit\b", "them", help_[: first.start()], count=1)
    return f"{before}`{step}`{more}{help_[first.end() :]}"


def _moved_back(findings: Sequence[Finding], verdict: Verdict) -> str:
    """The command that puts files back where they were; empty where it would be too long."""
    old = [one.path if one.side == "base" else one.moved for one in findings]
    new = [one.moved if one.side == "base" else one.path for one in findings]
    both = [path for path in (*old, *new) if path]
    gone, come = (_covering([path for path in some if path], both, verdict.touched) for some in (old, new))
    if not gone or not come:
        return ""
    both_ends = " ".join([*gone, *come])
    if verdict.change.get("source") == "staged":
        return f"git restore --staged --worktree -- {both_ends}"
    if verdict.change.get("source") == "worktree":
        return f"git restore -- {' '.join(gone)} && git clean -fdq -- {' '.join(come)}"
    start = verdict.change.get("merge_base")
    if not start or not all(re.search(_AMENDED, one.help) for one in findings):
        return ""
    return (
        f"git restore --source={start[:12]} --staged --worktree -- {both_ends}"
        " && git commit --amend --no-edit --allow-empty"
    )


def _covering(paths: Sequence[bytes], wanted: Sequence[bytes], touched: Sequence[bytes]) -> list[str]:
    """Words for git that name these paths, and nothing that is touched and not wanted; none if too many."""
    found = cover(paths, touched, wanted)
    others: list[bytes] = []
    if len(found) > _OPERANDS:
        folder = os.path.commonpath(paths)
        others = [path for path in touched if path.startswith(folder + b"/") and path not in set(wanted)]
        found, others = [folder], cover(others, touched)
    if (
        not all(found)
        or len(others) >= _OPERANDS
        or any(re.search(_WILD, path) for path in (*found, *others))
    ):
        return []
    from specguard.reporters.approvals import shell_word

    return [*map(shell_word, found), *(shell_word(b":!" + path) for path in others)]


def cover(paths: Sequence[bytes], touched: Iterable[bytes], also: Sequence[bytes] = ()) -> list[bytes]:
    """The fewest files and folders that hold all of these paths, and of the others that are touched none.

    Args:
        paths: the paths.
        touched: all paths of the change; where there are none, no folder is taken.
        also: others that a folder may hold.
    """
    wanted = {*paths, *also}
    others: set[bytes] = set()
    known = False
    for path in touched:
        known = True
        while path not in wanted and b"/" in path:
            path = path.rpartition(b"/")[0]
            others.add(path)
    found: dict[bytes, None] = {}
    for path in paths:
        parts = path.split(b"/")
        above = (b"/".join(parts[:depth]) for depth in range(1, len(parts)))
        folder = next((one for one in above if known and one not in others), path)
        found[folder] = None
    return list(found)
