"""The wording that reports share: findings, places, rules, approvals, differences of policy, and errors.

These lines contain nothing that is invisible or that a terminal obeys. Each report escapes them further.

A finding about a branch, a message or a title has no file. It is shown at the line of the authority that
decides it. If no line in a file of the repository does, it is shown at the authority's first line.
"""

from __future__ import annotations

from collections import Counter

from specguard import __version__
from specguard.declaration.look_alikes import shell_word
from specguard.errors import SpecguardError, code_suffix
from specguard.model import SEVERITIES, TYPE_CHECKING, Record, counted, path_text, shortened
from specguard.reporters import text
from specguard.reporters.escape import cut, cut_path, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final, Literal

    from specguard.authority.difference import Difference
    from specguard.model import ApprovalUse, Judged, RuleResult, Verdict
    from specguard.reporters.text import Fold

    ShownSeverity = Literal["error", "warning", "info"]


def most_severe_first(verdicts: Sequence[Verdict]) -> list[tuple[Verdict, Judged]]:
    """Return all findings, each with its verdict: open findings first, and the most severe of these first."""
    found = [(verdict, judged) for verdict in verdicts for judged in verdict.findings]
    # Sorting is stable: findings of equal weight keep their order.
    return sorted(
        found, key=lambda pair: (pair[1].state != "open", -SEVERITIES.index(pair[1].severity), pair[1].place)
    )


def shown_severity(verdict: Verdict, judged: Judged) -> ShownSeverity:
    """Return the severity at which a finding is shown.

    An approved or baselined finding is only information. In a dry run errors do not fail, so they are
    warnings.
    """
    if judged.state != "open" or judged.severity in ("info", "off"):
        return "info"
    return "warning" if verdict.dry_run or judged.severity == "warning" else "error"


def finding_lines(judged: Judged, group: Fold | None = None) -> list[str]:
    """Return the lines of a finding: its message, the line that decides, its approvals, and the next step.

    Args:
        judged: the finding.
        group: the group of findings that it is shown with.
    """
    finding = judged.finding
    state = "" if judged.state == "open" else f"({judged.state}) "
    commit = "" if finding.commit is None else f"commit {finding.commit[:12]}: "
    texts = [f"{commit}{state}{text.shown_message(judged)}{group.others if group else ''}"]
    texts += [f"{MARKS.get(kind, '')}{line}" for kind, line in text.details(judged, group)]
    # Only this list begins lines: line ends in texts of the change are escaped.
    return list(map(visible, texts))


MARKS: Final = {"by": "by ", "next": "next: "}
"""The marks before some of the lines below a finding's message."""


def undecided_lines(result: RuleResult) -> list[str]:
    """Return `could not be judged:` with why, and `next:` with the command that supplies what is missing."""
    reason, *step = text.undecided_lines(result)
    return [f"could not be judged: {reason}", *(f"next: {line}" for line in step)]


def error_lines(error: SpecguardError) -> list[str]:
    """Return the lines of an error: its message and its next step."""
    lines = [f"{visible(cut(error.message))}{code_suffix(error.code)}"]
    return [*lines, f"next: {visible(cut(error.help))}"] if error.help else lines


def policy_lines(verdict: Verdict) -> list[str]:
    """Return the effect of the change on the policy, without the settings that findings report."""
    if not verdict.policy_change:
        return []
    lines = [f"policy: {policy_headline(verdict)}"]
    rest = unreported_differences(verdict)
    shown = map(difference_text, rest[:DIFFERENCES_SHOWN])
    lines += [f"{what} ({place})" if place else what for what, place in shown]
    if len(rest) > DIFFERENCES_SHOWN:
        lines.append(f"and {len(rest) - DIFFERENCES_SHOWN} more")
    return list(map(visible, lines))


_LONGEST_WORD: Final = 240
"""A file name with more characters than this is left out of a command."""

_PROOFS: Final = {
    "signature": "signed",
    "platform": "by a review on the platform",
    "base": "in the base",
    "local": "unsigned, which CI will not take",
}


_PULL_REQUEST: Final = {"pr-title": ".title", "pr-body-file": ".body", "pr-event": ".base"}
"""The options that only findings about a pull request's fields need, each with the field."""


def approval_lines(judged: Judged) -> list[str]:
    """Return a line for each approval that names a finding: those that count, then the others and why."""
    return list(map(_approval_line, sorted(judged.approvals, key=lambda use: bool(use.refusals))))


def _approval_line(use: ApprovalUse) -> str:
    approval = use.approval
    who = f"approval {use.id[:12]} by {shortened(approval.approver)}"
    if use.refusals:
        return f"{who} does not count: {shortened('; '.join(use.refusals), 600)}"
    ticket = f" ({shortened(approval.ticket, 80)})" if approval.ticket else ""
    end, proof = f"{approval.expires_at:%Y-%m-%d %H:%M} UTC", _PROOFS.get(use.proof, use.proof)
    return f"{who} until {end}, {proof}: {shortened(approval.reason, 300)}{ticket}"


def approval_offer(result: RuleResult, verdict: Verdict, most: int = 3) -> tuple[str, str] | None:
    """Return who may approve a rule's findings, as a clause, and the command.

    None if nobody may, or if the rule has no open error.

    Args:
        result: the rule's result.
        verdict: the verdict with this result.
        most: the most files that the command names.
    """
    errors = [judged for judged in result.findings if judged.is_open_error]
    if not result.approvers or not errors:
        return None
    # Name the first few files; if a finding has no file, name none.
    paths = list(dict.fromkeys(judged.finding.path for judged in errors))
    words = [word for path in paths if path and len(word := shell_word(path)) <= _LONGEST_WORD]
    named = [] if None in paths else words[:most]
    which = {"staged": " --staged", "worktree": " --worktree"}.get(verdict.change.get("source", ""), "")
    fields = {None, *((judged.finding.field or "").removeprefix("pull_request") for judged in errors)}
    asked = (name for name in verdict.options if _PULL_REQUEST.get(name) in fields)
    which += "".join(f" --{name} {shell_word(verdict.options[name])}" for name in asked)
    whole = verdict.change.get("whole")
    command = "check --all --override" if whole else "approve"
    flags = "".join(f" --path {word}" for word in named) + which
    flags += " --scope paths" if result.by_paths else ""
    offer = join_or(map(shortened, result.approvers))
    offer += f" may approve {'this' if len(errors) == 1 else 'these'}"
    if result.persons > 1:
        offer += f", which takes {result.persons} persons"
    if result.persons > len(result.approvers):
        offer += f": {result.persons - len(result.approvers)} more must be named in the authority"
    if named and len(named) < len(paths):
        offer += f"; the command names {len(named)} of {len(paths)} files"
        if len(words) == len(paths) and not whole:
            offer += f" (plain specguard approve{which} names all)"
    flags += f' --approved-by {shell_word(result.approvers[0])} --reason "..."'
    return offer, f"specguard {command} {result.code}{flags}"


def join_or(names: Iterable[str]) -> str:
    """Join names as alternatives: `alice, bob or carol`."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


DIFFERENCES_SHOWN: Final = 20
"""The number of settings that are listed; the rest is counted."""

_EFFECT_VERBS: Final = {"loosens": "loosens", "incomparable": "changes", "tightens": "tightens"}
"""The verb for each effect of a difference, in the order in which they are reported."""


def policy_headline(verdict: Verdict) -> str:
    """Return the number of settings that the change loosens, changes otherwise, and tightens."""
    effects: Counter[str] = Counter(difference.effect for difference in verdict.policy_change)
    first, *others = [effect for effect in _EFFECT_VERBS if effects[effect]]
    parts = [f"{_EFFECT_VERBS[first]} {counted(effects[first], 'setting')}"]
    parts += [f"{_EFFECT_VERBS[effect]} {effects[effect]}" for effect in others]
    return f"this change {', '.join(parts[:-1])}{' and ' if others else ''}{parts[-1]}"


def unreported_differences(verdict: Verdict) -> Sequence[Difference]:
    """Return the differences that no finding reports.

    Loosened settings come first, then those changed otherwise, then tightened ones.
    """
    # A finding of PTH004 has the setting as its key, and the values too where several documents change.
    found = {judged.finding.key for judged in verdict.findings if judged.code == "PTH004"}
    keys = ((one.key, f"{one.key} from {one.old!r} to {one.new!r}") for one in verdict.policy_change)
    rest = [one for one, both in zip(verdict.policy_change, keys, strict=True) if found.isdisjoint(both)]
    return sorted(rest, key=lambda difference: list(_EFFECT_VERBS).index(difference.effect))


def difference_text(difference: Difference) -> tuple[str, str]:
    """Return a difference as text, and the place of its setting as `file:line`, empty for a default."""
    setting = f"{shortened(difference.key, 120)} {shortened(difference.summary, 400)}"
    return f"{_EFFECT_VERBS[difference.effect]} {setting}", cut_path(str(difference.origin or ""))


class ReportPlace(Record):
    """A file of the repository, and lines of it.

    Attributes:
        path: the file's path, in git's bytes.
        line: the first line, from 1; 0 for the whole file.
        end_line: the last line; 0 for the whole file.
        is_own: True if the finding itself names the file.
    """

    path: bytes
    line: int = 0
    end_line: int = 0
    is_own: bool = True

    @property
    def text(self) -> str:
        """The file's path as text; bytes that are not UTF-8 are escaped."""
        return path_text(self.path)


def finding_place(verdict: Verdict, judged: Judged) -> ReportPlace:
    """Return the place of a finding in a verdict."""
    finding = judged.finding
    if finding.path is not None:
        line = finding.line or 0
        return ReportPlace(finding.path, line, max(line, finding.end_line or 0) if line else 0)
    origin = judged.authority
    return (origin and _file_place(origin.path, origin.line, is_own=False)) or authority_place(verdict)


def _file_place(name: str, line: int | None, *, is_own: bool) -> ReportPlace | None:
    """Return the place of a line of a file; None if it is not in the repository."""
    path = relative_path(name)
    return ReportPlace(path, line or 1, line or 1, is_own) if path else None


def authority_place(verdict: Verdict | None) -> ReportPlace:
    """Return the first line of the document that holds the policy."""
    paths = map(relative_path, verdict.authority.get("documents", ()) if verdict else ())
    return ReportPlace(next(filter(None, paths), b"SPEC_AUTHORITY.md"), 1, 1, is_own=False)


class ListEntry(Record):
    """An entry of a list format: a finding, a rule that could not be judged, or an error without a verdict.

    Attributes:
        severity: its severity.
        lines: its text.
        place: the place where it is shown.
        code: the code of its rule; `no-verdict` for an error.
        result: the result of its rule; None for an error.
        judged: the finding; None for a rule or an error.
    """

    severity: ShownSeverity
    lines: Sequence[str]
    place: ReportPlace
    code: str
    result: RuleResult | None = None
    judged: Judged | None = None


def list_entries(verdicts: Sequence[Verdict]) -> Iterator[ListEntry]:
    """Yield the rules that could not be judged, at the authority, then all findings, most severe first."""
    results = {result.code: result for verdict in verdicts for result in verdict.results}
    for verdict in verdicts:
        for one in verdict.results:
            if one.state == "indeterminate":
                severity: ShownSeverity = "error" if one.incomplete else "warning"
                yield ListEntry(severity, undecided_lines(one), authority_place(verdict), one.code, one)
    for verdict, judged in most_severe_first(verdicts):
        severity, place = shown_severity(verdict, judged), finding_place(verdict, judged)
        yield ListEntry(severity, finding_lines(judged), place, judged.code, results[judged.code], judged)


def error_entries(error: SpecguardError) -> Iterator[ListEntry]:
    """Yield the errors that prevented a verdict."""
    for one in error.errors():
        place = _file_place(one.path or "", one.line, is_own=True) or authority_place(None)
        yield ListEntry("error", ["no verdict", *error_lines(one)], place, "no-verdict")


def relative_path(path: str) -> bytes | None:
    """Return a path within the repository as bytes; None for a preset, a floor and a path outside."""
    parts = path.split("/")
    if not path or path.startswith(("/", "preset:", "floor:")) or ".." in parts:
        return None
    return "/".join(part for part in parts if part != ".").encode("utf-8", "surrogateescape") or None


PROJECT_URL: Final = "https://github.com/specguard/specguard"
"""The address of the project."""


def rule_url(result: RuleResult) -> str | None:
    """Return the address of a rule's manual page; None for a plugin's rule, whose pages are its author's."""
    own = f"{PROJECT_URL}/blob/v{__version__}/docs/rules/{result.name}.md"
    return own if result.plugin == "specguard" else None
