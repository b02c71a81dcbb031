"""Rules about the names of work items: those that branch, commits and title give, and which item that is."""

from __future__ import annotations

from itertools import pairwise

from specguard.rules import Finding, MissingFact, Rule, path_text
from specguard_rules.next_steps import mixed, reword
from specguard_rules.spelling import alternatives, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Bookkeeping, Commit, History, Ref, Stage, Work, WorkItem, WorkKind
    from specguard.work.item import Unresolved
    from specguard.work.kinds import Naming


class UnresolvedWorkItem(Rule):
    """A change names no work item that the trusted base resolves.

    The branch, commits and title name the item, by the templates of `[work.<kind>]`. The first of its
    `pointer` files must be a JSON object with the current number. A kind with a `source` has a list of items
    instead. With `require_work_item`, every change must name one, except *plan upkeep*, which touches only
    pointers, documents and lists of items.

    Why is this bad? Without the item, no rule knows its scope and gates.

    How to fix it: have the pointer corrected in the base, or give the branch the name in the finding.

    ```text
    error: docs/plan/NEXT_PHASE.json: the branch 'phase-12' names phase 12, which cannot be resolved:
      docs/plan/NEXT_PHASE.json has "soon" in 'next', which should hold the number of the current item
      (tried: configs/NEXT_PHASE.json is not there; docs/plan/NEXT_PHASE.json has "soon" in 'next',
      which should hold the number of the current item)
    ```

    ```toml fails
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json", "docs/plan/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    '''
    base = {files = {"docs/plan/NEXT_PHASE.json" = '{"next": "soon"}'}}
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [[expect]]
    code = "WRK001"
    path = "docs/plan/NEXT_PHASE.json"
    message = "configs/NEXT_PHASE.json is not there"
    ```

    ```toml fails
    policy = '''
    require_work_item = true

    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    '''
    base = {files = {"configs/NEXT_PHASE.json" = '{"next": 12}'}}
    branch = "work"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]
    expect = [{code = "WRK001", field = "work_item", help = "'phase-12'"}]
    ```

    ```toml passes
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    '''
    base = {files = {"configs/NEXT_PHASE.json" = '{"next": 12}'}}
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]
    ```
    """

    code: ClassVar[str] = "WRK001"
    name: ClassVar[str] = "unresolved-work-item"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "the work item that the change names is resolved in the trusted base"

    def check(
        self, work: Work, bookkeeping: Bookkeeping, commits: Sequence[Commit] | None = None
    ) -> Iterator[Finding]:
        """Resolve the item, or say that one is required."""
        nameless = work.naming is None and work.required
        if nameless and work.is_upkeep:
            return
        made = {one.oid: one for one in commits or ()}
        for commit in work.unnamed if work.required else ():
            if not bookkeeping.is_all_of(commit):
                subject = commit.message.subject
                message = (
                    f"commit {commit.oid[:10]} {quoted(subject)} names no work item, and on "
                    f"{quoted(work.branch)} each commit is one"
                )
                step = (
                    f"Name it after its item, `{reword(commit.message, made)}`, or take it to another branch."
                )
                yield _required(message, step, f"unnamed {subject}", "commit.subject", commit.oid)
        if nameless and work.own is None and not work.unnamed:
            if work.title_missing:
                work.named()
            names, subjects = alternatives(work.branches), alternatives(work.subjects)
            steps = [f"name the branch after the item: {names}"] if names else []
            steps += [f"begin a commit's subject as {subjects} says"] if subjects else []
            step = ", or ".join(steps) or "give a kind a template that has its number"
            message = "the change names no work item, and the policy requires one"
            yield _required(message, f"{step[0].upper()}{step[1:]}.", "required", "work_item")
        for naming, found in () if nameless else work.each:
            if not found.resolved:
                yield _unresolved(naming, found, work.kinds[naming.kind], work)


def _required(message: str, step: str, key: str, field: str, commit: str | None = None) -> Finding:
    return Finding(message, help=step, commit=commit, field=field, key=key, setting="require_work_item")


def _unresolved(naming: Naming, unresolved: Unresolved, kind: WorkKind, work: Work) -> Finding:
    pointer, source = unresolved.pointer, kind.source
    # A list of items that was read says itself that it lacks one.
    tried = "; ".join(map(str, pointer.tried)) if pointer.problem or not source else ""
    if source and kind.branch and work.branch and (pointer.path is None or naming.source != "branch"):
        told = work.branch_of_list(naming.kind)
        step = f"Name the branch after the list that has the item: git branch -m {told}"
    elif source or kind.pointer:
        what = "list of items" if source else "pointer"
        step = f"Have the {what} corrected in the base, by a change of its own."
    elif kind.branch:
        step = f"Name the branch after the item, as {kind.branch!r} says, or give the kind a pointer."
    else:
        step = "Give the kind a pointer, or take what nothing tells out of its templates."
    return Finding(
        f"{naming.label} names {naming.item}, which cannot be resolved: {unresolved.problem}"
        + (f" (tried: {tried})" if tried else ""),
        help=step,
        path=pointer.path,
        line=pointer.line,
        field=None if pointer.path else "work_item",
        key=naming.kind,
        setting=f"work.{naming.kind}.{'source' if source else 'pointer'}",
    )


class WorkItemMismatch(Rule):
    """Branch, commit, title and pointer name different work items.

    By `[work.<kind>]`, `phase-12`, `phase_012` and `feat(phase-12): x` all mean phase 12. The commit is the
    first one, the title the pull request's. Other rules use the branch's item, else the commit's, else the
    title's.

    Why is this bad? A reviewer who trusts the title reviews something else.

    How to fix it: rename what is wrong, or take the work to the pointer's item.

    See also: `mixed-work-items`

    ```text
    error: commit 08c42cf1d5 'feat(phase11): implement phase 11' names phase 11, but the branch
      'phase-12' names phase 12
    ```

    ```toml fails
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat(phase11): implement phase 11", files = {"x.txt" = "x"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 13}'

    [[expect]]
    code = "WRK003"
    field = "commit.subject"

    [[expect]]
    code = "WRK003"
    path = "configs/NEXT_PHASE.json"
    line = 1
    ```

    ```toml passes
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat(phase12): implement phase 12", files = {"x.txt" = "x"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 12}'
    ```
    """

    code: ClassVar[str] = "WRK003"
    name: ClassVar[str] = "work-item-mismatch"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = (
        "the branch, the first commit, the title and the pointer speak of one work item"
    )

    def check(self, work: Work) -> Iterator[Finding]:
        """Compare every name with the one that decides, and that one with the pointer."""
        naming = work.named()
        seen = {naming.source}
        for other in work.namings:
            if other.source in seen:
                continue
            seen.add(other.source)
            together = work.commits if other.kind in work.shared else ()
            if not any(other.same_item(one) for one in (naming, *together)):
                key = {"branch": "branch", "title": "pull_request"}.get(other.source, "commit")
                yield _differs(
                    other,
                    f"{other.label} names {other.item}, but {naming.label} names {naming.item}",
                    f"Let both name the item that the change implements, {naming.item} or {other.item}.",
                    f"{other.source} {other.item}",
                    key,
                    mixed(work, other.commit),
                )
        pointer = work.pointer(naming.kind)
        known = work.kinds[naming.kind].pointer and not pointer.problem and naming.number is not None
        if known and pointer.number != naming.number:
            place = path_text(pointer.path or b"")
            current = f"{naming.kind} {pointer.id}"
            branch = work.branch_of_current(naming.kind)
            yield Finding(
                f"{naming.label} names {naming.item}, but {place} says that {current} is the current one",
                help=f"Work on {current}" + (f" on the branch '{branch}'." if branch else "."),
                path=pointer.path,
                line=pointer.line,
                key=f"pointer {naming.item}",
                setting=f"work.{naming.kind}.pointer",
            )
        if work.title_missing:
            raise MissingFact("the pull request's title is not known", "specguard check --pr-title TEXT")


class MixedWorkItems(Rule):
    """The commits of one change name different work items.

    By `[work.<kind>]`, `feat(track-05): x` names track 5. Merge commits and commits that name no item are
    skipped. With `unit = "commit"` of `[plans.<name>]`, one branch holds all tasks of a plan.

    Why is this bad? Two items in one change cannot be reviewed or reverted apart.

    How to fix it: move the other item's commits to their own branch (`git cherry-pick`). If yours stands on
    an old state of theirs, rebase it.

    See also: `work-item-mismatch`

    ```text
    error: commit 1784184974 'fix(phase-13): begin' works on phase 13, and commit dfd1b801e4
      'feat(phase12): implement phase 12' on phase 12
    ```

    ```toml fails
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"

    [[commits]]
    message = "feat(phase12): implement phase 12"
    files = {"x.txt" = "x"}

    [[commits]]
    message = "fix(phase-13): begin"
    files = {"y.txt" = "y"}

    [[expect]]
    code = "WRK007"
    field = "commit.subject"
    ```

    ```toml passes
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"

    [[commits]]
    message = "feat(phase12): implement phase 12"
    files = {"x.txt" = "x"}

    [[commits]]
    message = "docs: tell"
    files = {"y.txt" = "y"}
    ```
    """

    code: ClassVar[str] = "WRK007"
    name: ClassVar[str] = "mixed-work-items"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "all commits that name a work item name the same one"

    def check(self, work: Work) -> Iterator[Finding]:
        """Compare the commits' items with the first one's."""
        work.named()
        commits = work.commits
        reported: set[str] = set()
        for before, other in pairwise(commits):
            first = commits[0]
            together = other.kind == first.kind and other.kind in work.shared
            if together or other.same_item(first) or other.item in reported:
                continue
            reported.add(other.item)
            whose, more = other.item, "."
            if work.naming is not None and other.same_item(work.naming):
                whose, last = first.item, (before.commit or "")[:12]
                more = "; where this one stands on theirs, restack it: "
                more += f"git rebase --autostash --onto BRANCH {last}"
            message = f"{other.label} works on {other.item}, and {first.label} on {first.item}"
            step = f"Take the commits for {whose} to a branch of their own{more}"
            yield _differs(other, message, step, other.item, "commit")


def _differs(
    naming: Naming, message: str, step: str, key: str, template: str, same_as: Sequence[str] = ()
) -> Finding:
    return Finding(
        message,
        help=step,
        commit=naming.commit,
        field=naming.field,
        key=key,
        same_as=same_as,
        setting=f"work.{naming.kind}.{template}",
    )


class RepeatedWorkItem(Rule):
    """The work item has landed already, or another branch works on it.

    An item has landed if a subject in the base fits `commit` or `pull_request` of its `[work.<kind>]`.
    ` (#12)` does not matter, and a revert lifts it. Another branch works on it if its name is like the item's
    (`phase-12-again`), locally or on a remote.

    Why is this bad? An item is done once, by one pull request.

    How to fix it: take the pointer's item, or delete the unused branch.

    ```text
    error: commit 2a558e69d7: phase 12 is in the base already: commit 2a558e69d7 'feat(phase12):
      implement phase 12 (#7)'
    ```

    ```toml fails
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat(phase12): implement phase 12", files = {"y.txt" = "y"}}]
    expect = [{code = "WRK006", field = "commit.subject"}]

    [[base]]
    message = "feat(phase12): implement phase 12 (#7)"
    files = {"x.txt" = "x"}
    ```

    ```toml passes
    policy = '''
    [work.phase]
    branch = "phase-{number}"
    commit = "feat(phase{number}): implement phase {number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat(phase12): implement phase 12", files = {"y.txt" = "y"}}]

    [[base]]
    message = "feat(phase11): implement phase 11"
    files = {"x.txt" = "x"}
    ```
    """

    code: ClassVar[str] = "WRK006"
    name: ClassVar[str] = "repeated-work-item"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)
    condition: ClassVar[str] = "the work item is not in the base yet, and no other branch works on it"

    def check(
        self, work_item: WorkItem, work: Work, history: History, refs: Sequence[Ref]
    ) -> Iterator[Finding]:
        """Read back the base's subjects, then the branches."""
        for item in [item for _, item in work.each if item.resolved]:
            landed = work.landed(item, history)
            if landed is not None:
                yield Finding(
                    f"{item} is in the base already: commit {landed.oid[:10]} {quoted(landed.subject)}",
                    help="Take up the current item, or revert that commit first.",
                    commit=landed.oid,
                    field="commit.subject",
                    key="landed" if item is work_item else f"landed {item}",
                    setting=item.setting("commit"),
                )
        others: dict[str, Ref] = {}
        for ref in refs if work.branch else ():
            naming = work.names.read("branch", ref.short) if ref.short != work.branch else None
            if naming is not None and work_item.told_by(naming):
                others.setdefault(ref.short, ref)
        for short, ref in others.items():
            shown = ref.name.removeprefix("refs/remotes/").removeprefix("refs/heads/")
            message = f"another branch works on {work_item}: {quoted(shown)}"
            step = "Go on there, or delete it if it is not used."
            yield Finding(message, help=step, field="branch", key=short, setting=work_item.setting("branch"))
