"""The manifest of a run, `specguard.run/1`, the schemas of what a run leaves, and its folder.

The manifest is written whole after every step and every command, and so are the heartbeat, logs and evidence
beside it. Fields are only ever added. Times are UTC, as `YYYY-MM-DDTHH:MM:SSZ`; durations are seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from inspect import cleandoc
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from specguard.errors import SpecguardError
from specguard.runs.files import about_run
from specguard.runs.files import recording as recording

SCHEMA = "specguard.run/1"

State = Literal[
    "pending", "running", "succeeded", "failed", "stopped", "timed-out", "budget-spent", "remote-moved",
    "killed",
]  # fmt: skip
StepState = Literal["pending", "running", "done", "failed", "skipped"]
Grade = Literal["claimed", "observed", "re-run", "ci"]
"""How much a result proves, from least: an agent says so, a hook saw it, specguard ran it, CI did."""

Kind = Literal["agent", "format", "gate", "teardown", "hook", "tool"]
Source = Literal["policy", "document", "plan", "flag", "run"]

Time = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
Oid = Annotated[str, Field(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    """The base of all parts: no unknown field, and a check of values that are set later."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Item(_Model):
    """The work item of a run.

    Attributes:
        kind: the kind's name; `gates` for a run of gates alone, `research` and `review` for documents.
        id: its id as text.
        slug: its slug, where it has one.
        document: the path of its document in the base, where it has one.
        plan: the plan's file, for a task.
    """

    kind: str
    id: str
    slug: str | None = None
    document: str | None = None
    plan: str | None = None

    @property
    def label(self) -> str:
        """Its name in messages: `phase 12`, `task_001`."""
        return self.id if self.id.casefold().startswith(self.kind.casefold()) else f"{self.kind} {self.id}"


class Repository(_Model):
    """The repository and commit that the run started from.

    Attributes:
        remote: the canonical repository's address, without what is secret in it.
        remote_name: what the user's repository calls it; empty if it has no remote, and is it itself.
        base: the short name of the branch.
        base_oid: the commit that it was at.
        below: the branch that the run's own is stacked on, which the base does not have; None: the base.
        below_oid: the commit that it was at.
        tip: the commit of the run's own branch that it goes on from, where that branch holds several items;
            None: it starts from the base.
        branch_oid: where the run's branch was when it began, where it may be there already: it goes on from
            there (`tip`), or was merged, and is moved on.
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
        """The commit that the run's place is checked out at, and that its own commit follows."""
        return self.tip or self.below_oid or self.base_oid

    @property
    def into(self) -> str:
        """The short name of the branch that the run's own is to be merged into."""
        return self.below or self.base


class PolicyMade(_Model):
    """The policy that judged.

    Attributes:
        policy_id: of the compiled policy.
        ref: the commit that it was read from.
        documents: the object id of each document by its path.
    """

    policy_id: Digest
    ref: Oid | None
    documents: dict[str, Oid]


class Agent(_Model):
    """The agent's command.

    Attributes:
        name: as the policy calls it; None for one that was given as a command.
        command: its words, with secrets taken out.
        version: what `--version` said, where the policy asks for one.
        approval_policy: what `--approval-policy` said.
    """

    name: str | None = None
    command: list[str]
    version: str | None = None
    approval_policy: str | None = None


class Step(_Model):
    """One step: recorded before it starts and after it ends.

    Attributes:
        name: one of the steps in their order.
        attempt: which time it is, from 1.
        state: what became of it.
        started_at: when it began.
        ended_at: when it ended.
        detail: what it came to, in one sentence.
    """

    name: str
    attempt: int = 1
    state: StepState = "pending"
    started_at: Time | None = None
    ended_at: Time | None = None
    detail: str = ""


class Command(_Model):
    """One command that the run ran: the agent, a gate, a formatter, a hook.

    Attributes:
        number: from 1, in the order of starting.
        name: what reports call it.
        kind: `agent`, `format`, `gate`, `teardown`, `hook` or `tool`.
        source: what asked for it: `policy`, `document`, `plan`, `flag` or `run`.
        command: as it was run, with secrets taken out.
        attempt: of which round.
        started_at: when it began.
        ended_at: when it ended.
        duration: in seconds.
        exit_code: None while it runs; negative for a signal.
        timed_out: whether its time limit ended it.
        problem: why it failed whatever its exit code says, in one sentence; else empty.
        leftovers: the processes that it left behind, which were ended, each in a few words.
        log: its output, from the run's folder.
        response: the file with its result and the tail of its output, from the run's folder.
        log_digest: the sha256 of that log.
        tree: the tree of the working files that it ran on.
        grade: how much its result proves.
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
        """True if it ended by itself, and well."""
        return self.exit_code == 0 and not self.problem


class Response(Command):
    """The file beside a command's log, `specguard.command/1`: its result as in the manifest, and more.

    Attributes:
        output_bytes: how much the command printed, kept or not.
        cut: whether it printed more than the log keeps.
        tail: the end of the log.
    """

    schema_: Literal["specguard.command/1"] = Field(default="specguard.command/1", alias="schema")
    output_bytes: int = 0
    cut: bool = False
    tail: str = ""


class Judgement(_Model):
    """One verdict of the guard over the tree as it will be committed.

    Attributes:
        attempt: of which round.
        tree: the judged tree.
        verdict: in one word.
        exit_code: of the check.
        findings: the fingerprints of those that were open errors.
        report: the JSON report, from the run's folder.
        policy_id: of what judged.
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
        url: its address, where it was opened or updated.
        number: its number there.
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
        item: what it works on.
        state: how it stands.
        reason: why it is not succeeded, in one sentence.
        pid: the process that runs it.
        token: what only the process that works on it now knows the sha256 of; a resumed run has a new one.
        repository: where it started from.
        policy: what judges.
        agent: who works; None for a run of gates.
        branch: the branch that is pushed.
        place: the folder of the run's own repository.
        kept: its folder from the repository's root, where the policy has runs committed; else None.
        attempts: how many rounds there were.
        max_attempts: how many there may be.
        started_at: when it began.
        ended_at: when it ended.
        timeout: how many seconds it may take.
        steps: each, in its order; a round that begins again adds them again.
        commands: each, in the order of starting.
        judgements: each verdict.
        tree: the tree that was judged last and is committed.
        content: the sha256 of what `tree` holds but for papers (contracts, indexes, plans, runs), of a run of
            gates: nobody else may have that tree.
        worked: the tree that the gates ran on, where the plan was marked in it since; None if it was not,
            and they ran on `tree`.
        commit: the commit.
        pushed: the commit that the remote has.
        pull_request: the pull request.
        approvals: the ids of approvals that lifted something.
        highlights: what it shows, for a reviewer: the subjects of the commits, and what is not committed.
        notes: what a reader should know, such as that the base has moved on meanwhile.
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


RESULTS_SCHEMA = "specguard.results/1"


class Ran(BaseModel):
    """A command that the agent says it has run.

    Attributes:
        command: the command.
        exit_code: what it ended with.
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    command: str
    exit_code: int


class Results(BaseModel):
    """The results of a task, as an agent reports them.

    Attributes:
        task: the task's id.
        status: `done`; or `blocked` where somebody has to decide something first.
        summary: what was done, or what is in the way, in a few sentences.
        files: the paths that were changed, from the repository's root.
        commands: what was run to see that it works.
        notes: what whoever goes on should know.
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    schema_: Literal["specguard.results/1"] = Field(default="specguard.results/1", alias="schema")
    task: str
    status: Literal["done", "blocked"]
    summary: Annotated[str, Field(pattern=r"\S", max_length=10_000)]
    files: list[str] = []
    commands: list[Ran] = []
    notes: list[str] = []


_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class RunError(BaseModel):
    """`error.json`, `specguard.run-error/1`.

    Attributes:
        run_id: of which run.
        step: the step that it ended in.
        state: how the run stands then.
        error: the name of the kind of error, which `specguard error` explains; empty in older files.
        reason: why, in one sentence.
        exit_code: that of specguard.
        command: the number of the command that failed; None without one.
        tail: the end of that command's output; empty without one.
        suggestion: the command or step that mends it; empty if there is none.
    """

    model_config = ConfigDict(extra="forbid")

    schema_: str = Field(alias="schema", pattern="^specguard\\.run-error/1$")
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
        step: the step that it is in.
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
    """The schema of each file, by its name: that of `run.schema.json` is `run`."""
    return {name: _schema(model, title) for name, (model, title) in _MODELS.items()}


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    made = _readable(model.model_json_schema(by_alias=True, mode="serialization"))
    for base in model.__mro__[1:]:
        _describe(made, cleandoc(base.__doc__ or ""))
    if "schema" in made["properties"] and "schema" not in made["required"]:
        made["required"] = ["schema", *made["required"]]
    return {"$schema": _DIALECT, "title": title, **made}


def _readable(schema: Any) -> Any:
    """The same for readers of any language: what Python's documentation says stands with each property.

    Fields are only ever added, so further ones are not refused.
    """
    if isinstance(schema, list):
        return [_readable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _readable(value) for key, value in schema.items()}
    for key in ("title", "additionalProperties"):
        # A property may have that name.
        if isinstance(made.get(key), (str, bool)):
            del made[key]
    text = made.get("description")
    if isinstance(text, str):
        made["description"] = text.partition("\n\nAttributes:\n")[0]
        _describe(made, text)
    return made


def _describe(schema: dict[str, Any], text: str) -> None:
    """Add to the properties of a schema what the documentation of a class says of them."""
    rest = text.partition("\n\nAttributes:\n")[2]
    for name, told in _ATTRIBUTE.findall(f"{rest}\n"):
        if name in schema.get("properties", {}):
            schema["properties"][name].setdefault("description", " ".join(told.split()).rstrip("."))


MANIFEST: Final = "manifest.json"
HEARTBEAT: Final = "control/heartbeat.json"
LOG: Final = "run.log"
COMMANDS: Final = "commands"
HOLDER: Final = "control/holder"
"""The file that says, by its sha256, which process may write to the folder."""
SEAL: Final = "control/sealed"
"""The sha256 of the manifest as this machine has left it; it is never committed."""


class StaleWorker(SpecguardError):
    """A process that has lost its run to another one: nothing more is written for it."""

    code = "run-lost"


def now_text() -> str:
    """The time as manifests have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run_id() -> str:
    """A run's id: the time to the second, and four digits that two runs of it do not share."""
    return f"{datetime.now(UTC).strftime('%Y-%m-%dT%H-%M-%SZ')}-{os.urandom(2).hex()}"


class RunFolder:
    """The folder of one run.

    Args:
        path: its absolute path.
        root: the folder of all runs, where commands have to name it (`--run-root`); empty: the policy's.

    Attributes:
        held_by: the sha256 of the token of the process that writes; empty for one that has taken no run.
    """

    def __init__(self, path: str, root: str = "") -> None:
        self.path = path
        self.root = root
        self.held_by = ""
        self._left: str | None = None

    @property
    def run_id(self) -> str:
        """The run's id, which is the folder's name."""
        return os.path.basename(self.path)

    def command(self, verb: str, *words: str) -> str:
        """The command that does something with the run, for a shell: `resume`, `report` and so on."""
        return shlex.join([*about_run(verb, self.run_id, self.root), *words])

    def file(self, name: str) -> str:
        """The absolute path of a file, from the run's folder."""
        return os.path.join(self.path, name)

    def take(self, token: str) -> None:
        """Make whoever has a token the only one that writes to the folder from now on.

        Args:
            token: something that nobody else can know.
        """
        held_by = hashlib.sha256(token.encode()).hexdigest()
        self.held_by = ""
        self.write(HOLDER, f"{held_by}\n")
        self.held_by = held_by

    def hold(self) -> None:
        """See that nobody else has taken the folder meanwhile.

        Raises:
            StaleWorker: somebody has.
        """
        if not self.held_by:
            return
        try:
            with open(self.file(HOLDER), encoding="ascii") as file:
                found = file.read().strip()
        except FileNotFoundError:
            raise StaleWorker(f"the folder of {self.run_id} is gone, and nothing more is done") from None
        except (OSError, ValueError):
            found = ""
        if found != self.held_by:
            raise StaleWorker(f"another process works on {self.run_id}; this one is stale, and ends")

    def write_manifest(self, manifest: Manifest, *, seal: bool = False) -> bool:
        """Write the manifest.

        Args:
            manifest: it.
            seal: whether it is the one that a run ends with: it is remembered as left here, not brought by
                a change.

        Returns:
            Whether it was still as it was left here before; somebody else had altered it otherwise.

        Raises:
            StaleWorker: somebody else has taken the folder.
            SpecguardError: it cannot be written.
        """
        own = self._left is None or self.digest(MANIFEST) == self._left
        data = (manifest.model_dump_json(by_alias=True, indent=2) + "\n").encode("utf-8", "backslashreplace")
        left = hashlib.sha256(data).hexdigest()
        if seal:
            # First, since nothing is written any more once the manifest says that the run has ended.
            self.write(SEAL, f"{left}\n")
        self.write(MANIFEST, data)
        self._left = left
        return own

    @property
    def sealed(self) -> bool:
        """True if the manifest is the one that was left here."""
        with suppress(OSError, ValueError), open(self.file(SEAL), encoding="ascii") as file:
            return file.read().strip() == self.digest(MANIFEST)
        return False

    def read_manifest(self) -> Manifest:
        """The manifest.

        Raises:
            SpecguardError: there is none, or it does not fit its schema.
        """
        file = self.file(MANIFEST)
        try:
            with open(file, "rb") as stream:
                return Manifest.model_validate_json(stream.read())
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
            raise SpecguardError(
                f"the manifest of the run cannot be read: {said}",
                path=file,
                help="`specguard run doctor` tells what is left of the run",
                code="run-record",
            ) from error

    def beat(self, step: str, **more: Any) -> None:
        """Say that the run is alive.

        Args:
            step: the step that it is in.
            more: what else a reader may want, such as the pid of what it waits for.
        """
        said = {"time": now_text(), "pid": os.getpid(), "step": step, **more}
        self.write(HEARTBEAT, json.dumps(said, indent=2) + "\n")

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file of the run: readers see the old one or the new one, also after a crash.

        Raises:
            StaleWorker: somebody else has taken the folder.
            SpecguardError: it cannot be written.
        """
        self.hold()
        target = self.file(name)
        temporary = f"{target}.{os.getpid()}.tmp"
        data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
        with recording(target):
            os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)

    def data(self, name: str) -> dict[str, Any]:
        """The data in a JSON file of the run.

        Raises:
            OSError, ValueError: it cannot be read, or holds no object.
        """
        with open(self.file(name), "rb") as stream:
            found = json.load(stream)
        if not isinstance(found, dict):
            raise ValueError(f"{name} holds no object")  # noqa: TRY004 - as broken JSON is told
        return found

    def known(self, name: str) -> dict[str, Any]:
        """The same; empty if it cannot be read."""
        try:
            return self.data(name)
        except (OSError, ValueError):
            return {}

    def remove(self, name: str) -> None:
        """Remove a file of the run, if it is there.

        Raises:
            StaleWorker: somebody else has taken the folder.
            SpecguardError: it cannot be removed.
        """
        self.hold()
        with recording(self.file(name)), suppress(FileNotFoundError):
            os.unlink(self.file(name))

    def clear(self) -> None:
        """Remove what a process that died while it wrote has left behind."""
        for folder, _, names in os.walk(self.path):
            for name in names:
                if name.endswith(".tmp"):
                    with suppress(OSError):
                        os.unlink(os.path.join(folder, name))

    def log(self, text: str) -> None:
        """Add a line to `run.log`: what the run does, with the time.

        Args:
            text: the line, without secrets and without what a terminal would obey.

        Raises:
            StaleWorker: somebody else has taken the folder.
            SpecguardError: it cannot be written.
        """
        self.hold()
        with recording(self.file(LOG)):
            os.makedirs(self.path, mode=0o755, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            with os.fdopen(os.open(self.file(LOG), flags, 0o644), "ab", buffering=0) as stream:
                stream.write(f"{now_text()} {text}\n".encode("utf-8", "backslashreplace"))

    def files(self) -> list[str]:
        """The files of the run, from its folder, without the manifest and what changes while it runs."""
        found = []
        for folder, folders, names in os.walk(self.path):
            folders.sort()
            inside = os.path.relpath(folder, self.path)
            found += [os.path.normpath(os.path.join(inside, name)) for name in sorted(names)]
        return [name for name in found if name != MANIFEST and not name.startswith("control/")]

    def digest(self, name: str) -> str | None:
        """The sha256 of a file; None if it is not there."""
        try:
            with open(self.file(name), "rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return None


META: Final = "meta.json"
"""The file, in a run's folder."""

LAYOUT: Final = "meta"
"""What `[runs] layouts` calls it."""


def meta_text(manifest: Manifest) -> str:
    """The `meta.json` of a run: its status, times and task, and where the rest is.

    Args:
        manifest: its record.
    """
    last = manifest.commands[-1] if manifest.commands else None
    data = {
        "run_id": manifest.run_id,
        "task_id": manifest.item.id,
        "kind": manifest.item.kind,
        "plan": manifest.item.plan,
        "status": manifest.state,
        "reason": manifest.reason,
        "pid": manifest.pid,
        "started_at": manifest.started_at,
        "ended_at": manifest.ended_at,
        "branch": manifest.branch,
        "commit": manifest.commit,
        "command": list(manifest.agent.command) if manifest.agent else [],
        "exit_code": last.exit_code if last else None,
        "log": LOG,
        "logs": [command.log for command in manifest.commands],
        "heartbeat": HEARTBEAT,
        "manifest": MANIFEST,
    }
    return json.dumps(data, indent=2) + "\n"
