"""The baseline: the findings that a repository had when it adopted specguard, counted by rule and path.

`.specguard/baseline.json` holds `{rule: {path: count}}`: rule codes, paths from the repository's root, and
how many errors of that rule are accepted there. The file has no line numbers, so it survives every edit that
adds no error.
"""

from __future__ import annotations

import json
from itertools import groupby

from specguard.change.change import BASELINE
from specguard.change.check_request import Request, unique
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.sources import open_work_tree
from specguard.declaration.rule import is_code
from specguard.documents.data import DataError, JsonWalk
from specguard.engine.facts import Facts
from specguard.engine.rule_runner import Judging
from specguard.engine.trusted_policy import Policies
from specguard.errors import Needed, SpecguardError
from specguard.model import TYPE_CHECKING, Judged, Record, RuleResult, grouped, path_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Final

    from specguard.change.tree import Tree

    Counts = Mapping[tuple[str, bytes], int]
    """The accepted number of errors, at least 1, by rule code and path."""


FAMILIES: Final = ("SPC", "ART", "PLN", "CNT", "CFG", "RUN007")
"""The families and rules whose findings can be in a baseline: those that judge the contents of a tree.

Rules about the change itself are left out, since a new change has no earlier findings.
"""


def read_counts(data: bytes) -> Counts:
    """Parse the contents of a baseline file.

    Raises:
        SpecguardError: the data is not a valid baseline; names the line.
    """
    try:
        text = data.decode("utf-8")
        rules = json.loads(text, object_pairs_hook=unique)
    except UnicodeDecodeError as error:
        raise _error("is not UTF-8", data.count(b"\n", 0, error.start) + 1) from None
    except json.JSONDecodeError as error:
        raise _error(f"is not JSON: {error.msg}", error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise _error(f"is JSON that cannot be read: {error}") from None
    if not isinstance(rules, dict):
        raise _error("is not an object of rules")
    counts: dict[tuple[str, bytes], int] = {}
    for code, paths in rules.items():
        if not is_code(code) or not code.startswith(FAMILIES):
            known = ", ".join(sorted(FAMILIES))
            raise _error(f"has {code}, and only rules of {known} can be in it", _line_of(text, code))
        if not isinstance(paths, dict):
            raise _error(f"has no object of paths for {code}", _line_of(text, code))
        for path, count in paths.items():
            if type(count) is not int or count < 1:
                what = f"has no count of at least 1 for {code} in {path!r}"
                raise _error(what, _line_of(text, code, path))
            try:
                counts[code, path.encode("utf-8", "surrogateescape")] = count
            except UnicodeEncodeError:
                what = f"has {path!r}, which no file can be called"
                raise _error(what, _line_of(text, code, path)) from None
    return counts


def counts_text(counts: Counts) -> str:
    """Render a baseline file: sorted, with one line per path, so that diffs are readable."""
    rules: list[str] = []
    for code, entries in groupby(sorted(counts), key=lambda entry: entry[0]):
        lines = [f"    {_quote(path)}: {counts[code, path]}" for _, path in entries]
        rules.append(f'  "{code}": {{\n' + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(rules) + "\n}\n" if rules else "{}\n"


class BaselineChange(Record):
    """The effect of a change on the baseline.

    Attributes:
        growths: the entries that accept more than before, in file order: a clause on each, and its line.
        problem: why the two baselines cannot be compared; empty if they can.
    """

    growths: Sequence[tuple[str, int]] = ()
    problem: str = ""


def compare_baselines(start: Tree, head: Tree) -> BaselineChange:
    """Compare the baselines of two trees."""
    try:
        after = read_baseline(head) or {}
    except SpecguardError as error:
        return BaselineChange(problem=error.message)
    try:
        before = read_baseline(start) or {}
    except SpecguardError:
        # A baseline that could not be read accepted nothing.
        before = {}
    grown = [key for key, count in after.items() if count > before.get(key, 0)]
    lines = JsonWalk((head.read(BASELINE) or b"").decode()).lines if grown else {}
    growths = []
    for code, path in grown:
        instead = f" instead of {before[code, path]}" if (code, path) in before else ""
        what = f"{after[code, path]}{instead} of {code} in {path_text(path)}"
        growths.append((what, lines.get((code, _as_text(path)), 1)))
    return BaselineChange(growths)


_HELP: Final = "fix it there, or remove it and let `specguard baseline` write one"


def _error(what: str, line: int | None = 1, help: str = _HELP) -> SpecguardError:
    message, path = f"the baseline {what}", path_text(BASELINE)
    return SpecguardError(message, path=path, line=line, help=help, code="broken-baseline")


def _line_of(text: str, *place: str) -> int | None:
    try:
        return JsonWalk(text).lines[place]
    except DataError as error:
        return error.line


def _as_text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _quote(path: bytes) -> str:
    """Render a path as a JSON string, with unprintable and unencodable characters escaped."""
    text = _as_text(path)
    return json.dumps(text, ensure_ascii=not text.isprintable())


def accept(results: Sequence[RuleResult], trusted: Tree, judging: Judging) -> None:
    """Mark the errors that the baseline accepts as `baselined`, and update the states of their rules.

    If a file has at most the recorded number of errors of a rule, all of them are accepted. Otherwise none
    is, and each error reports both numbers. Findings below the severity `error` block nothing and stay
    unchanged.

    Args:
        results: the results of the rules.
        trusted: the tree that the baseline is read from.
        judging: what the rules ran with.

    Raises:
        SpecguardError: the baseline is broken or unreadable.
    """
    judged = (one for one in results if one.state not in ("off", "not-applicable"))
    judged_results = [one for one in judged if one.code.startswith(FAMILIES)]
    counts = read_baseline(trusted) if judged_results else None
    if not counts:
        return
    found = _errors(judged_results)
    whole_errors = _errors(_recount(judging, found.keys() & counts.keys()))
    for key, errors in found.items():
        accepted = counts.get(key, 0)
        count = max(len(errors), len(whole_errors.get(key, ())))
        for error in errors:
            if count <= accepted:
                error.state = "baselined"
            elif accepted:
                error.exceeds = count, accepted
    for result in judged_results:
        result.keep(result.findings)


def _recount(judging: Judging, keys: Collection[tuple[str, bytes]]) -> Sequence[RuleResult]:
    """Judge the given files whole by those of their rules that usually judge parts of files."""
    policy, codes = judging.facts.policy, {code for code, _ in keys}
    wanted_codes = [rule.code for rule in policy.rules if rule.code in codes and rule.load().judges_parts]
    if not wanted_codes or judging.facts.change.whole:
        return []
    facts = Facts(judging.facts.change.with_whole_tree({path for _, path in keys}), policy)
    return Judging(facts, select=wanted_codes, extend=wanted_codes).run()


def _errors(results: Sequence[RuleResult]) -> dict[tuple[str, bytes], list[Judged]]:
    """Group the errors that have a path by rule code and path."""
    errors = [one for result in results for one in result.findings if one.severity == "error"]
    return grouped(((one.code, one.finding.path), one) for one in errors if one.finding.path is not None)


def read_baseline(tree: Tree) -> Counts | None:
    """Read the baseline of a tree; None if the tree has no baseline.

    Raises:
        SpecguardError: the baseline is broken or unreadable.
    """
    with Needed():
        entry = tree.find(BASELINE)
        if entry is None:
            return None
        data = tree.read(BASELINE) if entry.is_file else None
    if data is None:
        raise _error("is not a regular file", None, "take it away, and let `specguard baseline` write one")
    return read_counts(data)


class BaselineEntry(Record):
    """The recorded and the correct number of errors for one rule in one file.

    Attributes:
        code: the rule's code.
        path: the file's path.
        before: the number of errors that is recorded.
        after: the number of errors to record.
        found: the number of errors found; None if the rule could not be judged.
    """

    code: str
    path: bytes
    before: int
    after: int
    found: int | None


class Recording(Record):
    """The update of a baseline to the current findings.

    Attributes:
        top: the working tree's folder.
        before: the working tree's baseline; None if it has none.
        entries: all recorded entries and those to record, by rule and path.
        undecided: the rules that could not be judged; their recorded entries stay.
    """

    top: str
    before: Counts | None
    entries: Sequence[BaselineEntry]
    undecided: Sequence[RuleResult]

    @property
    def after(self) -> Counts:
        """The updated baseline."""
        return {(entry.code, entry.path): entry.after for entry in self.entries if entry.after}

    @property
    def changes(self) -> Sequence[BaselineEntry]:
        """The entries whose recorded number is wrong."""
        return [entry for entry in self.entries if entry.before != entry.after]

    @property
    def outdated(self) -> bool:
        """True if the working tree's baseline is to be written anew, or removed since it accepts nothing."""
        return bool(self.changes) or (self.before is not None and not self.after)

    @property
    def exceeded(self) -> Sequence[BaselineEntry]:
        """The entries with more errors than the updated baseline accepts."""
        return [entry for entry in self.entries if entry.found is not None and entry.found > entry.after]


def record(request: Request, *, grow: bool = False) -> Recording:
    """Judge the whole working tree by its own authority, and compute its updated baseline.

    Args:
        request: the repository's directory, `today` and `strict`; asks for the whole tree.
        grow: True if more errors may be accepted than are recorded; without a baseline, all errors are.

    Raises:
        SpecguardError: the working tree, its authority or its baseline is unreadable.
    """
    with Git(Repository.locate(request.directory, request.environment)) as git:
        change = open_work_tree(git, request)
        _, policy, _ = Policies(request, git.repository).choose(change)
        before = read_baseline(change.head_files)
        # A rule's stage decides when it is judged, not whether its findings existed before.
        results = Judging(Facts(change, policy), select=FAMILIES, any_stage=True).run()
        undecided = [result for result in results if result.state == "indeterminate"]
        entries = list(_entries(before, results, grow=grow or before is None))
        if before is None and entries and git.repository.ignores(path_text(BASELINE)):
            raise _error("is ignored by git, so it would never count", None, "take it out of .gitignore")
        return Recording(git.repository.work_tree(), before, entries, undecided)


def _entries(before: Counts | None, results: Sequence[RuleResult], *, grow: bool) -> Iterator[BaselineEntry]:
    recorded = before or {}
    errors = _errors(results)
    undecided = {result.code for result in results if result.state == "indeterminate"}
    # A rule that was removed or switched off has no findings.
    for code, path in sorted({*recorded, *errors}):
        old, found = recorded.get((code, path), 0), len(errors.get((code, path), ()))
        known_count = max(old, found) if code in undecided else found
        after = known_count if grow else min(old, known_count)
        yield BaselineEntry(code, path, old, after, None if code in undecided else found)
