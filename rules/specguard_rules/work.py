"""Rules about work items: which one a change implements, how it is named, and its documents."""

from __future__ import annotations

from itertools import pairwise

from specguard.rules import Finding, NotApplicable, Rule, path_text
from specguard_rules.finding_texts import CommitsById, alternatives, put_back, quote, reword, shell_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Base, Bookkeeping, Commit, Entry, Guards, History, Ref, Stage, Work, WorkItem
    from specguard.work.item import Unresolved
    from specguard.work.kinds import Naming, WorkKind


class _WorkRule:
    """The stages and tables that rules about work items share."""

    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("work",)


class UnresolvedWorkItem(_WorkRule, Rule):
    """A change names no work item that the trusted base resolves.

    The branch, commits and title name the item, by the templates of `[work.<kind>]`. The first of its
    `pointer` files must be a JSON object with the current number. A kind with a `source` has a list of items
    instead. With `require_work_item`, every change must name one. Exempt are a person's exact reverts of
    landed commits, and *plan upkeep*, which touches only pointers, documents and lists of items.

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
    condition: ClassVar[str] = "the work item that the change names is resolved in the trusted base"

    def check(
        self,
        work: Work,
        bookkeeping: Bookkeeping,
        history: History,
        base: Base | None = None,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Yield a finding for each item that is not resolved, and for a missing item if one is required."""
        unnamed_change = work.naming is None and work.required
        if unnamed_change and (work.is_upkeep or not (commits or work.entries())):
            return
        own = [one for one in commits or () if not one.is_merge]
        if unnamed_change and own and not work.by_agent and all(_undoes(one, history) for one in own):
            work.require_title()
            return
        by_id, hint = CommitsById(commits or ()), ""
        if work.own is not None:
            hint = f"; the plan itself is changed in commit {work.own.commit[:10]}, which brings it"
        elif work.unnamed and work.brought and any(e.added and e.path in work.papers for e in work.entries()):
            hint = "; one that brings the plan is the first, and touches only its folder"
        asked = work.unnamed if work.required and not bookkeeping.is_squash else ()
        for commit in (one for one in asked if not bookkeeping.is_all_of(one)):
            subject, how = commit.message.subject, reword(commit.message, by_id)
            message = f"{quote(subject)} names no work item, and on {quote(work.branch)} each commit is one"
            step = f"Name it after its item, `{how}`, or take it to another branch{hint}."
            if base and base.drops(commit):
                # Other commits go only if they are empty there: what the base has taken back, comes again.
                how = f"git rebase --reapply-cherry-picks {shell_quote(base.name)}"
                step = f"{base.name} has what it does, and this drops it: `{how}`"
            finding = _required_finding(message, step, f"unnamed {subject}", "commit.subject", commit.oid)
            finding.same_as = ["CMT005 autosquash"] if commit.message.squashes else []
            yield finding
        if unnamed_change and work.own is None and not work.unnamed:
            work.require_title()
            names, subjects = alternatives(work.branches), alternatives(work.subjects)
            steps = [f"name the branch after the item: {names}"] if names else []
            steps += [f"begin a commit's subject as {subjects} says"] if subjects else []
            step = ", or ".join(steps) or "give a kind a template that has its number"
            message = "the change names no work item, and the policy requires one"
            yield _required_finding(message, f"{step[0].upper()}{step[1:]}.", "required", "work_item")
        for naming, found in () if unnamed_change else work.each:
            if not found.resolved:
                yield _unresolved_finding(naming, found, work.kinds[naming.kind], work)


def _undoes(commit: Commit, history: History) -> bool:
    """True if a commit is the revert of one in the base: of its subject, and byte by byte of its files."""
    start, _, what = commit.message.subject.rpartition('"')[0].partition('Revert "')
    if len(commit.diffs) != 1 or start or not what:
        return False
    own = [(one.path, one.old_mode, one.old, one.new_mode, one.new) for one in commit.diffs[0]]
    done = history.changed_by([one for one in history.mentioning([what]) if one.subject == what])
    return own in [[(e.path, e.new_mode, e.new, e.old_mode, e.old) for e in entries] for entries in done]


def _required_finding(message: str, step: str, key: str, field: str, commit: str | None = None) -> Finding:
    return Finding(message, step, commit=commit, field=field, key=key, setting="require_work_item")


def _unresolved_finding(naming: Naming, unresolved: Unresolved, kind: WorkKind, work: Work) -> Finding:
    pointer, source = unresolved.pointer, kind.source
    # The problem of a list of items that was read already says that the item is missing.
    tried = "; ".join(map(str, pointer.tried)) if pointer.problem or not source else ""
    named, by_branch = kind.template("branch").read(work.branch or ""), naming.source == "branch"
    unlisted = pointer.path is None or (pointer.line is None and not named)
    if source and kind.branch and work.branch and unlisted and not by_branch:
        step = "Merge the list first, by a change of its own."
        if not named:
            step = f"Name the branch as {kind.branch!r} says; a range that is merged has it in --branch."
        elif naming.kind in work.brought:
            step = "Merge the list, or let the first commit bring it, and touch only its folder, "
            step += f"on a branch that {kind.branch!r} names after it."
    elif source or kind.pointer:
        step = f"Have the {'list' if source else 'pointer'} corrected in the base, by a change of its own."
        if source and by_branch:
            step += " If this branch starts from one that has it, merge that first, "
            step += "or for checks without --base, --range or --enforce: git branch -u PARENT"
        if work.own is not None and work.own.path == pointer.path:
            step = f"Add the item to the list in commit {work.own.commit[:10]}, which brings it."
    else:
        where = f"name the branch as {kind.branch!r} says" if kind.branch else "correct its templates"
        step = f"Give the kind a pointer, or {where}."
    message = f"{naming.label} names {naming.item}, which cannot be resolved: {unresolved.problem}"
    message += f" (tried: {tried})" if tried not in ("", unresolved.problem) else ""
    path, field = pointer.path, None if pointer.path else "work_item"
    key, setting = naming.kind, f"work.{naming.kind}.{'source' if source else 'pointer'}"
    return Finding(message, step, path, pointer.line, field=field, key=key, setting=setting)


class WorkItemMismatch(_WorkRule, Rule):
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
    condition: ClassVar[str] = "branch, first commit, title and pointer speak of one work item"

    def check(self, work: Work) -> Iterator[Finding]:
        """Compare every name with the one that decides, and that one with the pointer."""
        naming = work.named()
        seen = {naming.source}
        for other in work.namings:
            if other.source in seen:
                continue
            seen.add(other.source)
            same_plan = work.commits if other.kind in work.shared else ()
            if not any(other.same_item(one) for one in (naming, *same_plan)):
                template = {"branch": "branch", "title": "pull_request"}.get(other.source, "commit")
                message = f"{other.label} names {other.item}, but {naming.label} names {naming.item}"
                step = f"Let both name the item that the change implements, {naming.item} or {other.item}."
                key, same_as = f"{other.source} {other.item}", work.mixed_items(other.commit)
                yield _mismatch_finding(other, message, step, key, template, same_as)
        pointer = work.pointer(naming.kind)
        known = work.kinds[naming.kind].pointer and not pointer.problem and naming.number is not None
        if known and pointer.number != naming.number:
            place = path_text(pointer.path or b"")
            current = f"{naming.kind} {pointer.id}"
            branch = work.branch_of_current(naming.kind)
            message = f"{naming.label} names {naming.item}, but {place} says that {current} is current"
            step = f"Work on {current}" + (f" on the branch '{branch}'." if branch else ".")
            key, setting = f"pointer {naming.item}", f"work.{naming.kind}.pointer"
            yield Finding(message, step, pointer.path, pointer.line, key=key, setting=setting)
        work.require_title()


class MixedWorkItems(_WorkRule, Rule):
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
    condition: ClassVar[str] = "all commits that name a work item name the same one"

    def check(self, work: Work, base: Base) -> Iterator[Finding]:
        """Compare the items of the commits with that of the first one."""
        work.named()
        commits = work.commits
        reported: set[str] = set()
        for before, other in pairwise(commits):
            first = commits[0]
            same_plan = other.kind == first.kind and other.kind in work.shared
            if same_plan or other.same_item(first) or other.item in reported:
                continue
            reported.add(other.item)
            step = f"Take the commits for {other.item} to a branch of their own."
            if work.naming is not None and other.same_item(work.naming):
                where = f"there, or on {base.name or 'the base'} once that has them"
                step = f"Take the commits for {first.item} to a branch of their own; if yours starts from it"
                step += f", restack yours {where}: git rebase --autostash --onto BRANCH {before.commit:.12}"
            message = f"{other.label} works on {other.item}, and {first.label} on {first.item}"
            yield _mismatch_finding(other, message, step, other.item, "commit")


def _mismatch_finding(
    naming: Naming, message: str, step: str, key: str, template: str, same_as: Sequence[str] = ()
) -> Finding:
    commit, field, setting = naming.commit, naming.field, f"work.{naming.kind}.{template}"
    return Finding(message, step, commit=commit, field=field, key=key, same_as=same_as, setting=setting)


class RepeatedWorkItem(_WorkRule, Rule):
    """The work item has landed already, or another branch works on it.

    An item has landed if a subject in the base fits `commit` or `pull_request` of its `[work.<kind>]`.
    A squash's ` (#12)` or `Merged PR 12: ` is ignored; reverting its files lifts it. Another local or remote
    branch works on it if its name is like the item's (`phase-12-again`).

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
    condition: ClassVar[str] = "the work item is not in the base yet, and no other branch works on it"

    def check(
        self, work_item: WorkItem, work: Work, history: History, refs: Sequence[Ref], base: Base
    ) -> Iterator[Finding]:
        """Look for the item in the subjects of the base's history, then in the names of other branches."""
        for item in [item for _, item in work.each if item.resolved]:
            if (landed := work.landed(item, history)) is not None:
                message = f"{item} is in the base already: commit {landed.oid[:10]} {quote(landed.subject)}"
                once = " once the pointer is moved on" if str(work.current(item.kind)) == str(item) else ""
                step, field = f"Take up the current item{once}, or revert that commit first", "commit.subject"
                step += "." if work.required else "; a later fix names no item."
                same = [one for one in base.commits if landed.subject.startswith(one.message.subject)]
                if same and landed.oid not in same[0].message.text and work.named().source == "branch":
                    step += f" If it is the same work, this drops it: `git rebase {shell_quote(base.name)}`"
                key, setting = "landed" if item is work_item else f"landed {item}", item.setting("commit")
                yield Finding(message, step, commit=landed.oid, field=field, key=key, setting=setting)
        own = {(name, commit.oid) for commit in base.commits for name in work_item.branches}
        named = [] if base.is_landing else [ref for ref in refs if (ref.short, ref.oid) not in own]
        others = {ref.short: ref for ref in reversed(named) if work.branch not in ("", ref.short)}
        for short, ref in others.items():
            naming = work.names.read("branch", short)
            if naming is not None and work_item.told_by(naming):
                shown = ref.name.removeprefix("refs/remotes/").removeprefix("refs/heads/")
                message = f"another branch works on {work_item}: {quote(shown)}"
                # Git does not ask before it deletes commits that only a remote has.
                step = "Go on there, or ask who made it to delete it."
                if shown == short:
                    step = f"Go on there, or if unused: `git branch -d {shell_quote(short)}`"
                yield Finding(message, step, field="branch", key=short, setting=work_item.setting("branch"))


class MissingWorkDocument(_WorkRule, Rule):
    """The trusted base lacks the work item's document.

    The templates in `document` of `[work.<kind>]` are tried in order, then the tables of `index`, then
    `legacy`, with a warning. Two matching files are an error. A file that only points to another is followed,
    unless that is another item's document. `number_format` pads numbers.

    Why is this bad? The change's own document would be the author's own order.

    How to fix it: bring it into the base first, under the first name in the finding.

    ```text
    error: the document of phase 7 is not found in the base: none of the places for its document has it
      (tried: docs/plan/phase-7.md is not there)
    ```

    ```toml fails
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-7"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 7}'
    "docs/plan/phase-07.md" = "# Phase 7"
    "docs/phase-7.md" = "# Phase 7"

    [[expect]]
    code = "WRK002"
    message = "docs/plan/phase-7.md is not there"
    help = "docs/phase-7.md is in another folder; docs/plan/phase-07.md pads the number otherwise"
    ```

    ```toml passes
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-7"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 7}'
    "docs/plan/phase-7.md" = "# Phase 7"
    ```
    """

    code: ClassVar[str] = "WRK002"
    condition: ClassVar[str] = "the document of the work item is in the trusted base"

    def check(self, work_item: WorkItem) -> Iterator[Finding]:
        """Yield a finding if the item's document is missing in the base, or is in an older place."""
        settings, located = work_item.settings, work_item.located
        if not (settings.document or settings.index or settings.legacy):
            raise NotApplicable(f"the policy names no document for a {work_item.kind}")
        if located.path is None:
            problem = f"{located.problem} (tried: {'; '.join(located.tried)})"
            message = f"the document of {work_item} is not found in the base: {problem}"
            step = "Let the base have exactly one, by a change of its own, or name another item."
            if located.near_misses:
                step = f"Near misses: {'; '.join(located.near_misses)}."
            cited = work_item.setting("document" if settings.document else "index")
            yield Finding(message, step, field="work_item", key="document", setting=cited)
        elif located.legacy:
            message = f"the document of {work_item} is in an older place, {path_text(located.path)}"
            step = f"Move it to {located.legacy}, by a change of its own."
            path, setting = located.path, work_item.setting("legacy")
            yield Finding(message, step, path, key="legacy", setting=setting, severity="warning")


class PointerChange(_WorkRule, Rule):
    """A change moves the pointer, and is not plan upkeep.

    Plan upkeep is a person's change that names no work item and touches only pointers, documents and lists of
    items. Every file in `pointer` counts, for each kind with `protect_pointer` in `[work.<kind>]`, even
    before it exists.

    Why is this bad? An author who moves the pointer chooses the next order.

    How to fix it: type the command in the finding.

    See also: `foreign-work-document`

    ```text
    error: configs/NEXT_TRACK.json is changed by the change for track 5
    ```

    ```toml fails
    policy = '''
    [work.track]
    pointer = ["configs/NEXT_TRACK.json"]
    number = "next_track"
    branch = "track-{number}"
    '''
    base = {files = {"configs/NEXT_TRACK.json" = '{"next_track": 5}'}}
    branch = "track-5"

    [[commits]]
    message = "chore(track5): x"
    files = {"x.txt" = "x", "configs/NEXT_TRACK.json" = '{"next_track": 6}'}

    [[expect]]
    code = "WRK004"
    path = "configs/NEXT_TRACK.json"
    ```

    ```toml passes
    policy = '''
    [work.track]
    pointer = ["configs/NEXT_TRACK.json"]
    number = "next_track"
    branch = "track-{number}"
    '''
    base = {files = {"configs/NEXT_TRACK.json" = '{"next_track": 5}'}}
    branch = "track-5"
    commits = [{message = "chore(track5): x", files = {"x.txt" = "x"}}]
    ```
    """

    code: ClassVar[str] = "WRK004"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "no pointer to the current work item is changed but by the plan's upkeep"

    def check(self, entries: Sequence[Entry], work: Work, base: Base) -> Iterator[Finding]:
        """Yield a finding for each entry that changes a protected pointer."""
        for entry, paper in work.papers_of(entries, ("pointer",)):
            if work.kinds[paper.kind].protect_pointer and not base.has(entry):
                when = "when that is merged" if work.naming else "in a person's change of plan papers"
                step = f"{put_back(entry, base)}: it moves {when}."
                setting = f"work.{paper.kind}.protect_pointer"
                yield _paper_finding(entry, f" is changed by {work.label}", step, setting)


class ForeignWorkDocument(_WorkRule, Rule):
    """A change edits another work item's document.

    Plan upkeep is exempt, as for `pointer-change`. `document`, `index`, `legacy`, `siblings` and the pointer
    name the documents; index rows count. Upkeep that alters an open item's scope, gates, files or `verify`,
    makes a document of another file, or leaves a pointer unreadable, warns. It needs an approval with
    `[work.<kind>] upkeep = "approvers"`, as does what reopens or defers an item.

    Why is this bad? Who carries out an order must not rewrite it.

    How to fix it: type the command in the finding.

    See also: `pointer-change`

    ```text
    error: docs/plan/phase-13.md, the document of another phase, is changed by the change for phase 12
    ```

    ```toml fails
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    expect = [{code = "WRK005", path = "docs/plan/phase-13.md"}]

    [[commits]]
    message = "feat: x"
    files = {"docs/plan/phase-12.md" = "b", "docs/plan/phase-13.md" = "b"}

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 12}'
    "docs/plan/phase-12.md" = "a"
    "docs/plan/phase-13.md" = "a"
    ```

    ```toml passes
    policy = '''
    [work.phase]
    pointer = ["configs/NEXT_PHASE.json"]
    number = "next"
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"docs/plan/phase-12.md" = "b"}}]

    [base.files]
    "configs/NEXT_PHASE.json" = '{"next": 12}'
    "docs/plan/phase-12.md" = "a"
    ```
    """

    code: ClassVar[str] = "WRK005"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "no document of a work item is changed but for it, or by the plan's upkeep"

    def check(self, entries: Sequence[Entry], work: Work, base: Base) -> Iterator[Finding]:
        """Yield findings for what alters open items and for edits of other items' documents."""
        changed = {entry.path: entry for entry in entries}
        for one in work.alterations():
            entry = changed[one.path]
            if base.has(entry):
                continue
            needs_approval = bool(work.naming) or work.kinds[one.kind].upkeep == "approvers"
            old, new = ", ".join(one.old) or "nothing", ", ".join(one.new) or "removed"
            tell = "See that those who work on it know, and that its reviewers hold it to the new one."
            step = f"{put_back(entry, base)}, or have this approved." if needs_approval else tell
            was, now = ("were", "are") if one.what.endswith("es") else ("was", "is")
            item = one.item + ", which is open," * one.is_open
            message = f"the {one.what} of {item} {was} {old} and {now} {new}"
            found = Finding(message, step, one.path, one.line, key=f"{one.item} {one.what}")
            found.setting, found.severity = f"work.{one.kind}.upkeep", None if needs_approval else "warning"
            yield found
        for entry, paper in work.papers_of(entries, ("document",) if work.naming else ("document", "index")):
            if (work.naming and work.item.owns(entry.path)) or base.has(entry):
                continue
            verb = "removed" if entry.deleted else "added" if entry.added else "changed"
            whose = f"{'another' if work.naming and work.naming.kind == paper.kind else 'a'} {paper.kind}"
            step = f"{put_back(entry, base)}, and leave it to a change of the plan's papers."
            what = f", the {paper.role} of {whose}, is {verb} by {work.label}"
            yield _paper_finding(entry, what, step, paper.setting)


class ConflictingDocument(_WorkRule, Rule):
    """A work item's document in the base asks to change a guarded path.

    It is an error if the path begins a task, or an item of *Scope*, *Files* or another section of
    `scope_sections` of `[work.<kind>]`. A task is an item with a box or a number, or below *Tasks*. Elsewhere
    in these, and below *Task 1* or such titles with more words, it is a warning. Other text, negations,
    quotations, code blocks and sections such as *Out of scope* do not count.

    Why is this bad? The item cannot be done without breaking the lock.

    How to fix it: have the document corrected on its own, or the authority by its owners.

    See also: `locked-path`

    ```text
    error: docs/plan/phase-12.md:4: docs/api/v2.yaml is guarded by 'docs/api/' (forbidden-path), and
      docs/plan/phase-12.md:4 asks to change it
    ```

    ```toml fails
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]

    [work.phase]
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [base.files]
    "docs/plan/phase-12.md" = '''
    # Phase 12

    1. Do not touch `docs/api/v1.yaml`.
    2. `docs/api/v2.yaml` should have the new field.
    '''

    [[expect]]
    code = "WRK008"
    path = "docs/plan/phase-12.md"
    line = 4
    ```

    ```toml passes
    policy = '''
    [rules.forbidden-path]
    paths = ["docs/api/"]

    [work.phase]
    document = ["docs/plan/phase-{number}.md"]
    branch = "phase-{number}"
    '''
    branch = "phase-12"
    commits = [{message = "feat: x", files = {"x.txt" = "x"}}]

    [base.files]
    "docs/plan/phase-12.md" = '''
    # Phase 12

    Update the client to match the API. Do not edit `docs/api/v2.yaml`.
    '''
    ```
    """

    code: ClassVar[str] = "WRK008"
    condition: ClassVar[str] = "the work item's document asks for no change of a guarded path"

    def check(self, work_item: WorkItem, guards: Guards) -> Iterator[Finding]:
        """Yield a finding for each guarded path that the item's document asks to change."""
        place = path_text(work_item.document or b"")
        for ask, guard in work_item.conflicts(guards):
            how = {"listed": "lists it as allowed", "named": f"says {ask.text!r}"}
            asks = f"{place}:{ask.line} {how.get(ask.how, 'asks to change it')}"
            message = f"{ask.path} is guarded by '{guard.pattern}' ({guard.rule}), and {asks}"
            step = "The authority wins: leave the path alone, and have a document that asks for it corrected."
            found = Finding(message, step, work_item.document, ask.line, key=ask.path, setting=guard.key)
            found.severity = "warning" if ask.how == "named" else None
            yield found


def _paper_finding(entry: Entry, what: str, step: str, setting: str) -> Finding:
    name = path_text(entry.path)
    return Finding(f"{name}{what}", step, entry.path, side=entry.side, key=name, setting=setting)
