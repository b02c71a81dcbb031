"""The manifest of a run, `specguard.run/1`, the schemas of its other files, and its folder.

The manifest is written as a whole after every step and command, as are the heartbeat, logs and evidence.
Later versions only add fields. Times are in UTC, as `YYYY-MM-DDTHH:MM:SSZ`; durations are in seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from inspect import cleandoc
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from specguard.errors import SpecguardError
from specguard.model import BYTES_IN_JSON, Record
from specguard.runs.files import command_words, item_folder, not_following, reporting_errors

State = Literal[
    "pending", "running", "succeeded", "failed", "stopped", "timed-out", "budget-spent", "remote-moved",
    "killed",
]  # fmt: skip
StepState = Literal["pending", "running", "done", "failed", "skipped"]
Grade = Literal["claimed", "observed", "re-run", "ci"]
"""The grades of evidence, weakest first: claimed by an agent, seen by a hook, run by specguard, run by CI."""

Kind = Literal["agent", "format", "gate", "teardown", "hook", "tool"]
JUDGING_KINDS: Final = frozenset({"gate", "format", "teardown", "hook"})
"""The kinds of commands that judge the agent's work."""

KILLED: Final = "specguard was ended by"
"""The first words of why a command ended that was ended with its run."""

Source = Literal["policy", "document", "plan", "flag", "run"]

Time = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
Oid = Annotated[str, Field(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    """The base class of all parts: refuses unknown fields, and validates assignments."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    def as_json(self) -> bytes:
        """Return it as JSON; pydantic fails on bytes that were not UTF-8, as of a folder's name."""
        text = json.dumps(self.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=False)
        return f"{text.translate(BYTES_IN_JSON)}\n".encode()


class Item(_Model):
    """The work item of a run.

    Attributes:
        kind: the kind's name; `gates` for a run of gates only, `research` and `review` for documents.
        id: the item's id as text.
        slug: the item's slug, if it has one.
        document: the path of the item's document in the base, if it has one.
        plan: the plan's file, if the item is a task.
    """

    kind: str
    id: str
    slug: str | None = None
    document: str | None = None
    plan: str | None = None

    @property
    def folder(self) -> str:
        """The name of the folder with the item's runs."""
        return item_folder(self.kind, self.id)

    @property
    def label(self) -> str:
        """The item's name in messages: `phase 12`, `task_001`."""
        return self.id if self.id.casefold().startswith(self.kind.casefold()) else f"{self.kind} {self.id}"


class Repository(_Model):
    """The repository and commit that the run started from.

    Attributes:
        remote: the canonical repository's address, without credentials.
        remote_name: the name of that remote in the user's repository; empty if that repository has no remote
            and is itself the canonical one.
        base: the short name of the base branch.
        base_oid: the object id of the base's commit.
        below: the branch that the run's branch is stacked on, which the base does not contain; None: the
            base.
        below_oid: the object id of that branch's commit.
        tip: the commit of the run's own branch that the run continues from, if the branch holds several
            items; None: it starts from the base.
        branch_oid: the commit of the run's branch when the run began, if the branch existed. The run
            continues from it (`tip`), or it was merged and the branch moves on.
        object_format: `sha1` or `sha256`.
    """

    remote: str | None = None
    remote_name: str = "origin"
    base: str
    base_oid: Oid
    below: str | None = None
    below_oid: Oid | None = None
    tip: Oid | None = None
    branch_oid: Oid | None = None
    object_format: Literal["sha1", "sha256"] = "sha1"

    @property
    def start(self) -> str:
        """The commit that the run's place is checked out at, and the parent of the run's commit."""
        return self.tip or self.below_oid or self.base_oid

    @property
    def into(self) -> str:
        """The short name of the branch that the run's branch will be merged into."""
        return self.below or self.base


class PolicyMade(_Model):
    """The policy that judged.

    Attributes:
        policy_id: the id of the compiled policy.
        ref: the commit that the policy was read from.
        documents: the object id of each document by its path.
    """

    policy_id: Digest
    ref: Oid | None
    documents: dict[str, Oid]


class Agent(_Model):
    """The agent's command.

    Attributes:
        name: the agent's name in the policy; None if the agent was passed as a command.
        command: the words of the command, without secrets.
        version: the output of `--version`, if the policy restricts versions.
        approval_policy: the value of `--approval-policy`.
    """

    name: str | None = None
    command: list[str]
    version: str | None = None
    approval_policy: str | None = None


class Step(_Model):
    """One step, recorded before it starts and after it ends.

    Attributes:
        name: one of the steps in their order.
        attempt: the number of the attempt, from 1.
        state: the state of the step.
        started_at: when it started.
        ended_at: when it ended.
        detail: its result, in one sentence.
    """

    name: str
    attempt: int = 1
    state: StepState = "pending"
    started_at: Time | None = None
    ended_at: Time | None = None
    detail: str = ""


class Command(_Model):
    """One command of the run: the agent, a gate, a formatter, a hook.

    Attributes:
        number: from 1, in the order of starting.
        name: the name in reports.
        kind: `agent`, `format`, `gate`, `teardown`, `hook` or `tool`.
        source: the origin of the command: `policy`, `document`, `plan`, `flag` or `run`.
        command: the command line, without secrets.
        attempt: the number of the round.
        started_at: when it started.
        ended_at: when it ended.
        duration: in seconds.
        exit_code: None while it runs; negative for a signal.
        timed_out: true if its time limit ended it.
        problem: why it failed regardless of its exit code, in one sentence; else empty.
        leftovers: the processes that it left running and that were ended, each in a few words.
        log: its output, relative to the run's folder.
        response: the file with its result and the tail of its output, relative to the run's folder.
        log_digest: the sha256 of that log.
        tree: the tree of the working files that it ran on.
        grade: the grade of its result as evidence.
    """

    number: int
    name: str
    kind: Kind
    source: Source = "policy"
    command: str
    attempt: int = 1
    started_at: Time
    ended_at: Time | None = None
    duration: float | None = None
    exit_code: int | None = None
    timed_out: bool = False
    problem: str = ""
    leftovers: list[str] = []
    log: str
    response: str
    log_digest: Digest | None = None
    tree: Oid | None = None
    grade: Grade = "re-run"

    @property
    def succeeded(self) -> bool:
        """True if the command ended by itself with exit code 0 and without a problem."""
        return self.exit_code == 0 and not self.problem


class Response(Command):
    """The file next to a command's log, `specguard.command/1`: its result as in the manifest, and more.

    Attributes:
        output_bytes: the number of bytes that the command printed, logged or not.
        cut: true if it printed more than the log holds.
        tail: the end of the log.
    """

    schema_: Literal["specguard.command/1"] = Field(default="specguard.command/1", alias="schema")
    output_bytes: int = 0
    cut: bool = False
    tail: str = ""


class Judgement(_Model):
    """One verdict of the guard on the tree to be committed.

    Attributes:
        attempt: the number of the round.
        tree: the judged tree.
        verdict: in one word.
        exit_code: the exit code of the check.
        findings: the fingerprints of the open errors.
        report: the JSON report, relative to the run's folder.
        policy_id: the id of the policy that judged.
    """

    attempt: int
    tree: Oid
    verdict: str
    exit_code: int
    findings: list[Digest]
    report: str
    policy_id: Digest


class PullRequest(_Model):
    """The pull request, opened or to be opened.

    Attributes:
        title: its title.
        url: its address, if it was opened or updated.
        number: its number on the platform.
        state: `opened`, `updated` or `printed` (the command that opens it).
        command: the command that opens it.
    """

    title: str
    state: Literal["opened", "updated", "printed"]
    url: str | None = None
    number: int | None = None
    command: str | None = None


class Manifest(_Model):
    """A run.

    Attributes:
        run_id: `YYYY-MM-DDTHH-MM-SSZ-xxxx`.
        tool: the version of specguard.
        item: the work item.
        state: the state of the run.
        reason: why it did not succeed, in one sentence.
        pid: the process that runs it.
        token: the sha256 of a token that only the run's current process knows; a resumed run has a new one.
        repository: the repository and commit that it started from.
        policy: the policy that judges.
        agent: the agent; None for a run of gates.
        branch: the branch that is pushed.
        place: the folder of the run's own repository.
        kept: its folder relative to the repository's root, if the policy has runs committed; else None.
        attempts: the number of rounds so far.
        max_attempts: the highest allowed number of rounds.
        started_at: when it started.
        ended_at: when it ended.
        timeout: the time limit, in seconds.
        steps: the steps, in order; a new round appends its steps again.
        commands: the commands, in the order of starting.
        judgements: the verdicts.
        tree: the tree that was judged last and is committed.
        content: the sha256 of the files in `tree` without papers (contracts, indexes, plans, runs), for a run
            of gates: no other repository may have its tree.
        worked: the tree that the gates ran on, if the plan was marked since; None if they ran on `tree`.
        commit: the commit.
        pushed: the commit that the remote has.
        pull_request: the pull request.
        approvals: the ids of the approvals that accepted findings.
        highlights: the changes, for a reviewer: the subjects of the commits, and uncommitted changes.
        notes: remarks for a reader, such as that the base has moved on meanwhile.
        digests: the sha256 of each of the run's files, when it ended.
    """

    schema_: Literal["specguard.run/1"] = Field(default="specguard.run/1", alias="schema")
    run_id: str
    tool: str
    item: Item
    state: State = "pending"
    reason: str | None = None
    pid: int | None = None
    token: Digest | None = None
    repository: Repository
    policy: PolicyMade
    agent: Agent | None = None
    branch: str | None = None
    place: str | None = None
    kept: str | None = None
    attempts: int = 0
    max_attempts: int = 3
    started_at: Time
    ended_at: Time | None = None
    timeout: int
    steps: list[Step] = []
    commands: list[Command] = []
    judgements: list[Judgement] = []
    tree: Oid | None = None
    content: Digest | None = None
    worked: Oid | None = None
    commit: Oid | None = None
    pushed: Oid | None = None
    pull_request: PullRequest | None = None
    approvals: list[str] = []
    highlights: list[str] = []
    notes: list[str] = []
    digests: dict[str, Digest] = {}

    @property
    def judging(self) -> list[Command]:
        """The commands that judged the agent's work and have ended, not with specguard."""
        ended = [one for one in self.commands if one.kind in JUDGING_KINDS and one.ended_at is not None]
        return [one for one in ended if not one.problem.startswith(KILLED)]

    @property
    def more_attempts(self) -> list[str]:
        """The option with which a resumed run may let its agent work again; empty if a round is left."""
        spent = self.commit is None and self.attempts >= self.max_attempts
        return ["--max-attempts", str(self.attempts + 1)] if spent else []


RESULTS_SCHEMA = "specguard.results/1"


class Results(BaseModel):
    """The results of a task, as an agent reports them.

    Attributes:
        task: the task's id.
        status: `done`; or `blocked` if somebody has to decide something first.
        summary: the work done, or the obstacle, in a few sentences.
    """

    # Anything more that an agent reports is kept for people.
    model_config = ConfigDict(extra="allow", strict=True)

    schema_: Literal["specguard.results/1"] = Field(default="specguard.results/1", alias="schema")
    task: str
    status: Literal["done", "blocked"]
    summary: Annotated[str, Field(pattern=r"\S", max_length=10_000)]


DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class RunError(_Model):
    """`error.json`, `specguard.run-error/1`.

    Attributes:
        run_id: the id of the run.
        step: the step in which the run ended.
        state: the state of the run.
        error: the name of the kind of error, which `specguard error` explains; empty in older files.
        reason: why, in one sentence.
        exit_code: the exit code of specguard.
        command: the number of the command that failed; None without one.
        tail: the end of that command's output; empty without one.
        suggestion: the command or step that fixes it; empty if there is none.
    """

    schema_: Literal["specguard.run-error/1"] = Field(default="specguard.run-error/1", alias="schema")
    run_id: str
    step: str
    state: State
    error: str = ""
    reason: str
    exit_code: int
    command: int | None
    tail: str
    suggestion: str


class Heartbeat(BaseModel):
    """`control/heartbeat.json`.

    Attributes:
        time: when it was written, in UTC.
        pid: the process that runs the run.
        step: the current step.
    """

    model_config = ConfigDict(extra="allow")

    time: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")
    pid: int
    step: str


_ATTRIBUTE: Final = re.compile(r"^    (\w+): ((?:.+\n)(?: {5,}.+\n)*)", re.MULTILINE)
_MODELS: Final[Mapping[str, tuple[type[BaseModel], str]]] = {
    "run": (Manifest, "The manifest of a run: manifest.json"),
    "command": (Response, "The result of one of a run's commands: commands/NN-name.json"),
    "run-error": (RunError, "Why a run ended early: error.json"),
    "heartbeat": (Heartbeat, "The sign that a run is alive: control/heartbeat.json"),
    "results": (Results, "What an agent hands over for a task: SPECGUARD_RESULTS.json"),
}


def run_schemas() -> Mapping[str, dict[str, Any]]:
    """Return the schema of each file by name; that of `run.schema.json` is `run`."""
    return {name: _schema(model, title) for name, (model, title) in _MODELS.items()}


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    made = model.model_json_schema(by_alias=True, mode="serialization", schema_generator=PlainSchema)
    if "schema" in made["properties"] and "schema" not in made["required"]:
        made["required"] = ["schema", *made["required"]]
    return {"$schema": DIALECT, "title": title, **made}


class PlainSchema(GenerateJsonSchema):
    """Makes schemas without Python's titles, with the text of `Attributes:` at each property.

    Later versions add fields, so unknown fields are allowed.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - its signature
        """Return False: no field has a title."""
        return False

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """Return the schema of a model, with the texts of its docstring."""
        made = super().model_schema(schema)
        del made["title"]
        made.pop("additionalProperties", None)
        texts = [cleandoc(cls.__doc__ or "").partition("\n\nAttributes:\n") for cls in schema["cls"].__mro__]
        made["description"] = texts[0][0]
        for name, description in _ATTRIBUTE.findall("\n".join(f"{rest}\n" for _, _, rest in texts)):
            if name in made["properties"]:
                made["properties"][name].setdefault("description", " ".join(description.split()).rstrip("."))
        return made


MANIFEST: Final = "manifest.json"
HEARTBEAT: Final = "control/heartbeat.json"
LOG: Final = "run.log"
COMMANDS: Final = "commands"
HOLDER: Final = "control/holder"
"""The file with the sha256 of the token of the process that may write to the folder."""
SEAL: Final = "control/sealed"
"""The file with the sha256 of the final manifest that this machine wrote; it is never committed."""


def problem_in(error: ValidationError) -> str:
    """Return the first problem of a file that does not fit its model, after the key that it is about."""
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")


class StaleWorker(SpecguardError):
    """A process that lost its run to another process; it writes nothing more."""

    code = "run-lost"


def now_text() -> str:
    """Return the current time in the format of manifests."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run_id() -> str:
    """Return a new run id: the time to the second, and four random hexadecimal digits."""
    return f"{datetime.now(UTC).strftime('%Y-%m-%dT%H-%M-%SZ')}-{os.urandom(2).hex()}"


class RunFolder(Record, frozen=False):
    """The folder of one run.

    Attributes:
        path: its absolute path.
        root: the folder of all runs, if commands have to name it (`--run-root`); empty: the policy's.
        holder: the sha256 of the token of the process that writes; empty until it takes the run.
        written: the sha256 of the manifest that this process wrote last; empty before.
    """

    path: str
    root: str = ""
    holder: str = ""
    written: str = ""

    @property
    def run_id(self) -> str:
        """The run's id, which is the folder's name."""
        return os.path.basename(self.path)

    def command(self, verb: str, *words: str) -> str:
        """Return a shell command about the run: `resume`, `report` and so on."""
        return shlex.join([*command_words(verb, self.run_id, self.root), *words])

    def file(self, name: str) -> str:
        """Return the absolute path of a file in the run's folder."""
        return os.path.join(self.path, name)

    def take(self) -> str:
        """Make this process the only one that writes to the folder; return the sha256 of its token."""
        held_by = hashlib.sha256(os.urandom(16)).hexdigest()
        self.holder = ""
        self.write(HOLDER, f"{held_by}\n")
        self.holder = held_by
        # The one in the folder of all runs is not on every branch that is checked out later.
        if not os.path.lexists(self.file("../.gitignore")):
            self.write("../.gitignore", "/.*\n*.tmp\n**/control/*\n!**/control/heartbeat.json\n")
        return held_by

    def check_holder(self) -> None:
        """Check that no other process has taken the folder.

        Raises:
            StaleWorker: another process has taken it, or it is gone.
        """
        if not self.holder:
            return
        try:
            found = self.read(HOLDER).decode("ascii").strip()
        except FileNotFoundError:
            help = self.command("stop") if os.path.isdir(self.path) else "specguard run clean"
            raise StaleWorker(f"{self.file(HOLDER)} is gone, and nothing more is done", help=help) from None
        except (OSError, ValueError):
            found = ""
        if found != self.holder:
            raise StaleWorker(f"another process works on {self.run_id}; this one is stale, and ends")

    def write_manifest(self, manifest: Manifest, *, seal: bool = False) -> bool:
        """Write the manifest.

        Args:
            manifest: the manifest.
            seal: True for the final manifest of the run, which gets the digests of the other files. Its own
                digest is recorded, so that none from a git change passes for it.

        Returns:
            True if the manifest was still as this process had written it; False if it was altered meanwhile.

        Raises:
            StaleWorker: another process has taken the folder.
            SpecguardError: the manifest cannot be written.
        """
        is_own = self.written in ("", self.digest(MANIFEST))
        if seal:
            manifest.digests = {name: digest for name in self.files() if (digest := self.digest(name))}
        data = manifest.as_json()
        digest = hashlib.sha256(data).hexdigest()
        if seal:
            # The seal is first, since nothing is written after the manifest says that the run has ended.
            self.write(SEAL, f"{digest}\n")
        self.write(MANIFEST, data)
        self.written = digest
        return is_own

    def write_layouts(self, manifest: Manifest, layouts: Sequence[str] = ()) -> None:
        """Write the files for readers of older layouts: those of `[runs] layouts`, and existing ones."""
        if "meta" in layouts or os.path.lexists(self.file(META)):
            self.write(META, meta_text(manifest))

    @property
    def sealed(self) -> bool:
        """True if the manifest is the final one that this machine wrote."""
        with suppress(OSError, ValueError):
            return self.read(SEAL).decode("ascii").strip() == self.digest(MANIFEST)
        return False

    def read_manifest(self) -> Manifest:
        """Read the manifest.

        Raises:
            SpecguardError: the manifest is missing, or does not fit its schema.
        """
        try:
            return Manifest.model_validate_json(self.read(MANIFEST))
        except (OSError, ValidationError) as error:
            text = error.strerror if isinstance(error, OSError) else problem_in(error)
            raise SpecguardError(
                f"the manifest of the run cannot be read: {text}",
                path=self.file(MANIFEST),
                help=f"`{self.command('doctor')}` says what is left of the run",
                code="run-record",
            ) from error

    def write_heartbeat(self, step: str, **more: Any) -> None:
        """Write the heartbeat, the sign that the run is alive.

        Args:
            step: the current step.
            more: further fields for readers, such as the pid of the process that it waits for.
        """
        data = {"time": now_text(), "pid": os.getpid(), "step": step, **more}
        self.write(HEARTBEAT, json.dumps(data, indent=2) + "\n")

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file of the run atomically: readers see the old or the new file, even after a crash.

        Raises:
            StaleWorker: another process has taken the folder.
            SpecguardError: the file cannot be written.
        """
        self.check_holder()
        target = self.file(name)
        temporary = f"{target}.{os.getpid()}.tmp"
        data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
        with reporting_errors(target):
            os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
            with open(temporary, "wb", opener=not_following) as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)

    def read(self, name: str) -> bytes:
        """Read a file of the run.

        Raises:
            OSError: the file cannot be read.
        """
        with open(self.file(name), "rb") as stream:
            return stream.read()

    def data_or_empty(self, name: str) -> dict[str, Any]:
        """Read a JSON object from a file of the run; empty if the file cannot be read."""
        with suppress(OSError, ValueError):
            found = json.loads(self.read(name))
            return found if isinstance(found, dict) else {}
        return {}

    def remove(self, name: str) -> None:
        """Remove a file of the run, if it exists.

        Raises:
            StaleWorker: another process has taken the folder.
            SpecguardError: the file cannot be removed.
        """
        self.check_holder()
        with reporting_errors(self.file(name)), suppress(FileNotFoundError):
            os.unlink(self.file(name))

    def remove_temporary(self) -> None:
        """Remove the temporary files of a process that died while it wrote."""
        for name in self._names():
            if name.endswith(".tmp"):
                with suppress(OSError):
                    os.unlink(self.file(name))

    def log(self, text: str) -> None:
        """Append a line with the time to `run.log`.

        Args:
            text: the line, without secrets and without terminal control characters.

        Raises:
            StaleWorker: another process has taken the folder.
            SpecguardError: the log cannot be written.
        """
        self.check_holder()
        file = self.file(LOG)
        with reporting_errors(file), open(file, "ab", buffering=0, opener=not_following) as stream:
            stream.write(f"{now_text()} {text}\n".encode("utf-8", "backslashreplace"))

    def files(self) -> list[str]:
        """List the files of the run relative to its folder, without the manifest and `control/`."""
        return [name for name in self._names() if name != MANIFEST and not name.startswith("control/")]

    def _names(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.path):
            folders.sort()
            inside = os.path.relpath(folder, self.path)
            yield from (os.path.normpath(os.path.join(inside, name)) for name in sorted(names))

    def digest(self, name: str) -> str | None:
        """Return the sha256 of a file; None if the file is missing."""
        with suppress(OSError), open(self.file(name), "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        return None


META: Final = "meta.json"
"""The name of the file in a run's folder."""


def meta_text(manifest: Manifest) -> str:
    """Render the `meta.json` of a run: its status, times and task, and the paths of its other files.

    Args:
        manifest: the run's manifest.
    """
    data = {
        **manifest.model_dump(include={"run_id", "reason", "pid", "started_at", "ended_at"}),
        "task_id": manifest.item.id,
        "kind": manifest.item.kind,
        "status": manifest.state,
        "command": list(manifest.agent.command) if manifest.agent else [],
        "log": LOG,
        "logs": [command.log for command in manifest.commands],
        "heartbeat": HEARTBEAT,
    }
    return json.dumps(data, indent=2) + "\n"
