"""The check of a request: repository, base, policy, change, facts, rules, and one verdict per change."""

from __future__ import annotations

import os
from functools import cache

from specguard.change.change import BASELINE, Change
from specguard.change.entries import is_filed, is_in_log
from specguard.change.git import Git
from specguard.change.object_store import SMALL
from specguard.change.repository import Lookup, short_name
from specguard.change.sources import open_changes
from specguard.engine.facts import Clock, Facts
from specguard.engine.rule_runner import NOT_SELECTED, Judging, drop_repeated, open_results
from specguard.engine.trusted_policy import Policies, stack_notes, unread_nested
from specguard.errors import MissingFact, Needed, NotApplicable, SpecguardError, if_known, usage
from specguard.model import TYPE_CHECKING, OutputOnStderr, Verdict, cached_method, with_stash

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.approvals.approvals import Approvals
    from specguard.authority.policy import Policy, PolicyChange
    from specguard.change.check_request import Request
    from specguard.change.lines import Hunk
    from specguard.model import Origin, RuleResult, Stage


_LOOSENING_OPTIONS: Final = ("authority", "select", "ignore", "dry_run", "today", "override")
"""The options that `--enforce` refuses, as each could turn a red verdict green."""


def check(
    request: Request,
    *,
    needs: Container[str] = ("fingerprint",),
    looking: Lookup | None = None,
    git: Git | None = None,
) -> list[Verdict]:
    """Judge the changes that a request names.

    Args:
        request: the changes, and what they are judged against.
        needs: what the report needs in addition to the findings; see `specguard.declaration.registry.Format`.
        looking: a git process that already looks for the repository, if the caller has started it.
        git: the repository, if the caller has found it; this function closes it.

    Returns:
        One verdict; for a push, one verdict per ref.

    Raises:
        SpecguardError: no verdict is possible.
    """
    with OutputOnStderr(), git or Git((looking or Lookup.of(request)).repository()) as git:
        for name in _LOOSENING_OPTIONS if request.enforce else ():
            if getattr(request, name):
                flag = "--exit-zero / --dry-run" if name == "dry_run" else f"--{name.replace('_', '-')}"
                final = "--pre-receive" if request.pre_receive else "--enforce"
                step = f"leave {flag} out, or {final} where nothing depends on the verdict"
                raise usage(f"{final} does not go with {flag}, which could loosen the verdict", step)
        # An invalid date is reported before a policy is read.
        Clock(request.today)
        policies = Policies(request, git.repository)
        verdicts: list[Verdict] = []
        for change in open_changes(git, request):
            try:
                verdicts.append(judge_change(change, policies, needs=needs))
            except NotApplicable:
                from specguard.change.ranges import RefAlone

                # Such a push has no files: without a policy in the base, none protects its name.
                if not isinstance(change, RefAlone):
                    raise
        return verdicts


def judge_change(change: Change, policies: Policies, *, needs: Container[str] = ("fingerprint",)) -> Verdict:
    """Judge one change.

    Args:
        change: the change.
        policies: the policies of this check.
        needs: what the report needs in addition to the findings, as for `check`.

    Raises:
        SpecguardError: no verdict is possible.
    """
    request = change.request
    change, policy, notes = policies.choose(change)
    facts = Facts(change, policy)
    judging = Judging(
        facts,
        select=request.select,
        ignore=request.ignore,
        extend=request.extend_select,
        cache=open_results(facts, policies.cache),
    )
    if all(map(judging.leaves_out, policy.rules)):
        raise usage("no rule is left: every selected one is ignored", "ignore fewer of them")
    results, approval_notes = _judge_all(judging)
    _protect_uncommitted(results, change)
    # The log of decisions names the change whose findings an approval accepted.
    approved = any(judged.state == "approved" for result in results for judged in result.findings)
    policy_change: PolicyChange | None = if_known(lambda: facts.get("policy_change"), None)
    if "quotes" in needs:
        quote(results, policy, change)
    if "rules" in needs:
        describe(results, policy)
    fixes: Sequence[Any] = ()
    if "fixes" in needs:
        from specguard.engine.fixing import propose

        fixes = propose(results, facts)
    return Verdict(
        change={
            **change.summary(policy.log_folder, identify=approved or "fingerprint" in needs),
            "whole": request.all,
            "work_item": if_known(lambda: facts.get("work_item").summary(), None),
        },
        authority=policy.summary,
        results=results,
        notes=[
            *change.notes,
            *(
                note
                for login, note in change.review_notes()
                # Without a review, a hook does not load who may approve.
                for one in policy.declared("approval_settings").approver
                if login.casefold() in map(str.casefold, one.logins)
            ),
            *notes,
            *facts.remarks(),
            *approval_notes,
            *_unreadable_note(policy_change, results),
            *unread_nested(change, policy),
            *_off_note(request, results),
            *_ci_note(change, policy),
            *_root_note(change, results),
            *stack_notes(change, facts),
        ],
        empty=not request.all and change.empty,
        dry_run=request.dry_run,
        enforce=request.enforce,
        policy_change=policy_change.differences if policy_change else (),
        hunks=hunks_of(results, change) if "hunks" in needs else {},
        fixes=fixes,
        touched=if_known(lambda: [entry.path for entry in change.entries], ())
        if any(result.findings for result in results) and not (change.open_merge or _taken_back(change))
        else (),
        options=_options(change),
    )


def _options(change: Change) -> dict[str, str]:
    """Return the options with which a check in a clone judges this change, and those for its title and text.

    A clone finds its default branch and its own branch itself.
    """
    request, event, repository = change.request, change.event, change.git.repository
    options = {name: getattr(request, name) for name in ("base", "head", "range", "branch", "patch", "floor")}
    if event.base != event.default and not (request.range or request.root):
        options["base"] = request.base or event.base or ""
    if (push := change.pushed) and request.push and push.new:
        here = short_name(repository.branch or "")
        if push.new != repository.head:
            here = options["head"] = short_name(push.local_ref)
        branch = if_known(lambda: change.branch.name, "")
        options["branch"] = branch if branch != here else ""
    texts = {"pr-title": event.title, "pr-body-file": request.body_file, "pr-event": request.event_file}
    options.update((name, value or "FILE") for name, value in texts.items())
    # The standard input has been read; its patch needs a file.
    return {name: "FILE" if value == "-" else value for name, value in options.items() if value}


def _judge_all(judging: Judging) -> tuple[list[RuleResult], list[str]]:
    """Run the rules, then accept findings by the baseline, by exemptions and by approvals, in this order.

    Returns:
        The results of all rules, by code, and notes about authors and approvals.
    """
    facts, results = judging.facts, judging.run()
    change, policy = facts.change, facts.policy
    if judging.cache:
        judging.cache.save()
    # The baseline is as trusted as the policy, and is read from the same tree.
    trusted = change.head_files if policy.adopted else change.policy_files
    with Needed():
        has_baseline = trusted.find(BASELINE) is not None
    if has_baseline:
        from specguard.engine.baseline import accept

        accept(results, trusted, judging)
    about_authors = ""
    if policy.declares("authors") or change.author_login:
        from specguard.approvals.people import apply_exemptions

        about_authors = apply_exemptions(results, change, policy.declared("authors"))
    idle, notes = _apply_approvals(facts, results)
    results = sorted([*results, *judging.run(last=True, idle_reason=idle)], key=lambda result: result.code)
    drop_repeated(results)
    return results, [about_authors, *notes] if about_authors else notes


def _apply_approvals(facts: Facts, results: Sequence[RuleResult]) -> tuple[str, list[str]]:
    """Apply approvals to the findings, and provide the fact that the rules about approvals need.

    Args:
        facts: the facts of the change and its policy; the request may ask to grant an approval.
        results: the results of the other rules; approved findings are updated in place.

    Returns:
        Why the rules about approvals have nothing to judge (empty if they have something), and notes for the
        report.

    Raises:
        SpecguardError: the requested approval cannot be granted.
    """
    change, policy = facts.change, facts.policy
    notes: list[str] = []
    if change.request.override:
        from specguard.approvals.granting import grant

        notes += grant(facts, results)
    # Nobody can approve an edit before it is made, and imports slow the hook down.
    failed = {one.code for one in results if one.state == "failed" and change.stage != "edit"}
    if not failed.isdisjoint(("PTH002", "PTH004", "PTH006", "PTH009")):
        from specguard.approvals.first_approvers_and_owners import accept_first_approvers, accept_owners

        notes += accept_first_approvers(facts, results)
        notes += accept_owners(change, policy, results)
    log_altered = policy.merge != "squash" and _alters_log(change, policy.log_folder)
    idle_reason = "" if log_altered else "the change has no approvals"
    if idle_reason and not _needs_approvals(change, policy.log_folder, results):
        return idle_reason, notes
    facts.results = results
    try:
        approvals: Approvals = facts.get("approvals")
    except NotApplicable:
        # A message that is being written has no content that an approval could be bound to.
        return idle_reason, notes
    except MissingFact:
        return "", notes
    approvals.lift()
    for result in results:
        result.keep(result.findings)
    to_judge = approvals.decisions or approvals.broken or approvals.entries
    return "" if to_judge else idle_reason, [*notes, *approvals.remarks()]


def _needs_approvals(change: Change, folder: bytes, results: Sequence[RuleResult]) -> bool:
    """True if approvals must be read: a finding is open that one could accept, or the log is touched.

    Unless the log is touched, a hook without open findings does not read it. Nor does the stage `edit`, as
    nobody can have approved an edit that is not made yet. A whole tree that is the base's has no change to
    approve.
    """
    is_open = any(judged.state == "open" for result in results for judged in result.findings)
    if is_open and change.stage != "edit" and not (change.whole and change.empty):
        return True
    try:
        # Most paths are not in the log's first folder, and need no call.
        first = folder.partition(b"/")[0]
        return any(entry.path.startswith(first) and is_in_log(entry, folder) for entry in change.entries)
    except NotApplicable:
        return False
    except MissingFact:
        # It is unknown whether the log is touched; the rules about the log report that.
        return True


def _alters_log(change: Change, folder: bytes) -> bool:
    """True if one of several commits removes or changes log entries, which a later one may hide."""

    def is_altered() -> bool:
        entries = (entry for commit in change.commits for diff in commit.diffs for entry in diff)
        altered = (is_in_log(entry, folder) and not is_filed(entry, folder) for entry in entries)
        return len(change.commits) > 1 and any(altered)

    # Rules that ask for the missing commits report them.
    return if_known(is_altered, False)


# A subject in quotes may have backticks of its own.
_WORDS: Final = "(?:[^`']|'[^']*')*"
_COMMIT_COMMAND: Final = (
    rf"`({_WORDS}\bgit (?:-c [\w.]+=(?:\"[^`\"]*\"|\S+) )*"
    rf"(?:rebase|filter-branch|reset --(?:soft|keep)|commit --amend)\b{_WORDS})`"
)
"""A command that git refuses if there are uncommitted changes, or that would commit them."""


def _protect_uncommitted(results: Sequence[RuleResult], change: Change) -> None:
    """Rewrite next steps that alter commits so that uncommitted changes and other branches stay untouched.

    Uncommitted changes are stashed and restored. Without any, `git stash pop` would restore an older stash.
    In CI and in the place of a run nothing is rewritten: their state is not that of the reader's repository.
    Nor is it at the stage `edit`. At `commit-msg` the uncommitted changes are the commit's own, and a step
    names those that git's index will not have.
    """
    import re

    @cache
    def read_state() -> tuple[str, str, bool]:
        from specguard.change.worktree import has_uncommitted

        try:
            return *if_known(lambda: _switches(change), ("", "")), has_uncommitted(change.git)
        except (MissingFact, SpecguardError, OSError):
            # Without a working tree there is nothing to protect.
            return "", "", False

    def protect(step: re.Match[str]) -> str:
        if change.stage == "commit-msg" and request.message:
            # The command of an agent is refused: it staged nothing, and no file has its message.
            command, from_file, _ = step[1].partition(" --cleanup=strip -F ")
            return f"`git add PATHS && {command}{' -m MESSAGE' if from_file else ''}`"
        if change.stage == "commit-msg":
            return f"`{step[1]}{_taken_back(change)}`"
        before, after, uncommitted = read_state()
        command = f"{before}{step[1]}{after}"
        if uncommitted and (before or "--amend --only" not in command):
            kept = f" --soft {(change.base.head or '')[:12]}" if " reset --soft " in command else ""
            command = with_stash(command, "" if before else f"git reset -q{kept}")
        return f"`{command}`"

    request = change.request
    if change.stage in ("edit", "run") or request.enforce or request.environment.get("CI"):
        return
    pattern = f"`(git commit {_WORDS})`" if change.stage == "commit-msg" else _COMMIT_COMMAND
    for result in results:
        for judged in result.findings:
            judged.finding.help = re.sub(pattern, protect, judged.finding.help)


_MOST_NAMED: Final = 9
"""The most files of `git commit -a` that are named one by one."""


def _taken_back(change: Change) -> str:
    """Return, as words, the paths that git stages only for the hooks of `git commit -a` or `... PATH`."""
    name = os.path.basename(change.git.repository.index)
    if not name.startswith(("index.lock", "next-index-")):
        return ""
    from specguard.declaration.look_alikes import shell_word

    entries = change.git.index_diff(change.git.checked_out)
    if name == "index.lock" and len(entries) > _MOST_NAMED:
        return " -- ."
    return " ".join([" --", *(shell_word(entry.path) for entry in entries)]) if entries else ""


def _switches(change: Change) -> tuple[str, str]:
    """Return the commands before and after a step that alters commits; empty if `HEAD` is the judged one.

    Later commits of the current branch are moved onto the altered ones. A branch that another worktree has
    checked out is altered there, unless its folder is gone.
    """
    from specguard.declaration.look_alikes import shell_word

    head, repository = change.base.head, change.git.repository
    name = if_known(lambda: change.branch.name, "")
    ref = f"refs/heads/{name}"
    if head and ref != repository.branch and repository.refs_named([ref]).get(ref) == head:
        from specguard.change.worktree import worktrees

        there = next((one.folder for one in worktrees(repository) if one.branch == name), "")
        if os.path.isdir(there):
            return f"cd {shell_word(there)} && ", " && cd -"
        prune = "git worktree prune && " if there else ""
        return f"{prune}git switch {shell_word(name)} && ", " && git switch -"
    if head in (None, repository.head):
        return "", ""
    switch, branch = f"git switch --detach {head[:12]} && ", short_name(repository.branch or "")
    if not branch or change.git.merge_bases(repository.head or "", head) != [head]:
        return switch, ""
    return switch, f" && git rebase --rebase-merges --onto HEAD {head[:12]} {shell_word(branch)}"


def _root_note(change: Change, results: Sequence[RuleResult]) -> Iterator[str]:
    """Yield notes on what to type before the next steps: the way to the root, and the patch."""
    asks = change.stage == "staged" and any(one.approvers and one.state == "failed" for one in results)
    words = _taken_back(change) if asks else ""
    if words:
        yield f"Git takes back what it staged for this commit; before an approval type: git add -u{words}"
    helps = [judged.finding.help for result in results for judged in result.findings]
    patch, directory = change.request.patch, change.request.directory
    # Git starts hooks at the root, wherever the user is. After `-C` every step is to be typed elsewhere.
    below = change.request.environment.get("GIT_PREFIX", "")
    typed = (" -- ", "`git ") if below.startswith("/") else (" -- ",)
    if not any(sign in text for text in [*helps, words] for sign in typed):
        return
    # Asking git starts a process.
    at_root = not below and os.path.lexists(os.path.join(directory, ".git"))
    top = None if at_root else change.git.repository.root
    from specguard.declaration.look_alikes import shell_word

    if top and top != os.path.realpath(os.path.join(top, below) if below else directory):
        yield f"Next steps are typed at the repository's root; first type: cd {shell_word(top)}"
    if patch:
        name = "FILE" if patch == "-" else shell_word(os.path.abspath(patch) if top else patch)
        yield f"For next steps apply the patch first; type: git apply --index {name}"


def _unreadable_note(policy_change: PolicyChange | None, results: Sequence[RuleResult]) -> Iterator[str]:
    """Yield a note if no policy can be read after the change, unless an authority finding says that."""
    is_reported = any(result.code == "PTH004" and result.findings for result in results)
    if policy_change is not None and policy_change.problem and not is_reported:
        yield f"After this change no policy can be read: {policy_change.problem}"


def _off_note(request: Request, results: Sequence[RuleResult]) -> Iterator[str]:
    """Yield a note on selected rules that the policy has off, so that nothing was judged by them."""
    off = [one.code for one in results if one.state == "off" and one.reason != NOT_SELECTED]
    if request.select and off:
        yield f"Off in the policy: {', '.join(off)}; --extend-select runs them, too."


def _ci_note(change: Change, policy: Policy) -> Iterator[str]:
    """Yield a note on the rules that need facts which only the check of the pull request has."""
    if change.stage != "push":
        return
    # Neither a tag nor the base itself gets a pull request.
    if if_known(lambda: not change.base.head or change.base.is_branch(change.branch.name), True):
        return
    titled = any(kind.pull_request for kind in policy.declared("work_kinds").values())
    asked = [rule for rule in policy.rules if rule.active and (rule.configured or titled)]
    ci_only = [rule.code for rule in asked if is_ci_only(rule.stages)]
    if policy.merge == "squash":
        ci_only.append("the title as the message of the squashed commit")
    if ci_only:
        yield f"Left to the pull request's check: {', '.join(ci_only)}."


def is_ci_only(stages: Sequence[Stage]) -> bool:
    """True if CI judges a rule with these stages, and the push hook does not."""
    return "push" not in stages and ("range" in stages or "pull-request" in stages)


_PRESET: Final = "preset:"


def quote(results: Sequence[RuleResult], policy: Policy, change: Change) -> None:
    """Set `Judged.quote` of each finding to the line of the authority behind the finding.

    The quote stays empty if the line is not available, as for a file that `--authority` names.

    Args:
        results: the results with the findings.
        policy: the policy that judged them.
        change: the judged change.
    """
    quotes = Quotes(policy, change.git)
    for result in results:
        for judged in result.findings:
            judged.quote = quotes.line_at(judged.authority)


class Quotes:
    """The lines of a policy's documents and presets.

    Args:
        policy: the policy.
        git: reads its documents.
    """

    def __init__(self, policy: Policy, git: Git) -> None:
        self._policy = policy
        self._git = git
        self._documents = dict(policy.documents)

    def line_at(self, origin: Origin | None) -> str:
        """Return a line without surrounding blanks; empty if it is missing or the origin is a whole file."""
        if origin is None or not origin.line:
            return ""
        lines = self._lines(origin.path)
        return lines[origin.line - 1].strip() if origin.line <= len(lines) else ""

    @cached_method
    def _lines(self, path: str) -> Sequence[str]:
        if path.startswith(_PRESET):
            from specguard.engine.plugins import load_registry

            return load_registry(self._policy.plugins).presets.get(path.removeprefix(_PRESET), "").split("\n")
        oid = self._documents.get(path)
        content = if_known(lambda: next(self._git.blobs([oid], limit=SMALL))[1], None) if oid else None
        return (content or b"").decode("utf-8", "surrogateescape").split("\n")


def hunks_of(results: Sequence[RuleResult], change: Change) -> Mapping[bytes, Sequence[Hunk]]:
    """Return the lines that the change removes and adds in the files with findings, by path.

    Binary files and files that cannot be compared are left out.

    Args:
        results: the results with the findings.
        change: the judged change.
    """
    paths = {judged.finding.path for result in results for judged in result.findings}
    entries = if_known(lambda: [entry for entry in change.entries if entry.path in paths], [])
    return change.lines.compare_known(entries)


def describe(results: Sequence[RuleResult], policy: Policy) -> None:
    """Set the plugin of each rule's result, and if the rule was judged, its docstring as `RuleResult.text`.

    Args:
        results: the results of the rules.
        policy: the policy that judged them.
    """
    for result in results:
        if rule := policy.rule(result.code):
            result.plugin = rule.plugin
            # A rule that was not judged need not be imported; a rule that fails to import has crashed.
            if result.state not in ("off", "not-applicable") and not result.crashed:
                result.text = type(rule.load()).__doc__ or ""
