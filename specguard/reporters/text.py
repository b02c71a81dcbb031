"""The report for a person: what failed, which line says so, what to do next, and one verdict line.

Formats that list every finding do without this: nothing here alters a finding, its fingerprint or its state.
"""

from __future__ import annotations

import os
import re

from specguard.declaration.rule import Record
from specguard.errors import named
from specguard.model import Finding, Judged, RuleResult, Verdict, counted, listed, path_text, put_aside
from specguard.reporters.escape import cut, cut_path, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final


SHOWN: Final = 20
"""How many findings of one rule are shown in full before the rest is counted."""

_COLOURS: Final = {"error": "31", "warning": "33", "info": "36", "good": "32", "strong": "1", "quiet": "2"}


class Style:
    """Colours, for a terminal alone.

    Args:
        colour: whether to use them.
    """

    def __init__(self, colour: bool = False) -> None:
        self._colour = colour

    def __call__(self, kind: str, text: str) -> str:
        """The text in the colour of a severity, or `good`, `strong` or `quiet`."""
        return f"\033[{_COLOURS[kind]}m{text}\033[0m" if self._colour else text


def render(
    verdicts: Sequence[Verdict], *, colour: bool = False, explain: bool = False, statistics: bool = False
) -> str:
    """The verdicts as text, ending in a newline.

    Args:
        verdicts: one, or one a ref of a push.
        colour: whether the reader is a terminal that wants it.
        explain: say for each rule what it looked at and what held.
        statistics: say how many findings each rule has.
    """
    style = Style(colour)
    lines: list[str] = []
    idle = [one for one in verdicts if one.empty and one.outcome == "passed"] if len(verdicts) > 1 else []
    for verdict in verdicts:
        if verdict in idle:
            continue
        if len(verdicts) > 1:
            subject = visible(str(verdict.change.get("branch") or verdict.change["head"]))
            lines += [style("strong", subject), ""]
        for result in gravest_first(verdict):
            lines += _findings(result, style, verdict)
        if verdict.policy_change:
            lines += _policy_change(verdict, style)
        for results in undecided(verdict):
            lines += _undecided(results, style)
        if explain:
            lines += _explanation(verdict)
        if statistics:
            lines += _statistics(verdict)
        lines += [style("quiet", f"note: {visible(cut(note))}") for note in verdict.notes]
        lines.append(verdict_line(verdict, style))
    if idle:
        lines.append(
            f"specguard: {style('good', 'passed')}: {counted(len(idle), 'ref')} with nothing to judge"
        )
    return "\n".join(lines) + "\n"


def verdict_line(verdict: Verdict, style: Style) -> str:
    """The one line that says how it ended, how many findings there are, and what could not be judged."""
    outcome = verdict.outcome
    kind = {"passed": "good", "accepted": "warning"}.get(outcome, "error")
    said = end_of(verdict)
    if outcome == "indeterminate" and verdict.counts["failed"]:
        said = f"failed, and {outcome}"
    # A push can be refused for its branch although it brings no commits.
    subject = "nothing to judge" if verdict.empty and outcome == "passed" else subject_of(verdict)
    told = ", ".join(found_in(verdict))
    return f"specguard: {style(kind, said)} ({subject}){f': {told}' if told else ''}"


def end_of(verdict: Verdict) -> str:
    """The outcome in a word or two."""
    return "would block" if verdict.dry_run and verdict.outcome == "failed" else verdict.outcome


def found_in(verdict: Verdict) -> Iterator[str]:
    """The number of findings of each kind, and of rules that could not be judged."""
    found = verdict.findings
    errors = [judged for judged in found if judged.severity == "error" and judged.state == "open"]
    if errors:
        files = len({judged.finding.path for judged in errors} - {None})
        where = f" in {counted(files, 'file')}" if files else ""
        rules = counted(len({judged.code for judged in errors}), "rule")
        yield f"{counted(len(errors), 'error')}{where} ({rules})"
    warnings = sum(judged.severity == "warning" and judged.state == "open" for judged in found)
    if warnings:
        yield counted(warnings, "warning")
    for state, said in (("approved", "approved"), ("baselined", "in the baseline")):
        count = sum(judged.state == state for judged in found)
        if count:
            yield f"{count} {said}"
    count = verdict.counts["indeterminate"]
    if count:
        yield f"{counted(count, 'rule')} could not be judged"


def subject_of(verdict: Verdict) -> str:
    """The judged change and its size: `range, 2 commits, 4 files`."""
    change = verdict.change
    parts = [str(change["source"])]
    for name, what in (("commits", "commit"), ("entries", "file")):
        if change.get(name) is not None:
            parts.append(counted(change[name], what))
    said = ", ".join(parts)
    if not change.get("whole"):
        return said
    return f"the whole tree; {said}" if change.get("commits") or change.get("entries") else "the whole tree"


def _findings(result: RuleResult, style: Style, verdict: Verdict) -> Iterator[str]:
    if not result.findings:
        return
    yield style("strong", f"{result.code} {result.name}")
    # Nobody has to do anything about what is in the baseline.
    shown = fold((judged for judged in result.findings if judged.state != "baselined"), verdict)
    # What several findings have in common is said once, below the last of them.
    told = [_told(like, style) for like in shown[:SHOWN]]
    for like, own, following in zip(shown, told, [*told[1:], None], strict=False):
        judged = like.first
        state = "" if judged.state == "open" else f" ({judged.state})"
        yield f"  {style(judged.severity, judged.severity)}{state}: {located(judged)}{visible(like.others)}"
        if own != following:
            yield from own
    rest = sum(like.count for like in shown[SHOWN:])
    if rest:
        yield f"  and {rest} more; --output-format json has them all"
    if any(judged.state == "baselined" for judged in result.findings):
        yield style("quiet", f"  {in_baseline(result)}")
    if result.approvers:
        from specguard.reporters.wording import may_approve

        allowed = may_approve(result, str(verdict.change.get("source")))
        if allowed:
            yield f"  {visible(allowed[0])}:"
            yield f"    {visible(allowed[1])}"
    yield ""


def _policy_change(verdict: Verdict, style: Style) -> Iterator[str]:
    """The effect of the change on the policy, without the part that a finding above tells."""
    from specguard.reporters import wording

    first, *rest = wording.policy_lines(verdict)
    yield style("strong", first)
    yield from (f"  {line}" for line in rest)
    yield ""


def in_baseline(result: RuleResult) -> str:
    """The number of a rule's errors that the baseline accepts, as a clause."""
    count = sum(judged.state == "baselined" for judged in result.findings)
    return f"{counted(count, 'error')} in the baseline"


def said(judged: Judged) -> str:
    """A finding's message, with a name that is very long cut, and not longer than people read."""
    message, path = judged.finding.message, judged.finding.path
    if path is not None and len(message) > len(path):
        name = path_text(path)
        message = message.replace(name, cut_path(name))
    return cut(message)


def located(judged: Judged) -> str:
    """A finding's message behind where it is, with nothing said twice."""
    finding = judged.finding
    message = visible(said(judged))
    where = place(judged)
    # A message may begin with the name of its file or commit already.
    name = where.removesuffix(": ") if finding.path is None else visible(cut_path(path_text(finding.path)))
    if where and message.startswith((f"{name} ", f"{name}, ")):
        where, message = (where, message.removeprefix(f"{name} ")) if finding.line else ("", message)
    return f"{where}{message}"


def _told(like: Fold, style: Style) -> list[str]:
    """The line that decides them, and the next step."""
    told = []
    # A finding about a line of the authority is at the line that decides.
    here = place(like.first).removesuffix(": ")
    for kind, text in details(like.first, like):
        line = f"    {kind:<5}{visible(text)}" if kind else f"    {visible(text)}"
        if (kind, visible(text)) != ("by", here):
            told.append(style("quiet", line) if kind in ("by", "more") else line)
    return told


def details(judged: Judged, like: Fold | None = None) -> Iterator[tuple[str, str]]:
    """The lines below a finding's message, each with what it is: `by`, `more`, `next`; empty: an approval.

    Args:
        judged: the finding.
        like: the findings that it is told with.
    """
    if by := decided_by(judged):
        yield "by", by
    if judged.exceeds:
        found, accepted = judged.exceeds
        yield "more", f"{found} of these are in this file, and the baseline accepts {accepted}"
    if judged.lifts:
        from specguard.reporters.wording import accounts

        yield from (("", account) for account in accounts(judged))
    step = like.help if like else judged.finding.help
    # Of what is approved nothing is left to do.
    if step and judged.state != "approved":
        yield "next", cut(step)


def decided_by(judged: Judged) -> str:
    """The line that decides a finding, or how a rule that no line turned on is turned off."""
    if judged.authority is not None:
        return cut_path(str(judged.authority))
    if judged.severity == "info":
        return ""
    return f'on by default; off with severity = "off" under [rules.{judged.name}]'


def gravest_first(verdict: Verdict) -> list[RuleResult]:
    """The results of the rules: those with open errors, then those with warnings, then the others."""
    order = {"error": 0, "warning": 1}

    def gravity(result: RuleResult) -> int:
        return min((order.get(one.severity, 2) for one in result.findings if one.state == "open"), default=2)

    return sorted(verdict.results, key=gravity)


def place(judged: Judged) -> str:
    """The place of a finding, as `path:line: ` or `commit 12 digits: `; empty if only the message has it."""
    finding = judged.finding
    if finding.path is not None:
        line = f":{finding.line}" if finding.line else ""
        return f"{visible(cut_path(path_text(finding.path)))}{line}: "
    if finding.commit is not None:
        return f"commit {finding.commit[:12]}: "
    return ""


def undecided(verdict: Verdict) -> list[list[RuleResult]]:
    """The rules that could not be judged; those that lack the same fact stand together."""
    lacking: dict[tuple[str | None, str, bool], list[RuleResult]] = {}
    for result in verdict.results:
        if result.state == "indeterminate":
            lacking.setdefault((result.reason, result.command, result.incomplete), []).append(result)
    return list(lacking.values())


def titles(results: Sequence[RuleResult]) -> str:
    """A rule's code and name; of several rules how many they are, and their codes."""
    if len(results) == 1:
        return f"{results[0].code} {results[0].name}"
    return f"{len(results)} rules ({', '.join(result.code for result in results)})"


def _undecided(results: Sequence[RuleResult], style: Style) -> Iterator[str]:
    yield f"{style('strong', titles(results))} {style('error', 'could not be judged')}"
    reason, *step = undecided_lines(results[0])
    yield f"    {reason}"
    yield from (f"    next {line}" for line in step)
    yield ""


def undecided_lines(result: RuleResult) -> list[str]:
    """Why a rule could not be judged, and the command that supplies what is missing, where there is one."""
    told = [f"{visible(cut(result.reason or ''))}{named(result.error)}"]
    return [*told, visible(cut(result.command))] if result.command else told


def why(result: RuleResult) -> str:
    """The reason for a rule's state, or its condition, and the things that it looked at."""
    reason = result.reason or result.condition
    if result.state == "baselined":
        reason = f"{in_baseline(result)}; else {reason}"
    facts = f" [looked at {', '.join(result.looked_at)}]" if result.looked_at else ""
    return f"{cut(reason, 400)}{cut(facts, 400)}"


def _explanation(verdict: Verdict) -> Iterator[str]:
    for result in verdict.results:
        yield f"{result.code} {result.name}: {result.state}: {visible(why(result))}"
    yield f"rules: {', '.join(f'{count} {state}' for state, count in verdict.counts.items() if count)}"
    yield ""


def _statistics(verdict: Verdict) -> Iterator[str]:
    for result in sorted(verdict.results, key=lambda one: -len(one.findings)):
        if result.findings:
            yield f"{len(result.findings):6} {result.code} {result.name}"
    yield ""


_NAMED: Final = 8
"""So many of the other places are named; fewer of what is not there yet."""

_OPERANDS: Final = 9
"""So many names are given to one command."""

# Compiled where there are several findings, so that a refused edit does not wait for it.
_COMMAND: Final = r"`([^`]+?) -- ([\w@%+=:,./-]+|\$?'[^'`]*')((?:'| &&)[^`]*)?`"
"""A command that takes a path behind `--`, and what follows; it takes several there."""

_AMENDED: Final = r"git mv -- [^`&]+ && git commit --amend --no-edit --allow-empty(?:`| && git stash)"
"""A move that is taken back into the newest commit."""

_FOLDERS: Final = {
    "rm": "git clean -fdq",
    "git rm --cached": "git restore --staged",
    "git rm -f --cached": "git restore --staged",
    "git rm -f": "git restore --staged --worktree",
}
"""For commands that undo what was added: those that take a folder, and leave alone what is not changed."""


class Fold(Record):
    """Findings of one rule that say the same of several places.

    Attributes:
        first: the first of them.
        count: how many they are.
        others: what stands behind the message of the first; empty if there are no others.
        help: the next step for all of them.
    """

    first: Judged
    count: int
    others: str
    help: str


def _folded(found: Sequence[Judged], verdict: Verdict) -> Fold:
    if len(found) == 1:
        return Fold(found[0], 1, "", found[0].finding.help)
    names = []
    for judged in found[1:]:
        line = f":{judged.finding.line}" if judged.finding.line else ""
        names.append(f"{cut_path(path_text(judged.finding.path or b''))}{line}")
    others = listed(names, 3 if verdict.change.get("source") == "edit" else _NAMED)
    return Fold(
        found[0], len(found), f"; likewise {others}", _step([judged.finding for judged in found], verdict)
    )


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
        return [_folded(found, verdict)]
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
    return [_folded(group, verdict) for group in groups.values()]


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
    same = all(finding.help == help_ for finding in findings)
    each = help_ if same else f"{help_.rstrip('.')}, and so with the others."
    if "`" not in help_:
        return each
    commands = [re.search(_COMMAND, finding.help) for finding in findings]
    first = commands[0]
    paths = list(dict.fromkeys(finding.path for finding in findings if finding.path))
    if first and findings[0].moved:
        back = _moved_back(findings, verdict)
        if back:
            return f"Put them back with `{back}`{help_.rpartition('`')[2]}"
    operands = [found[2] for found in commands if found]
    # Some name it once more, for the commit that has it.
    after = {(found[3] or "").replace(f" -- {found[2]} ", " -- \0 ") for found in commands if found}
    # Within quotes there are no others.
    nested = any(rest.startswith("'") for rest in after)
    if first is None or len(paths) == 1 or len(after) > 1 or (nested and any("'" in one for one in operands)):
        return each
    command = first[1]
    wide = command if re.search(r"\b(?:checkout|reset) ", command) else ""
    if verdict.change.get("source") in ("staged", "worktree"):
        wide = wide or _FOLDERS.get(command, "")
    covering = _covering(paths, paths, verdict.touched) if wide and len(operands) > _OPERANDS else []
    if covering and not (nested and any("'" in one for one in covering)):
        command, operands = wide, covering
    rest = len(operands) - _OPERANDS
    names = " ".join(dict.fromkeys(operands[:_OPERANDS]))
    step = f"{command} -- {names}{''.join(after)}".replace("\0", names)
    more = f", and so with {rest} more" if rest > 0 else ""
    before = re.sub(r"\bit\b", "them", help_[: first.start()], count=1)
    return f"{before}`{step}`{more}{help_[first.end() :]}"


def _moved_back(findings: Sequence[Finding], verdict: Verdict) -> str:
    """The command that puts files back where they were; empty if it would be too long."""
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
    back = f"git restore --source={start[:12]} --staged --worktree -- {both_ends}"
    back += " && git commit --amend --no-edit --allow-empty"
    return put_aside(back) if "`git stash && " in findings[0].help else back


def _covering(paths: Sequence[bytes], wanted: Sequence[bytes], touched: Sequence[bytes]) -> list[str]:
    """Words for git that name these paths, and nothing that is touched and not wanted; none if too many."""
    found = cover(paths, touched, wanted)
    others: list[bytes] = []
    if len(found) > _OPERANDS:
        folder = os.path.commonpath(paths)
        others = [path for path in touched if path.startswith(folder + b"/") and path not in set(wanted)]
        found, others = [folder], cover(others, touched)
    if not all(found) or len(others) >= _OPERANDS or any(map(_is_pattern, (*found, *others))):
        return []
    from specguard.reporters.wording import shell_word

    return [*map(shell_word, found), *(shell_word(b":!" + path) for path in others)]


def _is_pattern(path: bytes) -> bool:
    """True if git reads a path as a pattern."""
    return path.startswith(b":") or any(char in path for char in (b"*", b"?", b"[", b"\\"))


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
