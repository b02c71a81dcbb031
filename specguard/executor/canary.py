"""The proof that nothing starts unguarded: an edit that must be refused is refused."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from specguard.change.tree import Tree
from specguard.engine.run_check import check_run
from specguard.executor.committing import make_commit
from specguard.executor.ending import RunEnded
from specguard.executor.place import place_of
from specguard.model import path_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from specguard.executor.run import Run
    from specguard.model import Verdict

_WILD: Final = re.compile(rb"\*\*|\*|\?|\[[^]]*\]")
_TEXT: Final = b"The guard refuses this.\n"


def prove_guard(run: Run, judge: Callable[[Run, str], Verdict] | None = None) -> bytes | None:
    """Show that the guard refuses a canary edit, made to a scratch tree that no file of the place has.

    A path that the policy forbids or locks is edited; where it guards none, its own document is deleted.

    Args:
        run: the run; its place was made.
        judge: judges a commit, given the run and the commit's object id; as the run's check does it, where
            it is not given.

    Returns:
        The path that was refused; None where no rule of the policy refuses an edit, so there is nothing to
        show.

    Raises:
        RunEnded: it was let through, so nothing would be guarded.
        SpecguardError: no verdict can be given.
    """
    place = place_of(run)
    index = os.path.join(place.git.folder, "canary-index")
    place.git.run("read-tree", place.base, index=index)
    path = _guarded(run)
    if path is not None:
        edit = b"100644 %s\t%s\0" % (place.git.run("hash-object", "-w", "--stdin", stdin=_TEXT).strip(), path)
    elif _refuses(run, "policy-change"):
        path = os.fsencode(run.policy.documents[0][0])
        edit = b"0 %s\t%s\0" % (b"0" * len(place.base), path)
    else:
        return None
    place.git.run("update-index", "--replace", "-z", "--index-info", stdin=edit, index=index)
    tree = place.git.run("write-tree", "--missing-ok", index=index).decode("ascii").strip()
    verdict = (judge or _judge)(run, make_commit(run, tree))
    for judged in verdict.findings:
        if judged.finding.path == path and judged.severity == "error" and judged.state == "open":
            return path
    raise RunEnded(
        "failed",
        f"the guard does not fire: an edit of {path_text(path)}, which the policy guards, was let through",
        help="specguard doctor",
        code=2,
        error="guard-silent",
    )


def _judge(run: Run, oid: str) -> Verdict:
    repository = run.manifest.repository
    return check_run(
        run.git.repository,
        objects=place_of(run).objects,
        base=repository.base,
        base_oid=repository.base_oid,
        head=oid,
        branch=run.manifest.branch or "",
    )


def _refuses(run: Run, name: str) -> bool:
    """Whether a rule refuses at all what a run commits."""
    rule = run.policy.rule(name)
    return rule is not None and rule.active and rule.severity == "error" and "run" in rule.stages


def _guarded(run: Run) -> bytes | None:
    """A path that the policy guards: one of the base where there is one."""
    place = place_of(run)
    guards = run.policy.guards

    def refused(path: bytes) -> bool:
        guard = guards.find(path)
        return guard is not None and _refuses(run, guard.rule)

    if not any(_refuses(run, guard.rule) for guard in guards.all):
        return None
    for path in Tree(place.git, place.git.commit(place.base).tree).paths():
        if refused(path):
            return path
    for guard in guards.all:
        path = _WILD.sub(b"canary", guard.pattern.encode("utf-8", "surrogateescape").strip(b"/"))
        if refused(path):
            return path
    return None
