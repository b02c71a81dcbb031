"""Agents: which one is run, whether the policy lets it, and its work on one item."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from specguard.change.repository import find_program
from specguard.declaration.rule import Record
from specguard.errors import SpecguardError, nearest
from specguard.executor.children import passed_on
from specguard.executor.handover import (
    KEPT_RESULTS,
    KEPT_STOP_NOTE,
    STOP_NOTE,
    Handover,
    said,
    stop_note,
    take_stop_note,
)
from specguard.executor.item import is_paper, task_of
from specguard.executor.output import plain_text
from specguard.executor.place.place import place_of, watch_place
from specguard.executor.process import NOT_FOUND, NOT_RUNNABLE, response_of, run_command
from specguard.executor.run import Run, RunEnded, RunOptions
from specguard.model import shortened
from specguard.plans.settings import ROLES, Models, forms_of, models_in
from specguard.runs import model
from specguard.runs.proof import high_trust
from specguard.runs.settings import AgentSettings, RunSettings, find_version, fits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.authority.policy import Policy


BRIEF: Final = "brief.md"
"""The brief, from the run's folder."""

MENDING: Final = "mend-{}.md"
"""Beside it: what the agent was told to mend in a round, by the round's number."""

# A command may be started by another one, as in `env X=y codex` or `npx -y codex`.
_STARTERS: Final = 4


class Agent(Record, kw_only=True):
    """An agent that may be run.

    Attributes:
        name: as the policy calls it; empty for a command that the policy does not know.
        words: its command; `{brief}` and `{place}` are filled in when it is run.
        sandbox: the words before it, with `{place}` in them.
        version: what `--version` said, where the policy asks for one and it was looked at.
        models: the models that its settings and its words name.
        approval_policy: what `--approval-policy` said.
    """

    name: str = ""
    words: Sequence[str]
    sandbox: Sequence[str] = ()
    version: str | None = None
    models: Sequence[str] = ()
    approval_policy: str = ""

    @property
    def called(self) -> str:
        """What messages call it."""
        return self.name or os.path.basename(self.words[0])

    def recorded(self, run: Run) -> model.Agent:
        """What the manifest says of it."""
        return model.Agent(
            name=self.name or None,
            command=[run.redactor.words(word) for word in self.words],
            version=self.version,
            approval_policy=self.approval_policy or None,
        )


def resolve_agent(policy: Policy, options: RunOptions, *, look: bool = True) -> Agent:
    """The agent that a run is asked to use.

    Args:
        policy: of the trusted base.
        options: which name it, or have its command.
        look: whether to see that its program is there, in a version that the policy asks for.

    Raises:
        SpecguardError: there is none of that name, or the policy does not let it run: by its words, its
            model, its version, or what `--approval-policy` says.
    """
    agents: Mapping[str, AgentSettings] = policy.declared("agents")
    settings: RunSettings = policy.declared("run_settings")
    name, words, program = _named(agents, options)
    known = agents.get(name)
    _check_words(words, name, known, policy)
    models = [*([known.model] if known is not None and known.model else ()), *models_in(words)]
    role = ROLES.get(options.kind, "coder")
    _check_models(models, policy, role)
    if not models and is_paper(policy, options.kind):
        _check_named(policy, role)
    if options.approval_policy and options.approval_policy not in settings.approval_policies:
        raise _refused(
            policy,
            "runs.approval_policies",
            f"the policy does not allow --approval-policy {options.approval_policy}",
            f"it allows {', '.join(settings.approval_policies) or 'none'}",
        )
    version = None
    if look:
        for word in (*settings.sandbox[:1], words[0]):
            locate(word, options.environment)
        if known is not None and known.version:
            environment = passed_on(options.environment, settings.environment)
            try:
                path = locate(program, options.environment) or program
                version = check_version(path, known.version, environment)
            except SpecguardError as error:
                key = f"agents.{name}.version"
                raise _refused(policy, key, error.message, error.help) from error
    return Agent(
        name=name,
        words=words,
        sandbox=settings.sandbox,
        version=version,
        models=models,
        approval_policy=options.approval_policy,
    )


def let_agent_work(run: Run, *, again: bool = False) -> model.Command:
    """Run the agent in the run's place: on its brief, or on what it has to mend.

    The text of `run.told` is handed over and forgotten; it is kept beside the brief as `mend-N.md`.

    Args:
        run: the run.
        again: whether the round had begun already when the run was cut off: where the agent had ended well it
            is not run again, else it is told what it was told.

    Returns:
        The record of its command, which succeeded, or handed over the results of a task. Where these are
        missing or wrong, that is in `run.told`.

    Raises:
        RunEnded: it failed, it stopped by itself and said why, its time or its output was spent, or it left
            processes behind.
        SpecguardError: the brief is not there, or the run cannot be recorded.
    """
    agent = resolve_agent(run.policy, run.options, look=False)
    place = place_of(run).path
    brief = _to_do(run, again=again)
    words = [word.replace("{place}", place) for word in (*agent.sandbox, *agent.words)]
    task = task_of(run.policy, run.item)
    handover = Handover(run, place, task.id) if task is not None else None
    ended = _ended_before(run) if again else None
    if handover is not None and ended is None:
        handover.begin()
    by_file = any("{brief}" in word for word in agent.words)
    before = stop_note(place) if ended is None else None
    with open(run.folder.file(brief), "rb") as file:
        text = file.read()
    record = ended or run_command(
        run,
        agent.called,
        [word.replace("{brief}", run.folder.file(brief)) for word in words],
        kind="agent",
        source="flag" if run.options.command else "policy",
        cwd=place,
        stdin=b"" if by_file else text,
        # An agent that has no limit of its own may take as long as the run.
        timeout=run.options.command_timeout or run.manifest.timeout,
        finished=handover.ready if handover is not None else None,
        watch=watch_place(run),
    )
    note = stop_note(place)
    if note is not None and note != before:
        why = take_stop_note(run, place, note)
        raise RunEnded(
            f"{agent.called} stopped: {why or f'{STOP_NOTE} gives no reason'}",
            state="stopped",
            help=f"read {run.folder.file(KEPT_STOP_NOTE)}, and decide what it asks",
            command=record.number,
            error="agent-stopped",
        )
    if handover is None:
        _judge(run, agent, record)
    else:
        _take_results(run, agent, record, handover)
    return record


def _ended_before(run: Run) -> model.Command | None:
    """The record of an agent that had ended well in this round; None where it had not."""
    last = run.manifest.commands[-1] if run.manifest.commands else None
    if last is None or last.kind != "agent" or last.attempt != run.manifest.attempts:
        return None
    return last if last.ended_at is not None and last.succeeded else None


def _take_results(run: Run, agent: Agent, record: model.Command, handover: Handover) -> None:
    """Take what the agent hands over for a task: with valid results it does not matter how it ended."""
    results = handover.take()
    if isinstance(results, str):
        _judge(run, agent, record)
        run.told.append(handover.told(results))
    elif results.status == "blocked":
        raise RunEnded(
            f"{agent.called} is blocked: {said(run, results)}",
            state="stopped",
            help=f"read {run.folder.file(KEPT_RESULTS)}, and decide what it asks",
            command=record.number,
            error="agent-stopped",
        )
    elif record.leftovers and record.exit_code == 0:
        _judge(run, agent, record)


def _named(agents: Mapping[str, AgentSettings], options: RunOptions) -> tuple[str, list[str], str]:
    """The agent's name in the policy, or nothing; its words; and the one of them that is its program."""
    if options.agent and options.command:
        raise SpecguardError(
            "both --agent and a command are given",
            help="give --agent NAME, or a command behind --",
            code="no-agent",
        )
    if options.agent:
        if options.agent not in agents:
            known = f"[agents.{options.agent}] would define it"
            raise SpecguardError(
                f"the policy knows no agent {options.agent!r}",
                help=nearest(options.agent, agents, known) if agents else known,
                code="no-agent",
            )
        words = list(agents[options.agent].command)
        return options.agent, words, words[0]
    words = list(options.command)
    if not words or not words[0]:
        defined = f"--agent {' or '.join(sorted(agents))}" if agents else "--agent NAME"
        raise SpecguardError(
            "no agent is named", help=f"give {defined}, or its command behind --", code="no-agent"
        )
    name, program = _known_by(agents, words) or ("", words[0])
    if "/" in words[0] and os.path.exists(os.path.join(options.directory, words[0])):
        # Meant from where the caller is; the agent runs in the run's place.
        path = os.path.abspath(os.path.join(options.directory, words[0]))
        program = path if program == words[0] else program
        words[0] = path
    return name, words, program


def _known_by(agents: Mapping[str, AgentSettings], words: Sequence[str]) -> tuple[str, str] | None:
    """The agent of the policy that a command starts, and the word that does: what holds for it holds here."""
    for word in words[:_STARTERS]:
        program = os.path.basename(word)
        if program in agents:
            return program, word
        for name, settings in agents.items():
            if os.path.basename(settings.command[0]) == program:
                return name, word
    return None


def _check_words(words: Sequence[str], name: str, known: AgentSettings | None, policy: Policy) -> None:
    found = high_trust(words, known.allow_flags if known is not None else ())
    if found:
        key = f"agents.{name or 'NAME'}.allow_flags"
        told = ", ".join(found)
        raise _refused(
            policy,
            key,
            f"the policy does not allow the agent's {told}: with it nothing asks and nothing holds it",
            f"leave it out, or have {key} name it",
        )


def _check_models(models: Sequence[str], policy: Policy, role: str) -> None:
    settings: Models = policy.declared("models")
    for name in models:
        refused = settings.refusal(*forms_of(name), role=role)
        if refused is None and not name.isascii():
            refused = "a model's name has only ASCII letters", "models.allow"
        if refused is not None:
            default = f", such as {settings.suggested(role)}" if settings.suggested(role) else ""
            raise _refused(
                policy,
                refused[1],
                f"the model {name!r} may not be used: {refused[0]}",
                f"name one that is allowed{default}",
            )


def _check_named(policy: Policy, role: str) -> None:
    """Where the policy says which models write documents, the command has to name its own."""
    settings: Models = policy.declared("models")
    default = settings.suggested(role)
    if key := settings.named_by(role):
        raise _refused(
            policy,
            key,
            "the agent's command names no model, and the policy says which may be used",
            f"name one, such as --model {default}" if default else "name one: --model NAME",
        )


def locate(word: str, environment: Mapping[str, str]) -> str | None:
    """The path of an agent's program; None for one that the run's place may bring.

    Raises:
        SpecguardError: it is not there.
    """
    if "/" in word:
        if os.path.isabs(word) and not os.access(word, os.X_OK):
            raise SpecguardError(
                f"{word} cannot be run",
                help="see that it is there and may be executed",
                code="program-missing",
            )
        return word if os.path.isabs(word) else None
    program = find_program(word, environment)
    if program is None:
        raise SpecguardError(
            f"{word} is not on the path",
            help=f"install {word}, or name another agent",
            code="program-missing",
        )
    return program


def _refused(policy: Policy, key: str, message: str, help: str) -> SpecguardError:
    origin = policy.origin(key)
    return SpecguardError(
        message,
        help=help,
        path=origin.path if origin is not None else None,
        line=origin.line if origin is not None else None,
        code="forbidden-agent",
    )


def _to_do(run: Run, *, again: bool) -> str:
    """The file of what the agent reads, from the run's folder."""
    if not os.path.isfile(run.folder.file(BRIEF)):
        raise SpecguardError(
            "the run has no brief",
            path=run.folder.file(BRIEF),
            help="start it anew: `specguard run` writes the brief before the agent starts",
        )
    attempt = max(2, run.manifest.attempts)
    name = MENDING.format(attempt)
    if again and run.manifest.attempts == attempt and os.path.isfile(run.folder.file(name)):
        return name
    if not run.told:
        return BRIEF
    with open(run.folder.file(BRIEF), encoding="utf-8", errors="surrogateescape") as file:
        brief = file.read()
    told = "\n\n".join(part.strip("\n") for part in run.told)
    text = (
        f"# Mend this: round {attempt} of {run.manifest.max_attempts}\n\n"
        "What you left in the working folder does not pass yet. Mend what follows there, change nothing that "
        f"has nothing to do with it, and end. If it cannot be fixed, say why in `{STOP_NOTE}` and end.\n\n"
        f"{told}\n\n---\n\nThe brief, as before:\n\n{brief}"
    )
    run.folder.write(name, run.redactor.text(text.encode("utf-8", "surrogateescape")))
    run.told.clear()
    return name


def _judge(run: Run, agent: Agent, record: model.Command) -> None:
    """End the run where the agent's command did not end well."""
    response = response_of(run.folder, record)
    state: model.State = "failed"
    help = f"read {run.folder.file(record.log)}"
    if record.timed_out:
        state, reason = "timed-out", f"{agent.called} had to be ended: {record.problem}"
        help = "give it more with --command-timeout"
    elif response.cut:
        state, reason = "budget-spent", f"{agent.called} had to be ended: {record.problem}"
    elif record.problem and record.exit_code in (NOT_FOUND, NOT_RUNNABLE):
        reason, help = record.problem, "see that the agent is installed, and the sandbox lets it start"
    elif record.exit_code is None or record.exit_code < 0:
        reason = f"{agent.called} was ended by signal {-(record.exit_code or 0)}"
    elif record.exit_code:
        reason = f"{agent.called} failed with exit code {record.exit_code}"
    elif record.leftovers:
        reason = f"{agent.called} left processes running, which were ended: {', '.join(record.leftovers)}"
        help = "have it end what it starts, or run it without what starts servers"
    else:
        return
    raise RunEnded(
        reason,
        state=state,
        help=help,
        tail=response.tail,
        command=record.number,
        error="agent-failed" if state == "failed" else "",
    )


LIMIT: Final = 30.0
"""How many seconds `--version` may take."""

_LARGEST: Final = 1 << 14


def check_version(program: str, wanted: str, environment: Mapping[str, str]) -> str:
    """The version of a program, which is one of those that may be used.

    Args:
        program: its path; it is run with `--version`, in a folder of its own.
        wanted: what the policy asks for, as `>=0.40,<0.50`.
        environment: its variables.

    Returns:
        The version as it writes it.

    Raises:
        SpecguardError: it tells none, or another one.
    """
    name = os.path.basename(program)
    printed, how = _printed(program, environment)
    version = find_version(printed)
    if version is None or how:
        said = f"; it says {shortened(printed)!r}" if printed.strip() else ""
        raise SpecguardError(
            f"{name} --version {how or 'names no version'}{said}",
            help=f"the policy asks for {name} {wanted}: see that this is the program that it means",
            code="agent-version",
        )
    if not fits(version, wanted):
        raise SpecguardError(
            f"{name} is {version.text}, and the policy asks for {wanted}",
            help=f"install a {name} that fits, or have the policy ask for this one",
            code="agent-version",
        )
    return version.text


def _printed(program: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """What it prints, and what went wrong; empty where nothing did."""
    # Into a file: a process that it leaves behind would keep a pipe open.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                [program, "--version"],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return "", f"cannot be run: {error.strerror}"
        how = ""
        try:
            code = process.wait(LIMIT)
            how = f"ended with exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            how = f"took longer than {LIMIT:g} seconds"
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return plain_text(output.read(_LARGEST).decode("utf-8", "surrogateescape")), how
