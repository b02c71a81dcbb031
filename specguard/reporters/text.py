"""The text report: what failed, which line says so, what to do next, and one verdict line.

Similar findings are folded here, but not by formats that list every finding. Nothing here alters a finding,
its fingerprint or its state.
"""

from __future__ import annotations

import os
import re

from specguard.errors import code_suffix
from specguard.model import TYPE_CHECKING, Record, counted, folders_of, grouped, listed, path_text, with_stash
from specguard.reporters.escape import cut, cut_path, text_lines, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from specguard.model import Finding, Judged, RuleResult, Verdict


FINDINGS_SHOWN: Final = 20
"""The number of findings of one rule that are shown in full; the rest is counted."""

_COLOURS: Final = {"error": "31", "warning": "33", "info": "36", "good": "32", "strong": "1", "quiet": "2"}


class Style:
    """Colours, for terminals only.

    Args:
        colour: True to use colours.
    """

    def __init__(self, colour: bool = False) -> None:
        self._colour = colour

    def __call__(self, kind: str, text: str) -> str:
        """Return the text in the colour of a severity, or as `good`, `strong` or `quiet`."""
        return f"\033[{_COLOURS[kind]}m{text}\033[0m" if self._colour else text


def render(
    verdicts: Sequence[Verdict], *, colour: bool = False, explain: bool = False, statistics: bool = False
) -> str:
    """Return the verdicts as text, ending in a newline.

    Args:
        verdicts: one verdict, or one for each ref of a push.
        colour: True if the output is a terminal whose user wants colours.
        explain: True to add what each rule looked at and what held.
        statistics: True to add the number of findings of each rule.
    """
    style = Style(colour)
    lines: list[str] = []
    idle = [one for one in verdicts if one.empty and one.outcome == "passed"] if len(verdicts) > 1 else []
    for verdict in verdicts:
        if verdict in idle:
            continue
        if len(verdicts) > 1 and (subject := verdict.change.get("branch") or verdict.change["head"]):
            lines += [style("strong", visible(str(subject))), ""]
        for result in gravest_first(verdict):
            lines += _findings(result, style, verdict)
        if verdict.policy_change:
            lines += _policy_change(verdict, style)
        for results in group_undecided(verdict):
            lines += _undecided(results, style)
        if explain:
            lines += [*text_lines("explain.txt", verdict=verdict, reason_text=reason_text), ""]
        if statistics:
            lines += [*_statistics(verdict), ""]
        lines += [style("quiet", f"note: {visible(cut(note))}") for note in verdict.notes]
        lines.append(verdict_line(verdict, style))
    if idle or not verdicts:
        refs = f"{counted(len(idle), 'ref')} with " if idle else ""
        lines.append(f"specguard: {style('good', 'passed')}: {refs}nothing to judge")
    return "\n".join(lines) + "\n"


def verdict_line(verdict: Verdict, style: Style) -> str:
    """Return the line with the outcome, the number of findings, and what could not be judged."""
    outcome = verdict.outcome
    kind = {"passed": "good", "accepted": "warning"}.get(outcome, "error")
    outcome_words = outcome_text(verdict)
    if outcome == "indeterminate" and any(judged.is_open_error for judged in verdict.findings):
        outcome_words = f"failed, and {outcome}"
    # A push without commits can still fail because of its branch.
    subject = "nothing to judge" if verdict.empty and outcome == "passed" else subject_of(verdict)
    counts = ", ".join(count_texts(verdict))
    return f"specguard: {style(kind, outcome_words)} ({subject}){f': {counts}' if counts else ''}"


def outcome_text(verdict: Verdict) -> str:
    """Return the outcome in one or two words."""
    return "would block" if verdict.dry_run and verdict.outcome == "failed" else verdict.outcome


def count_texts(verdict: Verdict) -> Iterator[str]:
    """Yield the number of findings of each kind, and of rules that could not be judged."""
    found = verdict.findings
    if errors := [judged for judged in found if judged.is_open_error]:
        files = len({judged.finding.path for judged in errors} - {None})
        where = f" in {counted(files, 'file')}" if files else ""
        rules = counted(len({judged.code for judged in errors}), "rule")
        yield f"{counted(len(errors), 'error')}{where} ({rules})"
    if warnings := sum(judged.severity == "warning" and judged.state == "open" for judged in found):
        yield counted(warnings, "warning")
    for state, label in (("approved", "approved"), ("baselined", "in the baseline")):
        if count := sum(judged.state == state for judged in found):
            yield f"{count} {label}"
    if count := verdict.counts["indeterminate"]:
        yield f"{counted(count, 'rule')} could not be judged"


def subject_of(verdict: Verdict) -> str:
    """Return the judged change and its size: `range, 2 commits, 4 files`."""
    change = verdict.change
    counts = (("commits", "commit"), ("entries", "file"))
    sizes = (counted(change[name], what) for name, what in counts if change.get(name) is not None)
    size = ", ".join([str(change["source"]), *sizes])
    if not change.get("whole"):
        return size
    return f"the whole tree; {size}" if change.get("commits") or change.get("entries") else "the whole tree"


def _findings(result: RuleResult, style: Style, verdict: Verdict) -> Iterator[str]:
    if not result.findings:
        return
    yield style("strong", f"{result.code} {result.name}")
    # Findings in the baseline need no action.
    folds = fold((judged for judged in result.findings if judged.state != "baselined"), verdict)
    # Lines that consecutive findings share are printed once, below the last of these findings.
    detail_lines = [_detail_lines(group, style) for group in folds[:FINDINGS_SHOWN]]
    for group, lines, following in zip(folds, detail_lines, [*detail_lines[1:], None], strict=False):
        judged = group.first
        state = "" if judged.state == "open" else f" ({judged.state})"
        yield f"  {style(judged.severity, judged.severity)}{state}: {one_line(judged)}{visible(group.others)}"
        if lines != following:
            yield from lines
    if rest := sum(group.count for group in folds[FINDINGS_SHOWN:]):
        yield f"  and {rest} more; --output-format json has them all"
    if any(judged.state == "baselined" for judged in result.findings):
        yield style("quiet", f"  {baseline_count(result)}")
    if result.approvers:
        from specguard.reporters.wording import approval_offer

        if offer := approval_offer(result, verdict):
            yield f"  {visible(offer[0])}:"
            yield f"    {visible(offer[1])}"
    yield ""


def _policy_change(verdict: Verdict, style: Style) -> Iterator[str]:
    """Yield the effect of the change on the policy, without the settings that findings above report."""
    from specguard.reporters import wording

    first, *rest = wording.policy_lines(verdict)
    yield style("strong", first)
    yield from (f"  {line}" for line in rest)
    yield ""


def baseline_count(result: RuleResult) -> str:
    """Return the number of a rule's errors that the baseline accepts, as a clause."""
    count = sum(judged.state == "baselined" for judged in result.findings)
    return f"{counted(count, 'error')} in the baseline"


def shown_message(judged: Judged) -> str:
    """Return a finding's message, in which a long file name and a long text are cut."""
    message, path = judged.finding.message, judged.finding.path
    if path is not None and len(message) > len(path):
        name = path_text(path)
        message = message.replace(name, cut_path(name))
    return cut(message)


def one_line(judged: Judged) -> str:
    """Return a finding's place and message, without repeating a name."""
    finding = judged.finding
    message = visible(shown_message(judged))
    where = place_text(judged)
    # A message may already begin with the name of its file or commit.
    name = where.removesuffix(": ") if finding.path is None else visible(cut_path(path_text(finding.path)))
    if where and message.startswith((f"{name} ", f"{name}, ")):
        where, message = (where, message.removeprefix(f"{name} ")) if finding.line else ("", message)
    return f"{where}{message}"


def _detail_lines(group: Fold, style: Style) -> list[str]:
    """Return the lines below a group of findings: the line that decides them, and the next step."""
    lines = []
    # For a finding about a line of the authority, the place is the deciding line.
    own_place = place_text(group.first).removesuffix(": ")
    for kind, text in details(group.first, group):
        line = f"    {kind:<5}{visible(text)}" if kind else f"    {visible(text)}"
        if (kind, visible(text)) != ("by", own_place):
            lines.append(style("quiet", line) if kind in ("by", "more") else line)
    return lines


def details(judged: Judged, group: Fold | None = None) -> Iterator[tuple[str, str]]:
    """Yield the lines below a finding's message, each with its kind.

    The kinds are `by`, `more` and `next`; an approval has an empty one.

    Args:
        judged: the finding.
        group: the group of findings that it is shown with.
    """
    if by := deciding_line(judged):
        yield "by", by
    if judged.exceeds:
        found, accepted = judged.exceeds
        yield "more", f"{found} of these are in this file, and the baseline accepts {accepted}"
    if judged.approvals:
        from specguard.reporters.wording import approval_lines

        yield from (("", line) for line in approval_lines(judged))
    # An approved finding needs no next step.
    if (step := group.help if group else judged.finding.help) and judged.state != "approved":
        yield "next", cut(step)


def deciding_line(judged: Judged) -> str:
    """Return the line that decides a finding; for a rule that is on by default, how to turn it off.

    Empty for a finding that is only information and that no line decides.
    """
    if judged.authority is not None:
        return cut_path(str(judged.authority))
    if judged.severity == "info":
        return ""
    return f'on by default; off with severity = "off" under [rules.{judged.name}]'


def gravest_first(verdict: Verdict) -> list[RuleResult]:
    """Return the results of the rules: those with open errors, then those with warnings, then the others."""
    return sorted(verdict.results, key=lambda result: min(map(_gravity, result.findings), default=2))


def _gravity(judged: Judged) -> int:
    return {"error": 0, "warning": 1}.get(judged.severity, 2) if judged.state == "open" else 2


def kind_of(judged: Judged) -> str:
    """Return a finding's state, or its severity if it is open."""
    return judged.severity if judged.state == "open" else judged.state


def place_text(judged: Judged) -> str:
    """Return the place of a finding, as `path:line: ` or `commit 12 digits: `; empty if it has neither."""
    finding = judged.finding
    if finding.path is not None:
        line = f":{finding.line}" if finding.line else ""
        return f"{visible(cut_path(path_text(finding.path)))}{line}: "
    return f"commit {finding.commit[:12]}: " if finding.commit is not None else ""


def group_undecided(verdict: Verdict, *, by_severity: bool = False) -> list[list[RuleResult]]:
    """Return the rules that could not be judged, grouped by the fact that they lack.

    Args:
        verdict: the verdict.
        by_severity: True to group the rules whose missing judgement is an error by themselves.
    """
    undecided = (one for one in verdict.results if one.state == "indeterminate")
    groups = grouped(((one.reason, one.command, by_severity and one.incomplete), one) for one in undecided)
    return list(groups.values())


def titles(results: Sequence[RuleResult]) -> str:
    """Return a rule's code and name; for several rules their number and codes."""
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
    """Return why a rule could not be judged, and the command, if any, that supplies what is missing."""
    lines = [f"{visible(cut(result.reason or ''))}{code_suffix(result.error)}"]
    return [*lines, visible(cut(result.command))] if result.command else lines


def reason_text(result: RuleResult) -> str:
    """Return the reason for a rule's state, or its condition, and the facts that it looked at."""
    reason = result.reason or result.condition
    if result.state == "baselined":
        reason = f"{baseline_count(result)}; else {reason}"
    facts = f" [looked at {', '.join(result.looked_at)}]" if result.looked_at else ""
    return f"{cut(reason, 400)}{cut(facts, 400)}"


def _statistics(verdict: Verdict) -> Iterator[str]:
    for result in sorted(verdict.results, key=lambda one: -len(one.findings)):
        if result.findings:
            yield f"{len(result.findings):6} {result.code} {result.name}"


_PLACES_NAMED: Final = 8
"""The number of other places that are named; fewer for an edit that is not made yet."""

_MOST_OPERANDS: Final = 9
"""The number of names that one command gets at most."""

# Compiled only if there are several findings, so that a refused edit does not wait for it.
_COMMAND: Final = r"`(?P<command>[^`]+?) -- (?P<path>[\w@%+=:,./-]+|\$?'[^'`]*')(?P<rest>(?:'| &&)[^`]*)?`"
"""Matches a command with one path behind `--`, where it could take several."""

_AMENDED_MOVE: Final = r"git mv -- [^`&]+ && (?:\{ )?git commit --amend --no-edit --allow-empty(?:`| \|\| )"
"""Matches a command that moves a file and amends the newest commit."""

_FOLDER_COMMANDS: Final = {
    "rm": "git reset -q -- \0 && git clean -fdq -- \0",
    "git rm -f --cached": "git restore --staged -- \0",
    "git rm -f": "git restore --staged --worktree -- \0",
}
"""For commands that undo an addition, those that take folders for \\0, and leave unchanged files alone."""

_STAGED: Final = "git diff --cached --no-renames --name-only -- \0 | %s --pathspec-from-file=-"
"""Has a command work on the staged files of the folders \\0, and not on what is only edited there.

The change does not tell of such edits, and pre-commit hides them from its hooks.
"""


class Fold(Record):
    """Findings of one rule that say the same about several places.

    Attributes:
        first: the first of them.
        count: their number.
        others: the text after the first one's message that names the other places; empty for a single
            finding.
        help: the next step for all of them.
    """

    first: Judged
    count: int
    others: str
    help: str


def _make_fold(found: Sequence[Judged], verdict: Verdict) -> Fold:
    if len(found) == 1:
        return Fold(found[0], 1, "", found[0].finding.help)
    names = [place_text(judged).removesuffix(": ") for judged in found[1:]]
    others = listed(names, 3 if verdict.change.get("source") == "edit" else _PLACES_NAMED)
    step = _shared_step([judged.finding for judged in found], verdict)
    return Fold(found[0], len(found), f"; likewise {others}", step)


def fold(found: Iterable[Judged], verdict: Verdict) -> list[Fold]:
    """Return the findings of one rule, grouped by what they say, open errors first, then open warnings.

    A moved file is reported at its old place, and not again at its new one. A finding without a file, or that
    an approval names, or that exceeds the baseline, is not grouped.

    Args:
        found: findings of one rule.
        verdict: the verdict that has them.
    """
    found = list(found)
    if len(found) == 1:
        return [_make_fold(found, verdict)]
    moved_away = {(one.finding.moved, one.finding.path) for one in found if one.finding.side == "base"}
    groups: dict[object, list[Judged]] = {}
    for judged in found:
        finding = judged.finding
        if finding.side is None and finding.moved and (finding.path, finding.moved) in moved_away:
            continue
        key: object = (
            judged.severity, judged.state, judged.authority, finding.commit, finding.moved is None,
            _without_names(finding.message, finding), _without_names(finding.help, finding),
        )  # fmt: skip
        ungrouped = finding.path is None or judged.approvals or judged.exceeds
        groups.setdefault(id(judged) if ungrouped else key, []).append(judged)
    gravest = sorted(groups.values(), key=lambda group: _gravity(group[0]))
    return [_make_fold(group, verdict) for group in gravest]


def _without_names(text: str, finding: Finding) -> str:
    """Return a text without the file names of its own finding, and its commands without operands."""
    parts = text.split("`")
    for at in range(1, len(parts), 2):
        parts[at] = " && ".join(one.partition(" -- ")[0] for one in parts[at].split(" && "))
    text = "`".join(parts)
    for path in (finding.path, finding.moved):
        # Compiling an expression for each of thousands of paths would be slow.
        if path and (name := path_text(path)) in text:
            text = re.sub(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])", "\0", text)
    return text


def _shared_step(findings: Sequence[Finding], verdict: Verdict) -> str:
    """Return the next step of grouped findings: one command for all, or else the step of the first."""
    if "`" in (step := findings[0].help):
        if findings[0].moved and (back := _move_back(findings, verdict)):
            return f"Put them back with `{back}`{step.rpartition('`')[2]}"
        if joined := _join_commands(findings, verdict):
            return joined
    same = all(finding.help == step for finding in findings)
    return step if same else f"{step.rstrip('.')}, and so with the rest."


def _join_commands(findings: Sequence[Finding], verdict: Verdict) -> str:
    """Return the first finding's next step, its command with the paths of all; empty if commands differ."""
    step = findings[0].help
    commands = [re.search(_COMMAND, finding.help) for finding in findings]
    first, found = commands[0], list(filter(None, commands))
    paths = list(dict.fromkeys(finding.path for finding in findings if finding.path))
    if first is None or len(paths) == 1:
        return ""
    rest, words = _rest_of(first), [match["path"] for match in found]
    # A quoted word cannot contain further quotes.
    is_quoted = rest.startswith("'")
    if any(_rest_of(match) != rest for match in found) or (is_quoted and "'" in "".join(words)):
        return ""
    command = f"{first['command']} -- \0"
    if len(words) > _MOST_OPERANDS and (wide := _folder_command(first["command"], verdict)):
        covering = _cover_words(paths, paths, verdict.touched)
        if covering and not (is_quoted and "'" in "".join(covering)):
            command, words = wide, covering
    joined = f"{command}{rest}".replace("\0", " ".join(dict.fromkeys(words[:_MOST_OPERANDS])))
    more = f", and so with {omitted} more" if (omitted := len(words) - _MOST_OPERANDS) > 0 else ""
    before = re.sub(r"\bit\b", "them", step[: first.start()], count=1)
    return f"{before}`{joined}`{more}{step[first.end() :]}"


def _rest_of(command: re.Match[str]) -> str:
    """Return what follows a command's path, with a NUL for the path if it names that again, to commit it."""
    return (command["rest"] or "").replace(f" -- {command['path']} ", " -- \0 ")


def _folder_command(command: str, verdict: Verdict) -> str:
    """Return the command that does the same for whole folders of the change; empty if there is none."""
    source, start = verdict.change.get("source"), verdict.change.get("merge_base")
    wide = f"{command} -- \0" if " checkout " in command or " reset " in command else ""
    if source == "staged":
        # If nothing is staged any more, `git checkout` would leave the branch for the revision.
        wide = wide and _STAGED % command.replace(" checkout ", " restore --staged --worktree --source=")
    if source in ("staged", "worktree"):
        return _FOLDER_COMMANDS.get(command, wide)
    if start and command.endswith("git rm -f --cached"):
        return command.replace("rm -f --cached", f"restore --source={start[:12]} --staged -- \0")
    return wide


def _move_back(findings: Sequence[Finding], verdict: Verdict) -> str:
    """Return the command that moves files back to their old places; empty if it would be too long."""
    old = [one.path if one.side == "base" else one.moved for one in findings]
    new = [one.moved if one.side == "base" else one.path for one in findings]
    ends = [path for path in (*old, *new) if path]
    gone, come = (" ".join(_cover_words([*filter(None, some)], ends, verdict.touched)) for some in (old, new))
    if not gone or not come:
        return ""
    if verdict.change.get("source") == "staged":
        back = "git restore --staged --worktree"
        return (_STAGED % back if verdict.touched else f"{back} -- \0").replace("\0", f"{gone} {come}")
    if verdict.change.get("source") == "worktree":
        # Git cleans away only what is not staged.
        return f"git reset -q -- {gone} {come} && git restore -- {gone} && git clean -fdq -- {come}"
    start = verdict.change.get("merge_base")
    if start and " --index-filter '" in findings[0].help and "'" not in f"{gone}{come}":
        command, _, names = findings[0].help.split("`")[1].partition(" -- ")
        return f"{command} -- {gone} {come}'" + names.partition("'")[2]
    if not start or not all(re.search(_AMENDED_MOVE, one.help) for one in findings):
        return ""
    back = f"git restore --source={start[:12]} --staged --worktree -- {gone} {come}"
    back += " && git commit --amend --no-edit --allow-empty"
    return with_stash(back, "git reset -q") if "`git stash && " in findings[0].help else back


def _cover_words(paths: Sequence[bytes], wanted: Sequence[bytes], touched: Sequence[bytes]) -> list[str]:
    """Return words for git that match these paths and exclude other changed paths; none if too many."""
    found = cover(paths, touched, wanted)
    others: list[bytes] = []
    if len(found) > _MOST_OPERANDS and touched:
        folder = os.path.commonpath(paths)
        wanted_paths = set(wanted)
        others = [path for path in touched if path.startswith(folder + b"/") and path not in wanted_paths]
        found, others = [folder], cover(others, touched)
    # Git would read these as patterns.
    wild = any(path.startswith(b":") or {*b"*?[\\"} & {*path} for path in (*found, *others))
    if not all(found) or max(len(found) - 1, len(others)) >= _MOST_OPERANDS or wild:
        return []
    from specguard.declaration.look_alikes import shell_word

    return [*map(shell_word, found), *(shell_word(b":!" + path) for path in others)]


def cover(paths: Sequence[bytes], touched: Sequence[bytes], also: Sequence[bytes] = ()) -> list[bytes]:
    """Return the fewest files and folders that hold all of these paths, but no other changed path.

    Args:
        paths: the paths.
        touched: all paths of the change; without them only the paths themselves are returned.
        also: other paths that a folder may hold.
    """
    wanted = {*paths, *also}
    others: set[bytes] = set()
    for path in touched:
        while path not in wanted and b"/" in path:
            path = path.rpartition(b"/")[0]
            others.add(path)
    found: dict[bytes, None] = {}
    for path in paths:
        above = reversed(list(folders_of(path)))
        found[next((one for one in above if touched and one not in others), path)] = None
    return list(found)
