"""Laying the baseline over what the rules found."""

from __future__ import annotations

from specguard.authority.baseline import FAMILIES, LIMIT, Baseline
from specguard.change.change import BASELINE
from specguard.engine.run import state_of
from specguard.errors import MissingFact, SpecguardError
from specguard.model import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
