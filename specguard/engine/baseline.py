"""The baseline: the findings that a repository had when it began, by rule and path, so that it can begin.

`.specguard/baseline.json` holds `{rule: {path: count}}`: codes of rules, paths from the repository's root,
and how many errors of that rule are accepted there. It has no line numbers, so it survives every edit that
adds no error.
"""

from __future__ import annotations

import json
import os
import re
from itertools import groupby

from specguard.change.change import BASELINE
from specguard.change.check_request import Request, once
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.sources import open_work_tree
from specguard.declaration.rule import is_code
from specguard.engine.check import Selection
from specguard.engine.facts import Facts
from specguard.engine.policies import Policies
from specguard.engine.rule_runner import Judging
from specguard.errors import Needed, SpecguardError
from specguard.model import Judged, Record, RuleResult, path_text, state_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Final

    from specguard.change.tree import Tree

    Counts = Mapping[tuple[str, bytes], int]
    """How many errors of a rule are accepted in a file, by its code and the path: at least 1."""


FAMILIES: Final = frozenset({"SPC", "ART", "PLN", "CNT", "CFG"})
"""Whose findings can be in a baseline: rules about what a tree holds. A change itself has no past."""

LIMIT: Final = 16 << 20
"""The most bytes of a baseline that are read."""

_KEY: Final = re.compile(r'[\s{]*("(?:[^"\\]|\\.)*")\s*:')


def read_counts(data: bytes) -> Counts:
    """Read a baseline's file.

    Raises:
        SpecguardError: it is no such file; with its line.
    """
    try:
        text = data.decode("utf-8")
        rules = json.loads(text, object_pairs_hook=once)
    except UnicodeDecodeError as error:
        raise _broken("is not UTF-8", data.count(b"\n", 0, error.start) + 1) from None
    except json.JSONDecodeError as error:
        raise _broken(f"is no JSON: {error.msg}", error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise _broken(f"is no JSON that can be read: {error}") from None
    if not isinstance(rules, dict):
        raise _broken("is no object of rules")
    counts: dict[tuple[str, bytes], int] = {}
    for code, paths in rules.items():
        if not is_code(code) or code[:3] not in FAMILIES:
            known = ", ".join(sorted(FAMILIES))
            raise _broken(f"has {code}, and only rules of {known} can be in it", _line_of(text, code))
        if not isinstance(paths, dict):
            raise _broken(f"has no object of paths for {code}", _line_of(text, code))
        for path, count in paths.items():
            if type(count) is not int or count < 1:
                what = f"has no count of at least 1 for {code} in {path!r}"
                raise _broken(what, _line_of(text, code, path))
            try:
                counts[code, path.encode("utf-8", "surrogateescape")] = count
            except UnicodeEncodeError:
                what = f"has {path!r}, which no file can be called"
                raise _broken(what, _line_of(text, code, path)) from None
    return counts


def counts_text(counts: Counts) -> str:
    """The file: one line a path, sorted, so that a change of it reads as what it is."""
    rules: list[str] = []
    for code, entries in groupby(sorted(counts), key=lambda entry: entry[0]):
        lines = [f"    {_quoted(path)}: {counts[code, path]}" for _, path in entries]
        rules.append(f'  "{code}": {{\n' + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(rules) + "\n}\n" if rules else "{}\n"


class Growth(Record):
    """An entry of a baseline that accepts more than it did."""

    code: str
    path: bytes
    before: int
    after: int
    line: int

    def __str__(self) -> str:
        instead = f" instead of {self.before}" if self.before else ""
        return f"{self.after}{instead} of {self.code} in {path_text(self.path)}"


class BaselineChange(Record):
    """The effect of a change on the baseline.

    Attributes:
        growths: the entries that accept more than before, in the order of the file.
        problem: why the two cannot be compared; empty if they can.
    """

    growths: Sequence[Growth] = ()
    problem: str = ""


def compare_baselines(old: bytes | None, new: bytes | None) -> BaselineChange:
    """Compare two baselines; None stands for one that is not there."""
    try:
        before = read_counts(old) if old is not None else {}
    except SpecguardError as error:
        return BaselineChange(problem=f"it could not be read before: {error.message}")
    try:
        after = read_counts(new) if new is not None else {}
    except SpecguardError as error:
        return BaselineChange(problem=error.message)
    grown = [(*key, before.get(key, 0), count) for key, count in after.items() if count > before.get(key, 0)]
    lines = dict(_lines((new or b"").decode())) if grown else {}
    return BaselineChange([Growth(*one, line=lines.get((one[0], _as_text(one[1])), 1)) for one in grown])


_HELP: Final = "fix it there, or remove it and let `specguard baseline` write one"


def _broken(what: str, line: int | None = 1, help: str = _HELP) -> SpecguardError:
    return SpecguardError(
        f"the baseline {what}", path=path_text(BASELINE), line=line, help=help, code="broken-baseline"
    )


def _line_of(text: str, code: str, path: str = "") -> int:
    return dict(_lines(text)).get((code, path), 1)


def _lines(text: str) -> Iterator[tuple[tuple[str, str], int]]:
    """The line of each code and of each path below one, where the file has a line for each."""
    code = ""
    for number, line in enumerate(text.split("\n"), 1):
        key = _KEY.match(line)
        if key is not None:
            name = json.loads(key[1])
            code, path = (name, "") if is_code(name) else (code, name)
            yield (code, path), number


def _as_text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _quoted(path: bytes) -> str:
    """A path as a JSON string; what nobody would see, or could not be written, is escaped."""
    text = _as_text(path)
    return json.dumps(text, ensure_ascii=not text.isprintable())


def accept(
    results: Sequence[RuleResult],
    trusted: Tree,
    recount: Callable[[Sequence[str]], Sequence[RuleResult]] | None = None,
) -> None:
    """Mark the errors that the baseline accepts as `baselined`, and alter their rules' states.

    Where a file has no more errors of a rule than the baseline says, all of them are accepted; else none is,
    and each says both numbers. What is below an error blocks nothing and is left as it is.

    Args:
        results: what became of the rules.
        trusted: the tree that the baseline is read from.
        recount: judges those rules of some codes on the whole tree that otherwise judge parts of files; None
            where the whole tree was judged.

    Raises:
        SpecguardError: the baseline is broken, or cannot be read.
    """
    judged = [one for one in results if can_be_accepted(one)]
    counts = read_baseline(trusted) if judged else None
    if not counts:
        return
    found = _errors(judged)
    known = sorted({code for code, path in found if (code, path) in counts})
    whole = _errors(recount(known)) if recount and known else {}
    for key, errors in found.items():
        accepted = counts.get(key, 0)
        count = max(len(errors), len(whole.get(key, ())))
        for error in errors:
            if count <= accepted:
                error.state = "baselined"
            elif accepted:
                error.exceeds = count, accepted
    for result in judged:
        if result.state == "failed":
            result.state = state_of(result.findings)


def can_be_accepted(result: RuleResult) -> bool:
    """True if a rule was judged, and is one whose findings can be in a baseline."""
    return result.code[:3] in FAMILIES and result.state not in ("off", "not-applicable")


def _errors(results: Sequence[RuleResult]) -> dict[tuple[str, bytes], list[Judged]]:
    """The errors that are about a file, by their rule's code and its path."""
    errors: dict[tuple[str, bytes], list[Judged]] = {}
    for result in results:
        for judged in result.findings:
            if judged.severity == "error" and judged.finding.path is not None:
                errors.setdefault((result.code, judged.finding.path), []).append(judged)
    return errors


def read_baseline(tree: Tree) -> Counts | None:
    """The baseline of a tree; None if it has none.

    Raises:
        SpecguardError: it is broken, or cannot be read.
    """
    with Needed():
        entry = tree.find(BASELINE)
        if entry is None:
            return None
        data = tree.read(BASELINE, LIMIT) if entry.is_file else None
    if data is None:
        raise _broken("is no regular file", None, "take it away, and let `specguard baseline` write one")
    return read_counts(data)


class BaselineEntry(Record):
    """The recorded and the correct number for one rule in one file.

    Attributes:
        code: the rule's.
        path: the file.
        before: how many errors are recorded.
        after: how many should be.
        found: how many there are; None if the rule could not be judged.
    """

    code: str
    path: bytes
    before: int
    after: int
    found: int | None


class Recording(Record):
    """A baseline brought up to date.

    Attributes:
        top: the working tree's folder.
        before: the baseline that the working tree has; None if it has none.
        entries: what is or should be recorded, by rule and path.
        undecided: the rules that could not be judged; what is recorded of them stays.
    """

    top: str
    before: Counts | None
    entries: Sequence[BaselineEntry]
    undecided: Sequence[RuleResult]

    @property
    def after(self) -> Counts:
        """The baseline as it should be."""
        return {(entry.code, entry.path): entry.after for entry in self.entries if entry.after}

    @property
    def changes(self) -> Sequence[BaselineEntry]:
        """Entries that are recorded with another number than they should be."""
        return [entry for entry in self.entries if entry.before != entry.after]

    @property
    def beyond(self) -> Sequence[BaselineEntry]:
        """The entries with more errors than will be accepted."""
        return [entry for entry in self.entries if entry.found is not None and entry.found > entry.after]


def record(request: Request, *, grow: bool = False) -> Recording:
    """Judge the working tree as a whole, by its own authority, and say what its baseline should be.

    Args:
        request: where the repository is, `today` and `strict`; the whole tree is asked for.
        grow: whether more may be accepted than is recorded; without a baseline everything is.

    Raises:
        SpecguardError: the working tree, its authority or its baseline cannot be read.
    """
    repository = Repository.locate(request.directory, request.environment)
    with Git(repository) as git:
        change = open_work_tree(git, request)
        _, policy, _ = Policies(request, repository).of(change)
        before = read_baseline(change.head_files)
        selection = Selection(
            policy.rules, select=[rule.code for rule in policy.rules if rule.code[:3] in FAMILIES]
        )
        # A rule's stage says when it is judged, not whether what it found was there before.
        judging = Judging(policy, Facts(change, policy), selection, strict=request.strict, any_stage=True)
        results = [result for result in judging.run() if result.code[:3] in FAMILIES]
        top = repository.work_tree()
        if before is None and os.path.lexists(os.path.join(top, os.fsdecode(BASELINE))):
            what = "is ignored by git, so it would never count"
            raise _broken(what, None, "take it out of .gitignore")
        undecided = [result for result in results if result.state == "indeterminate"]
        entries = list(_entries(before, results, grow=grow or before is None))
        return Recording(top, before, entries, undecided)


def _entries(before: Counts | None, results: Sequence[RuleResult], *, grow: bool) -> Iterator[BaselineEntry]:
    recorded = before or {}
    errors = _errors(results)
    undecided = {result.code for result in results if result.state == "indeterminate"}
    # A rule that is gone or switched off finds nothing.
    for code, path in sorted({*recorded, *errors}):
        old, found = recorded.get((code, path), 0), len(errors.get((code, path), ()))
        known = max(old, found) if code in undecided else found
        after = known if grow else min(old, known)
        yield BaselineEntry(code, path, old, after, None if code in undecided else found)
