"""Laying the baseline over what the rules found."""

from __future__ import annotations

from specguard.authority.baseline import FAMILIES, LIMIT, Baseline
from specguard.change.change import BASELINE
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.sources import open_work_tree
from specguard.declaration.rule import Record
from specguard.engine.check import Selection
from specguard.engine.facts import Facts
from specguard.engine.policies import Policies
from specguard.engine.run import Judging
from specguard.errors import MissingFact, SpecguardError
from specguard.model import path_text, state_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from specguard.change.request import Request
    from specguard.change.tree import Tree
    from specguard.model import Judged, RuleResult


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
    baseline = read_baseline(trusted) if judged else None
    if baseline is None:
        return
    found = {result.code: errors_by_path(result) for result in judged}
    known = [code for code, paths in found.items() if any(baseline.accepts(code, path) for path in paths)]
    again = recount(known) if recount and known else ()
    whole = {result.code: errors_by_path(result) for result in again}
    for result in judged:
        for path, errors in found[result.code].items():
            accepted = baseline.accepts(result.code, path)
            count = max(len(errors), len(whole.get(result.code, {}).get(path, ())))
            for error in errors:
                if count <= accepted:
                    error.state = "baselined"
                elif accepted:
                    error.exceeds = count, accepted
        if result.state == "failed":
            result.state = state_of(result.findings)


def can_be_accepted(result: RuleResult) -> bool:
    """Whether a rule was judged, and is one whose findings can be in a baseline."""
    return result.code[:3] in FAMILIES and result.state not in ("off", "not-applicable")


def errors_by_path(result: RuleResult) -> dict[bytes, list[Judged]]:
    """A rule's errors that are about a file, by its path."""
    errors: dict[bytes, list[Judged]] = {}
    for judged in result.findings:
        if judged.severity == "error" and judged.finding.path is not None:
            errors.setdefault(judged.finding.path, []).append(judged)
    return errors


def read_baseline(tree: Tree) -> Baseline | None:
    """The baseline of a tree; None where it has none.

    Raises:
        SpecguardError: it is broken, or cannot be read.
    """
    try:
        entry = tree.find(BASELINE)
        if entry is None:
            return None
        data = tree.read(BASELINE, LIMIT) if entry.is_file else None
    except MissingFact as missing:
        raise SpecguardError(
            missing.reason, help=missing.command, path=path_text(BASELINE), code=missing.code
        ) from missing
    if data is None:
        raise SpecguardError(
            "the baseline is no regular file",
            path=path_text(BASELINE),
            help="take it away, and let `specguard baseline` write one",
            code="broken-baseline",
        )
    return Baseline.read(data)


class BaselineEntry(Record):
    """What is and should be recorded of one rule in one file.

    Attributes:
        code: the rule's.
        path: the file.
        before: how many errors are recorded.
        after: how many should be.
        found: how many there are; None where the rule could not be judged.
    """

    code: str
    path: bytes
    before: int
    after: int
    found: int | None


class Recording:
    """A baseline brought up to date.

    Attributes:
        top: the working tree's folder.
        before: the baseline that the working tree has; None where it has none.
        entries: what is or should be recorded, by rule and path.
        undecided: the rules that could not be judged; what is recorded of them stays.
    """

    def __init__(
        self, top: str, before: Baseline | None, results: Sequence[RuleResult], *, grow: bool
    ) -> None:
        self.top = top
        self.before = before
        self.undecided = [result for result in results if result.state == "indeterminate"]
        self.entries = list(_entries(before, results, grow=grow or before is None))

    @property
    def after(self) -> Baseline:
        """The baseline as it should be."""
        counts: dict[str, dict[bytes, int]] = {}
        for entry in self.entries:
            if entry.after:
                counts.setdefault(entry.code, {})[entry.path] = entry.after
        return Baseline(counts)

    @property
    def changes(self) -> Sequence[BaselineEntry]:
        """What is recorded otherwise than it should be."""
        return [entry for entry in self.entries if entry.before != entry.after]

    @property
    def beyond(self) -> Sequence[BaselineEntry]:
        """Where more errors were found than will be accepted."""
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
        results = judging.run()
        top = repository.work_tree()
        if before is None:
            _check_place(top)
        return Recording(
            top, before, [result for result in results if result.code[:3] in FAMILIES], grow=grow
        )


def _check_place(top: str) -> None:
    """Refuse a baseline that is there and that git does not see."""
    import os

    if os.path.lexists(os.path.join(top, os.fsdecode(BASELINE))):
        raise SpecguardError(
            "the baseline is ignored by git, so it would never count",
            path=path_text(BASELINE),
            help="take it out of .gitignore",
            code="broken-baseline",
        )


def _entries(
    before: Baseline | None, results: Sequence[RuleResult], *, grow: bool
) -> Iterator[BaselineEntry]:
    recorded: Mapping[str, Mapping[bytes, int]] = before.counts if before else {}
    judged = {result.code: result for result in results}
    for code in sorted({*recorded, *judged}):
        result = judged.get(code)
        # A rule that is gone or switched off finds nothing.
        errors = errors_by_path(result) if result else {}
        known = recorded.get(code, {})
        for path in sorted({*known, *errors}):
            old, found = known.get(path, 0), len(errors.get(path, ()))
            if result is not None and result.state == "indeterminate":
                after = max(old, found) if grow else old
                yield BaselineEntry(code, path, before=old, after=after, found=None)
            else:
                after = found if grow else min(old, found)
                yield BaselineEntry(code, path, before=old, after=after, found=found)
