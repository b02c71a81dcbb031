"""The check of a round: the repository's own hooks, then the guard, on the tree as it will be committed.

While the agent's own tree is judged, nothing in the plan's folder may be touched. Only after that, specguard
marks the plan, in the same commit as the task's files. The mark is the status, with each command and how it
ended, and a line in the plan's log. The rules allow a task's commit exactly these changes to its plan.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from specguard.authority.policy import Guard, Guards
from specguard.change.base import FoundBase
from specguard.change.check_request import Request, Revision, read_unlinked
from specguard.change.git import Git
from specguard.change.process import CommandError
from specguard.change.ranges import RunChange
from specguard.engine.check import judge_change
from specguard.engine.trusted_policy import Policies
from specguard.errors import SpecguardError
from specguard.executor.command_output import secrets_of
from specguard.executor.commit import hash_tree, hook_commands, make_commit, patch, run_hook
from specguard.executor.gates import PlaceTree, command_feedback
from specguard.executor.item_choice import task_in, task_of
from specguard.executor.push import body_of, title_of
from specguard.executor.run import Run, RunEnded
from specguard.executor.side_effects import make_place
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, Verdict, counted, listed, path_text
from specguard.plans.papers import PaperItem, paper_contracts, shown_path
from specguard.plans.task import Task, mark_task
from specguard.plans.verification import same_command
from specguard.reporters.concise_and_agent import MOST_WORDS, finding_blocks, join_blocks
from specguard.reporters.file_writing import path_in_tree, replace_file
from specguard.reporters.json import render
from specguard.reporters.text import deciding_line, one_line
from specguard.runs.manifests import Judgement
from specguard.work.item_lists import agree
from specguard.work.name_templates import PathTemplate

_WARNING_NOTE: Final = "The rules warn of this: "


def judge(run: Run, *, whole_branch: bool = False) -> bool:
    """Let the repository's hooks and the rules judge the files of the place.

    Problems are added to `run.feedback`, for the agent; the verdict is recorded.

    Args:
        run: the run; `manifest.tree` is set to the judged tree.
        whole_branch: True to judge everything that the branch adds to the base, including specguard's marks
            in a plan. False: only the agent's own work. Once the plan is marked, the whole branch is always
            judged.

    Returns:
        True if everything passes.

    Raises:
        SpecguardError: no verdict can be given.
    """
    # Files that the hooks refuse are judged too, so that the agent can mend both in one round.
    tree, accepted = _pass_hooks(run)
    problems = [*_missing_papers(run, tree), *filter(None, [published_secrets(run, tree)])]
    run.feedback += problems
    verdict = _verdict_of(run, make_commit(run, tree), whole_branch=whole_branch)
    return _record_verdict(run, tree, verdict, fixable=not whole_branch) and accepted and not problems


def _missing_papers(run: Run, tree: str) -> Iterator[str]:
    """Yield sections of Markdown about documents that the run must leave and did not.

    The first section is for a run that writes a document: it also lists changes to other files. The second
    section is about the `papers` of other items.

    Args:
        run: the run.
        tree: the tree of the run's files.
    """
    item, place = run.item, run.place
    entries = place.git.diff_trees(place.base, tree)
    written = [one.path for one in entries if one.is_file]
    if isinstance(item, PaperItem):
        path = path_text(item.path)
        lines = [f"- {path_text(one.path)} was changed" for one in entries if one.path != item.path]
        lines += [f"- {path} was not written"] if item.path not in written else []
        head = f"## What is to be written\n\nOnly {path} is, and nothing else may change:\n\n"
        if lines:
            yield head + "\n".join(lines) + "\n"
    lines = []
    for contract in paper_contracts(run.policy, item):
        read = [found for one in written if (found := PathTemplate(contract.path).read(one)) is not None]
        if not any(agree(item.fields, one) for one in read):
            lines.append(f"- {shown_path(contract.path, item.fields)}")
    if lines:
        yield "## Papers that are missing\n\nWrite them, as the brief asks:\n\n" + "\n".join(lines) + "\n"


def judge_commit(run: Run) -> None:
    """Judge the commit of a resumed run again, before it is pushed.

    Args:
        run: the run, with a `manifest.commit`; later changes to the files of its place do not matter.

    Raises:
        RunEnded: the commit no longer passes, or no verdict can be given.
    """
    oid = run.manifest.commit or ""
    verdict = _verdict_of(run, oid, whole_branch=run.manifest.repository.tip is not None)
    if not _record_verdict(run, run.place.git.commit(oid).tree, verdict):
        raise _breaks_rules(run, "what was committed does not keep to the rules any more")


def change_of(run: Run, git: Git, oid: str, *, whole_branch: bool, select: Sequence[str] = ()) -> RunChange:
    """Return the change that a commit on a run's branch is, or with `whole_branch` the whole branch up to it.

    Nothing outside of the pinned base can loosen its verdict: the policy is compiled again, and an approval
    counts only if it is proven.

    Args:
        run: the run.
        git: reads the commit.
        oid: the commit.
        whole_branch: True to begin at the base, as CI will; False to begin at the commit that the run goes on
            from.
        select: the rules that judge it; empty: all.
    """
    pinned = run.manifest.repository
    tip = None if whole_branch else pinned.tip
    base = FoundBase(pinned.base, tip or pinned.base_oid, "option", f"refs/heads/{pinned.base}")
    stack = FoundBase(pinned.into, pinned.below_oid, "stack", f"refs/heads/{pinned.into}")
    below = stack if pinned.below and not tip else None
    environment = run.git.repository.environment
    request = Request(environment=environment, base=base.oid or "", enforce=True, select=select)
    change = RunChange(
        git, request, below or base, stage="range" if whole_branch else "run",
        head=Revision(oid), named=oid, pushed_to=run.manifest.branch or "",
        title=title_of(run), body=body_of(run), remote=run.options.remote,
    )  # fmt: skip
    return change if below is None else change.on_branch_of_item(base)


def _breaks_rules(run: Run, what: str) -> RunEnded:
    """Return the end of a run whose commit or branch breaks rules, which the agent is not asked to fix."""
    help, tail = f"{run.folder.command('report')} shows which", "\n".join(run.feedback)
    return RunEnded(what, help=help, tail=tail, exit_code=EXIT_FAILED, code="rules-failed")


def _verdict_of(run: Run, oid: str, *, whole_branch: bool) -> Verdict:
    """Judge a commit that a run has made in its place, as CI will judge it."""
    whole_branch = whole_branch or run.manifest.worked is not None
    try:
        with Git(run.git.repository) as git:
            git.add_stores(run.place.objects)
            change = change_of(run, git, oid, whole_branch=whole_branch)
            return judge_change(change, Policies(change.request, git.repository))
    except SpecguardError as error:
        message = f"the check gives no verdict: {error.message}"
        raise SpecguardError(message, help=error.help, code=error.code) from error


def _pass_hooks(run: Run) -> tuple[str, bool]:
    """Return the tree behind the repository's hooks; and True if they accept it, or have altered files.

    The next round of gates gets the altered files, and then these hooks again.
    """
    before = after = hash_tree(run)
    failed = None
    for words in hook_commands(run, "pre-commit"):
        last = run_hook(run, "pre-commit", words, after)
        after = hash_tree(run)
        failed = failed if last.succeeded else last
    if failed is None or after != before:
        return after, True
    run.feedback.append(command_feedback(run, failed, "The repository's pre-commit hook"))
    return after, False


def _record_verdict(run: Run, tree: str, verdict: Verdict, *, fixable: bool = False) -> bool:
    """Record a verdict, and return True if everything passes.

    Args:
        run: the run.
        tree: the judged tree.
        verdict: the verdict.
        fixable: True if an agent can fix problems. The findings are then reported to the agent first, even if
            another rule could not be judged.

    Raises:
        SpecguardError: a rule could not be judged.
    """
    manifest = run.manifest
    report = f"check-{len(manifest.judgements) + 1}.json"
    run.folder.write(report, render([verdict]))
    fingerprints = sorted({one.fingerprint for one in verdict.findings if one.is_open_error})
    manifest.judgements.append(
        Judgement(
            attempt=max(1, manifest.attempts),
            tree=tree,
            verdict=verdict.outcome,
            exit_code=verdict.exit_code,
            findings=fingerprints,
            report=report,
            policy_id=verdict.authority["policy_id"],
        )
    )
    manifest.tree = tree
    lifts = [lift for one in verdict.findings if one.state == "approved" for lift in one.approvals]
    manifest.approvals = sorted({lift.id for lift in lifts if not lift.refusals})
    warned = [one for one in verdict.findings if one.state == "open" and one.severity == "warning"]
    lines = listed([f"{one.code} {one_line(one)} ({deciding_line(one)})" for one in warned], between="; ")
    run.note(f"{_WARNING_NOTE}{lines}." if lines else "", instead_of=_WARNING_NOTE)
    run.save()
    # The agent's mistake is often the reason for a missing fact, such as when it marked the task itself.
    if verdict.exit_code == EXIT_NO_VERDICT and not (fixable and fingerprints):
        incomplete = next(result for result in verdict.results if result.incomplete)
        message = f"the check gives no verdict: {incomplete.code} could not be judged: {incomplete.reason}"
        raise SpecguardError(message, help=incomplete.command, code="no-verdict")
    if verdict.exit_code == EXIT_PASSED:
        return True
    text = join_blocks(list(finding_blocks(verdict, errors=True)), MOST_WORDS)
    run.feedback.append(f"## Rules that the change breaks\n\n{text}\n")
    return False


def finish_branch(run: Run) -> str:
    """Mark the plan, and judge everything that the run's branch adds to the base.

    Returns:
        A sentence about the mark; empty if nothing was marked.

    Raises:
        RunEnded: the plan cannot be written, or the marked tree breaks rules.
    """
    message = mark_plan(run)
    if not judge(run, whole_branch=True):
        message = "the agent's own files pass, and what its branch brings to the base does not"
        raise _breaks_rules(run, message)
    return message


def mark_plan(run: Run) -> str:
    """Mark the task of a run as done, in the files of its place.

    Args:
        run: the run, whose gates and check passed; `manifest.worked` is set to the tree that passed.

    Returns:
        A sentence about the mark; empty if nothing was marked. If the task has no commands that verify it, a
        note says so.

    Raises:
        SpecguardError: a command did not end well after all, or a link leads to the plan.
    """
    task = _task_in_place(run)
    if task is None:
        return ""
    commands = task.proving_commands
    if not commands:
        run.note(f"{task.name} has no commands that verify it, so the plan does not say that it is done.")
        return ""
    status, evidence = task.plan.settings.done[0], _evidence(run, task)
    plan = mark_task(_read_file(run, task.plan.path), task, status=status, evidence=evidence)
    run.manifest.worked = run.manifest.tree
    run.save()
    _write_file(run, task.plan.path, plan)
    for name in task.plan.settings.log:
        path = task.plan.folder + b"/" + os.fsencode(name)
        before = _read_file(run, path)
        end = "\r\n" if "\r\n" in before else "\n"
        line = f"- {task.id} verified: {task.title or 'no title'} (run {run.folder.run_id}){end}"
        _write_file(run, path, before + (end if before and not before.endswith("\n") else "") + line)
    return f"{task.name} is {status}, by {counted(len(commands), 'command')}"


def unmark_plan(run: Run) -> None:
    """Undo the changes of `mark_plan`, so that the agent's own tree can be worked on and judged again.

    Raises:
        RunEnded: the changes cannot be undone.
    """
    tree = run.manifest.worked
    if tree is None:
        return
    work_tree, task = PlaceTree(run), _task_in_place(run)
    changed = work_tree.entries(work_tree.tree(), tree)
    work_tree.restore(tree, [entry for entry in changed if task is not None and task.plan.owns(entry.path)])
    run.manifest.worked = None
    run.save()


def _task_in_place(run: Run) -> Task | None:
    """Return the task as the place has it: on a branch with several tasks, others may be marked already."""
    task = task_of(run.policy, run.item)
    return None if task is None else task_in(run.policy, run.place.git, run.place.base, task) or task


def _evidence(run: Run, task: Task) -> Sequence[Mapping[str, Any]]:
    """Return each command that verifies the task, and its exit code in this run."""
    found = []
    results = run.gate_results.get("gates", [])
    for command in task.proving_commands:
        redacted = run.redactor.redact(command)
        codes = [code for one in results if same_command(one["run"], redacted) for code in one["exit_codes"]]
        if not codes or any(codes):
            message = f"{redacted!r}, which verifies {task.name}, was not run, or failed"
            raise SpecguardError(message, help="see gates.json in the run's folder", code="gate-failed")
        found.append({"command": command, "exit_code": 0, "run_id": run.folder.run_id})
    return found


def _read_file(run: Run, path: bytes) -> str:
    """Return the text of a file of the place; empty if it is missing."""
    file = path_in_tree(run.place.path, os.fsdecode(path), "remove the link")
    content = read_unlinked(file, -1)
    if content is None and os.path.lexists(file):
        raise SpecguardError(f"{path_text(path)} is not a readable, regular file", code="unreadable-file")
    return (content or b"").decode("utf-8", "surrogateescape")


def _write_file(run: Run, path: bytes, text: str) -> None:
    replace_file(path_in_tree(run.place.path, os.fsdecode(path), "remove the link"), text)


_SHORTEST: Final = 16
"""The least length of a value to search for. A shorter one may be the password of everybody's test database,
which is in files on purpose.
"""


def published_secrets(run: Run, tree: str) -> str:
    """Return a section of Markdown about files that contain a secret of the environment; empty if none do.

    Only the exact values are searched, in paths, contents and targets of links. Text that only looks like a
    credential is left to rules.

    Args:
        run: the run; a value that the same file has in the base is public already.
        tree: a tree that was hashed in the run's place.
    """
    secrets = {
        value.encode("utf-8", "surrogateescape"): path_text(name.encode("utf-8", "surrogateescape"))
        for value, name in secrets_of(run.options.environment).items()
        if len(value) >= _SHORTEST
    }
    if not secrets:
        return ""
    place, lines = run.place, []
    entries = [entry for entry in place.git.diff_trees(place.base, tree) if entry.is_file or entry.is_symlink]
    for entry, (_, content) in zip(entries, place.git.blobs([one.new for one in entries]), strict=True):
        leaked = [value for value in secrets if value in entry.path or value in (content or b"")]
        if leaked and entry.was_file:
            before = next(place.git.blobs([entry.old]))[1] or b""
            leaked = [value for value in leaked if value not in entry.path and value not in before]
        lines += [f"- {path_text(entry.path)} holds the value of {secrets[value]}" for value in leaked]
    heading = "## Secrets that must not be published\n\nTake them out of these files:\n\n"
    return heading + "\n".join(lines) + "\n" if lines else ""


_WILDCARDS: Final = re.compile(rb"\*\*|\*|\?|\[[^]]*\]|(?<=/)\Z")
_TEXT: Final = b"The guard refuses this.\n"


def prove_guard(run: Run) -> str:
    """Show that the guard refuses a canary edit, made in a scratch tree outside of the place's files.

    The edit changes a path that the policy forbids or locks. If the policy guards no path, the edit deletes
    the policy's own document.

    Args:
        run: the run; its place was made.

    Returns:
        What was shown: the refused path, or that no rule of the policy refuses an edit.

    Raises:
        SpecguardError: the edit was let through, so nothing would be guarded; or no verdict can be given.
    """
    place = run.place
    files = place.git.tree_at(place.base).paths()
    path = guarded_path(run.policy.guards, lambda guard: is_enforced(run, guard.rule), files)
    if path is not None:
        edit = b"100644 %s\t%s\0" % (place.git.run("hash-object", "-w", "--stdin", stdin=_TEXT).strip(), path)
    elif is_enforced(run, "policy-change"):
        path = os.fsencode(run.policy.documents[0][0])
        edit = b"0 %s\t%s\0" % (b"0" * len(place.base), path)
    else:
        return "the policy refuses no edit, so there was nothing to prove the guard by"
    tree = place.git.with_entries(place.base, edit)
    for result in _verdict_of(run, make_commit(run, tree), whole_branch=False).findings:
        if result.finding.path == path and result.is_open_error:
            return f"the guard refused a canary edit of {path_text(path)}"
    text = f"the guard does not fire: an edit of {path_text(path)}, which the policy guards, was let through"
    raise SpecguardError(text, help="specguard doctor", code="guard-silent")


def is_enforced(run: Run, name: str) -> bool:
    """True if a rule is active in runs, as an error."""
    rule = run.policy.active_rule(name)
    return rule is not None and rule.severity == "error" and "run" in rule.stages


def guarded_path(
    guards: Guards, is_wanted: Callable[[Guard], bool], files: Iterable[bytes] = ()
) -> bytes | None:
    """Return a path with a wanted guard: one of some files, else one that a pattern matches; None without."""
    patterns = (guard.pattern.encode("utf-8", "surrogateescape").lstrip(b"/") for guard in guards.all)
    paths = chain(files, (_WILDCARDS.sub(b"canary", one) for one in patterns))
    return next((path for path in paths if (guard := guards.find(path)) and is_wanted(guard)), None)


def rebase_onto(run: Run, tip: str) -> str:
    """Recreate the run's place at a new tip of its branch, and apply the agent's changes on top.

    Args:
        run: the run, whose files were judged on an earlier tip. The plan's mark and the commit are discarded.
        tip: a commit in the user's object store.

    Returns:
        A sentence about the result.

    Raises:
        RunEnded: the branch was rewritten, has the task done, or the changes do not apply to it.
    """
    place, manifest = run.place, run.manifest
    tree, branch = manifest.worked or manifest.tree or "", manifest.branch or ""
    if not run.git.is_ancestor(place.base, tip):
        raise _branch_moved(run, f"{branch} was rewritten while the agent worked: it is at {tip[:10]} now")
    task = task_of(run.policy, run.item)
    there = task_in(run.policy, run.git, tip, task) if task is not None else None
    if there is not None and there.done:
        reason = f"{branch} has moved on to {tip[:10]}, and {there.name} is done there"
        raise _branch_moved(run, reason, "nothing is left to do")
    changes, index = patch(place.git, place.base, tree), os.path.join(place.own_folder, "moved")
    place.git.run("read-tree", tip, index=index)
    try:
        place.git.run("apply", "--cached", "--whitespace=nowarn", "-", stdin=changes, index=index)
    except CommandError as error:
        message = f"{branch} has moved on, and what the agent made does not go on top of it"
        raise _branch_moved(run, message) from error
    # First: pushed from the new tip, it would take their commits off the branch.
    manifest.commit, run.message = None, ""
    manifest.repository.tip = manifest.repository.branch_oid = tip
    place.git.close()
    make_place(run)
    prove_guard(run)
    run.place.git.run("apply", "--whitespace=nowarn", "-", stdin=changes, files=True)
    return f"{branch} has moved on to {tip[:10]}, and what the agent made was put on top"


def _branch_moved(run: Run, reason: str, step: str = "start the task again") -> RunEnded:
    help = f"{step}; what the agent made is in {run.folder.file('diff.patch')}"
    return RunEnded(reason, state="remote-moved", help=help)
