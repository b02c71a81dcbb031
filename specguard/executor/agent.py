"""Agents: their choice, the policy's limits on them, their brief, and their work on one item.

The brief is one page, made from the policy and from the item's document in the base.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from specguard.authority.policy import Policy
from specguard.change.check_request import read_unlinked
from specguard.change.repository import find_program
from specguard.change.tree import Tree
from specguard.errors import SpecguardError, nearest
from specguard.executor.command_output import plain_text
from specguard.executor.commit import hooks_of, message_of, scope_of
from specguard.executor.gates import conditions
from specguard.executor.item_choice import task_of
from specguard.executor.process import passed_variables, response_of, run_command
from specguard.executor.push import title_of
from specguard.executor.remote import run_program
from specguard.executor.report import outcome, page, rendered
from specguard.executor.run import Run, RunEnded, RunOptions, record_options
from specguard.executor.side_effects import check_size
from specguard.model import Origin, Record, path_text, shortened
from specguard.plans.papers import PaperItem, is_paper, paper_contracts, shown_path
from specguard.plans.task import Task
from specguard.runs import manifests
from specguard.runs.command_inspection import forms_of, high_trust, models_in
from specguard.runs.manifests import RESULTS_SCHEMA, Results, problem_in
from specguard.runs.settings import AgentSettings, Models, RunSettings, version_in
from specguard.work.item import WorkItem
from specguard.work.kinds import normal_id

BRIEF: Final = "brief.md"
"""The file of the brief, relative to the run's folder."""

ROUND_BRIEF: Final = "mend-{}.md"
"""The file with the instructions for a later round, next to the brief, by the round's number."""

# Another command may start the agent, as in `env X=y codex` or `npx -y codex`. This many words are searched.
_MOST_STARTERS: Final = 4


class AgentCommand(Record):
    """An agent that may be run.

    Attributes:
        name: the agent's name in the policy; empty for a command that the policy does not know.
        words: the agent's command; `{brief}` and `{place}` are filled in when it is run.
        version: the version that `--version` prints; None if the policy requires none, or it was not looked
            up.
    """

    name: str
    words: Sequence[str]
    version: str | None = None

    @property
    def display_name(self) -> str:
        """The agent's name in messages."""
        return self.name or os.path.basename(self.words[0])

    def record(self, run: Run) -> None:
        """Note in the run's record who works, and write the options that resume the run with this agent.

        Raises:
            SpecguardError: the options cannot be written.
        """
        run.manifest.agent = self.to_record(run)
        record_options(run, self.words)

    def to_record(self, run: Run) -> manifests.Agent:
        """Return the agent's record in the manifest."""
        return manifests.Agent(
            name=self.name or None,
            command=[run.redactor.redact(word) for word in self.words],
            version=self.version,
            approval_policy=run.options.approval_policy or None,
        )


def resolve_agent(policy: Policy, options: RunOptions, *, check_program: bool = True) -> AgentCommand:
    """Find the agent that a run is asked to use.

    Args:
        policy: the policy of the trusted base.
        options: the options that contain the agent's name or its command.
        check_program: True to check that the agent's program exists, in a version that the policy allows.

    Raises:
        SpecguardError: no agent has that name, or the policy does not allow it. The reason may be its words,
            its model, its version, or the value of `--approval-policy`.
    """
    agents: Mapping[str, AgentSettings] = policy.declared("agents")
    settings: RunSettings = policy.declared("run_settings")
    name, words, program = _find_agent(agents, options)
    known = agents.get(name) or AgentSettings(command=words)
    _check_words(policy, options, name, words, known)
    version = None
    if check_program:
        for word in (*settings.sandbox[:1], words[0]):
            locate_program(word, options.environment)
        if known.version:
            environment = passed_variables(options.environment, settings.environment)
            try:
                path = locate_program(program, options.environment) or program
                version = check_version(path, known.version, environment)
            except SpecguardError as error:
                error.path, error.line = _place_of(policy, f"agents.{name}.version")
                raise
    return AgentCommand(name, words, version)


def _check_words(
    policy: Policy, options: RunOptions, name: str, words: Sequence[str], known: AgentSettings
) -> None:
    """Check that the policy allows an agent with these words and models.

    Raises:
        SpecguardError: the policy does not allow it.
    """
    rules: Models = policy.declared("models")
    role = rules.role_of(options.kind, "coder")
    models = [*filter(None, [known.model]), *models_in(words)]
    if found := high_trust(words, known.allow_flags):
        key = f"agents.{name or 'NAME'}.allow_flags"
        flags = f"the agent's {', '.join(found)}: with it nothing asks and nothing holds it"
        help = f"leave it out, or have {key} name it"
        raise _denied(policy, key, f"the policy does not allow {flags}", help)
    help = f"have the command name one that is allowed, as in --model {rules.suggested(role) or 'NAME'}"
    for model_name in models:
        if refused := rules.refusal(*forms_of(model_name), role=role):
            message = f"the model {model_name!r} may not be used: {refused[0]}"
            raise _denied(policy, refused[1], message, help)
    # Another command of the same program may call another model than the policy's command does.
    named = models if options.agent else [*models_in(words)]
    if (named_by := rules.named_by(role)) and not named and is_paper(policy, options.kind):
        message = "the agent's command names no model, and the policy says which may be used"
        raise _denied(policy, named_by, message, help)
    allowed = policy.declared("run_settings").approval_policies
    if options.approval_policy and options.approval_policy not in allowed:
        message = f"the policy does not allow --approval-policy {options.approval_policy}"
        raise _denied(policy, "runs.approval_policies", message, f"it allows {', '.join(allowed) or 'none'}")


def _denied(policy: Policy, key: str, message: str, help: str) -> SpecguardError:
    path, line = _place_of(policy, key)
    return SpecguardError(message, help=help, path=path, line=line, code="forbidden-agent")


def _place_of(policy: Policy, key: str) -> tuple[str | None, int | None]:
    """Return the file and the line that set a key of the policy."""
    origin = policy.origin(key)
    return (origin.path, origin.line) if origin is not None else (None, None)


def run_agent(run: Run, *, resumed: bool = False) -> manifests.Command:
    """Run the agent in the run's place: on its brief, or on the failures of the previous round.

    The sections in `run.feedback` are passed to the agent and cleared; `mend-N.md`, next to the brief, keeps
    them. If the results of a task are missing or wrong, `run.feedback` contains a section about that
    afterwards.

    Args:
        run: the run.
        resumed: True if the run was interrupted in this round. An agent that had ended well is not run again;
            otherwise it gets the same instructions as before.

    Returns:
        The record of the agent's command.

    Raises:
        RunEnded: the agent failed, stopped with a reason, exceeded its time or output, or left processes
            behind.
        SpecguardError: the run cannot be recorded.
    """
    agent = resolve_agent(run.policy, run.options, check_program=False)
    brief = _write_instructions(run, resumed=resumed)
    task = task_of(run.policy, run.item)
    # If the agent has ended well in this round, its work is in the place already.
    done = _done_in_round(run) if resumed else None
    note_before = asked = read_stop_note(run) if done is None else None
    if resumed and asked is not None:
        # What a round asked that was cut off is no answer of this one, and no part of the change.
        note_before = run.place.git.tree_at(run.place.base).read(STOP_NOTE.encode())
        if asked != note_before:
            take_stop_note(run, asked)
    record = done or _run_in_place(run, agent, brief, task)
    note = read_stop_note(run)
    if note is not None and note != note_before:
        reason = take_stop_note(run, note) or f"{STOP_NOTE} gives no reason"
        raise _stopped_run(run, record, f"{agent.display_name} stopped", reason, KEPT_STOP_NOTE)
    results = take_results(run)
    if results is not None and results.status == "blocked":
        reason = _shorten(run.redactor.redact(" ".join(results.summary.split())))
        raise _stopped_run(run, record, f"{agent.display_name} is blocked", reason, KEPT_RESULTS)
    # With valid results it does not matter how the agent ended, unless it ended well and left processes.
    if results is None or (record.leftovers and record.exit_code == 0):
        _check_ended_well(run, agent, record)
    return record


def _done_in_round(run: Run) -> manifests.Command | None:
    """Return the record of the agent's command if it has ended well in this round; None otherwise."""
    last = (one for one in run.manifest.commands[-1:] if one.kind == "agent" and one.ended_at is not None)
    return next((one for one in last if one.attempt == run.manifest.attempts and one.succeeded), None)


def _run_in_place(run: Run, agent: AgentCommand, brief: str, task: Task | None) -> manifests.Command:
    """Run the agent in the place on its instructions, a file of the run, and return its command's record."""
    place = run.place.path
    if task is not None:
        remove_from_place(place, RESULTS)
        run.folder.remove(KEPT_RESULTS)
    words = [word.replace("{place}", place) for word in (*run.settings.sandbox, *agent.words)]
    return run_command(
        run,
        agent.display_name,
        [word.replace("{brief}", run.folder.file(brief)) for word in words],
        kind="agent",
        source="flag" if run.options.command else "policy",
        cwd=place,
        stdin=b"" if any("{brief}" in word for word in agent.words) else run.folder.read(brief),
        # An agent without a limit of its own may take as long as the run.
        timeout=run.options.command_timeout or math.inf,
        # The results file decides, not the process's output.
        is_done=lambda: task is not None and isinstance(_read_results(place, task.id), Results),
        watch=partial(check_size, run),
    )


def _stopped_run(run: Run, record: manifests.Command, how: str, reason: str, file: str) -> RunEnded:
    again = run.folder.command("resume", *run.manifest.more_attempts)
    help = f"read {run.folder.file(file)}, and decide what it asks; then: {again}"
    return RunEnded(f"{how}: {reason}", state="stopped", help=help, command=record.number)


def _find_agent(agents: Mapping[str, AgentSettings], options: RunOptions) -> tuple[str, list[str], str]:
    """Return the agent's name in the policy (or empty), its words, and the word that is the program."""
    help = f"give --agent {' or '.join(sorted(agents)) or 'NAME'}, or its command behind --"
    if options.agent and options.command:
        raise SpecguardError("both --agent and a command are given", help=help, code="no-agent")
    if options.agent:
        if options.agent not in agents:
            help = nearest(options.agent, agents, "give its command behind --, or define it in [agents]")
            raise SpecguardError(f"the policy knows no agent {options.agent!r}", help=help, code="no-agent")
        words = list(agents[options.agent].command)
        return options.agent, words, words[0]
    words = list(options.command)
    if not words or not words[0]:
        raise SpecguardError("no agent is named", help=help, code="no-agent")
    if "/" in words[0] and not words[0].startswith("{place}"):
        # The path is relative to the caller's folder, but the agent runs in the place.
        words[0] = os.path.abspath(words[0])
    # The policy's rules for an agent also apply to a command that starts the same program.
    known = {os.path.basename(one.command[0]): name for name, one in reversed(list(agents.items()))}
    known |= {name: name for name in agents}
    names = {word: known.get(os.path.basename(word), "") for word in words[:_MOST_STARTERS]}
    program, name = next(((word, name) for word, name in names.items() if name), (words[0], ""))
    return name, words, program


def locate_program(word: str, environment: Mapping[str, str]) -> str | None:
    """Return the path of an agent's program; None for a relative path, which the run's place may provide.

    Raises:
        SpecguardError: the program is missing or not executable.
    """
    if "/" in word and not os.path.isabs(word):
        return None
    program = word if "/" in word else find_program(word, environment)
    if program is None or not (os.path.isfile(program) and os.access(program, os.X_OK)):
        message = f"{word} cannot be run: there is no such program, or it is not executable"
        raise SpecguardError(message, help="install it, or make it executable", code="program-missing")
    return program


def _write_instructions(run: Run, *, resumed: bool) -> str:
    """Return the file that the agent reads, relative to the run's folder; write it for a later round."""
    attempt = max(2, run.manifest.attempts)
    name = ROUND_BRIEF.format(attempt)
    if resumed and run.manifest.attempts == attempt and os.path.isfile(run.folder.file(name)):
        return name
    if not run.feedback:
        return BRIEF
    brief = run.folder.read(BRIEF).decode("utf-8", "surrogateescape")
    values = {"attempt": attempt, "most": run.manifest.max_attempts, "stop": STOP_NOTE, "brief": brief}
    text = rendered("mend.md", **values, feedback=[part.strip("\n") for part in run.feedback])
    run.folder.write(name, run.redactor.redact_bytes(text.encode("utf-8", "surrogateescape")))
    run.feedback.clear()
    return name


def _check_ended_well(run: Run, agent: AgentCommand, record: manifests.Command) -> None:
    """End the run if the agent's command did not end well."""
    response = response_of(run.folder, record)
    state: manifests.State = "budget-spent" if response.cut else "failed"
    problem = record.problem or outcome(record)
    help = f"read {run.folder.file(record.log)}" if response.tail else "it printed nothing: try it by hand"
    help += f", then: {run.folder.command('resume', *run.manifest.more_attempts)}"
    words = (one for one in agent.words[1:] if os.path.exists(one))
    if lost := next((one for one in words if not os.path.exists(os.path.join(run.place.path, one))), ""):
        help = f"it works in a folder of its own, without {lost}: give its absolute path"
    if record.timed_out:
        state, help = "timed-out", f"--command-timeout {2 * run.options.command_timeout}"
    elif record.succeeded and record.leftovers:
        problem = f"it left processes running, which were ended: {', '.join(record.leftovers)}"
        help = "have it end what it starts, or run it without what starts servers"
    elif record.succeeded:
        return
    raise RunEnded(
        f"{agent.display_name} failed: {problem}",
        state=state,
        help=help,
        tail=response.tail,
        command=record.number,
        code="agent-failed" if state == "failed" else "",
    )


LIMIT: Final = 30.0
"""The timeout of `--version`, in seconds."""

_LARGEST: Final = 1 << 14


def check_version(program: str, requirement: str, environment: Mapping[str, str]) -> str:
    """Check that the version of a program is one of the allowed versions.

    Args:
        program: the program's path; it is run with `--version`, in a temporary folder.
        requirement: the policy's requirement, such as `>=0.40,<0.50`.
        environment: the program's environment variables.

    Returns:
        The version as the program prints it.

    Raises:
        SpecguardError: the program prints no version, or another one.
    """
    name = os.path.basename(program)
    with tempfile.TemporaryDirectory() as folder:
        result = run_program([program, "--version"], environment, cwd=folder, limit=LIMIT)
    printed = plain_text((result.stdout + result.stderr)[:_LARGEST])
    version = "" if result.code else version_in(printed, requirement)
    if not version:
        problem = result.failure or (f"it ended with exit code {result.code}" if result.code else "")
        suffix = f": {problem}" if problem else f" says {shortened(printed)!r}"
        message = f"{name} --version{suffix}, and the policy asks for {requirement}"
        help = f"install a {name} that fits, or have the policy ask for this one"
        raise SpecguardError(message, help=help, code="agent-version")
    return version


def remove_from_place(place: str, name: str) -> None:
    """Remove a file, link or folder from a place."""
    path = os.path.join(place, name)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            os.unlink(path)


RESULTS: Final = "SPECGUARD_RESULTS.json"
"""The results file of a task, in the root of the run's place."""

KEPT_RESULTS: Final = "results.json"
"""The name of its copy in the run's folder, which is of the agent's last round."""

_LARGEST_RESULTS: Final = 1 << 20
_LONGEST: Final = 300


def take_results(run: Run) -> Results | None:
    """Move the results of a task from the run's place to its folder, or ask the agent for them.

    If they are missing or wrong, and the last round has left none that say `done`, `run.feedback` contains a
    section about that afterwards.

    Returns:
        The results; None if they are missing or wrong, or the run has no task.
    """
    task, place = task_of(run.policy, run.item), run.place.path
    if task is None:
        return None
    results = _read_results(place, task.id)
    remove_from_place(place, RESULTS)
    if isinstance(results, Results):
        text = results.model_dump_json(by_alias=True, indent=2) + "\n"
        run.folder.write(KEPT_RESULTS, run.redactor.redact_bytes(text.encode("utf-8", "backslashreplace")))
        return results
    if run.folder.data_or_empty(KEPT_RESULTS).get("status") != "done":
        run.feedback.append(
            f"## The results of the task\n\n`{RESULTS}` in the root of the working folder {results}. "
            f"Write it when you are done, as JSON like this:\n\n    {_example(task.id)}\n"
        )
    return None


def _read_results(place: str, task_id: str) -> Results | str:
    """Return an agent's results for a task; a string says what is wrong with them."""
    path = os.path.join(place, RESULTS)
    content = read_unlinked(path, _LARGEST_RESULTS + 1)
    if content is None:
        return "is not a regular file" if os.path.lexists(path) else "is missing"
    if len(content) > _LARGEST_RESULTS:
        return f"has more than {_LARGEST_RESULTS >> 20} MiB"
    try:
        results = Results.model_validate_json(content)
    except ValidationError as error:
        return f"does not fit {RESULTS_SCHEMA}: {_shorten(problem_in(error))}"
    if normal_id(results.task) != normal_id(task_id):
        return f"is about {_shorten(results.task)!r}, and the task is {task_id}"
    return results


def _example(task_id: str) -> str:
    return json.dumps({"task": task_id, "status": "done", "summary": "What was done, in a few sentences."})


def _shorten(text: str) -> str:
    return shortened(plain_text(text), _LONGEST)


STOP_NOTE: Final = "SPECGUARD_STOP.md"
"""The file in which an agent explains why it stops, in the root of the run's place."""

KEPT_STOP_NOTE: Final = "stop.md"
"""The name of its copy in the run's folder."""

_LARGEST_NOTE: Final = 1 << 16
_LINES: Final = 3


def read_stop_note(run: Run) -> bytes | None:
    """Return the content of the stop note; None if it is missing. A link, a folder or a pipe is not read."""
    path = os.path.join(run.place.path, STOP_NOTE)
    content = read_unlinked(path, _LARGEST_NOTE)
    return b"(no file)" if content is None and os.path.lexists(path) else content


def take_stop_note(run: Run, note: bytes) -> str:
    """Copy the stop note to the run's folder, and remove it from the place.

    Args:
        run: the run.
        note: the note's content.

    Returns:
        The note's first lines, without headings, joined into one line.
    """
    text = run.redactor.redact(plain_text(note.decode("utf-8", "surrogateescape")))
    run.folder.write(KEPT_STOP_NOTE, text)
    remove_from_place(run.place.path, STOP_NOTE)
    lines = [line for line in map(str.strip, text.split("\n")) if line and not line.startswith("#")]
    return shortened(" ".join(lines[:_LINES]), _LONGEST)


_WORDING = {"forbidden-path": "forbidden", "locked-path": "locked"}


def write_brief(run: Run) -> None:
    """Write `brief.md` in the run's folder, without secrets.

    Raises:
        MissingFact: the item's document cannot be read.
        SpecguardError: the brief cannot be written.
    """
    run.folder.write(BRIEF, run.redactor.redact_bytes(brief_text(run).encode("utf-8", "surrogateescape")))


def brief_text(run: Run) -> str:
    """Return the brief of a run; the run need not have begun.

    Args:
        run: the run, with the policy and the item of the base. The brief contains the base, the branch and
            the limits from its manifest.

    Raises:
        MissingFact: the item's document cannot be read.
    """
    files = run.git.tree_at(run.manifest.repository.start)
    if isinstance(run.item, PaperItem):
        name, values = "document.md", {"recorded": run.item.recorded_files(files)}
    else:
        name, values = "brief.md", _work_values(run, files)
    return page(name, run=run, subject=message_of(run).split("\n", 1)[0], stop=STOP_NOTE, **values)


def _work_values(run: Run, files: Tree) -> dict[str, Any]:
    """Return the template variables of the brief for a work item, beside its run."""
    policy, manifest, item, listed = run.policy, run.manifest, run.item, run.item.listed
    task = task_of(policy, item)
    words = ["specguard", "check", "--worktree"]
    words += ["--base", manifest.repository.below_oid or manifest.repository.base_oid]
    words += ["--branch", manifest.branch] if manifest.branch else []
    return {
        "task": task,
        "listed": None if listed is None else str(Origin(path_text(listed.source.path), listed.line or 0)),
        "results": RESULTS,
        "schema": RESULTS_SCHEMA,
        "example": _example(task.id) if task is not None else "",
        "guards": list(_guards(policy, item, task)),
        "scope": scope_of(policy, item),
        "papers": [(shown_path(one.path, item.fields), one) for one in paper_contracts(policy, item)],
        "pull_request": title_of(run),
        "conditions": conditions,
        "hooks": hooks_of(run.git.repository, files),
        "check": shlex.join(words),
    }


def _guards(policy: Policy, item: WorkItem, task: Task | None) -> Iterator[tuple[str, str, str]]:
    """Yield the guards: each pattern with its kind and its source."""
    settings = item.settings
    for guard in policy.guards.all:
        yield guard.pattern, f": {_WORDING.get(guard.rule, guard.rule)}", str(policy.origin(guard.key) or "")
    if task is not None:
        yield path_text(task.plan.folder), ": the plan, which the planner owns", ""
    if settings.protect_pointer and policy.active_rule("pointer-change"):
        for path in settings.pointer:
            yield path, ": it names the current item, and stays as it is", ""
    if policy.active_rule("foreign-work-document") is None:
        return
    for template in settings.siblings or [*settings.document, *settings.legacy]:
        # A template that begins with a placeholder for an entry of the list means nothing to a reader.
        if item.listed is None or not template.startswith("{"):
            yield template, ": the documents of other items", ""
    if item.listed is not None and item.document is not None:
        yield path_text(item.listed.source.path), ", and the documents of the other items that it lists", ""
