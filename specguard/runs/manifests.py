"""The manifest of a run, `specguard.run/1`, and the schemas of all that a run and its agent leave.

It is written whole after every step and every command. Fields are only ever added. Times are UTC, as
`YYYY-MM-DDTHH:MM:SSZ`; durations are seconds.
"""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping


SCHEMA = "specguard.run/1"

State = Literal[
    "pending", "running", "succeeded", "failed", "stopped", "timed-out", "budget-spent", "remote-moved",
    "killed",
]  # fmt: skip
StepState = Literal["pending", "running", "done", "failed", "skipped"]
Grade = Literal["claimed", "observed", "re-run", "ci"]
"""How much a result proves, from least: an agent says so, a hook saw it, specguard ran it, CI did."""

Time = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
Oid = Annotated[str, Field(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    """What all parts have: no unknown field, and a check of what is set later."""

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
        """What messages call it: `phase 12`, `task_001`."""
        return self.id if self.id.casefold().startswith(self.kind.casefold()) else f"{self.kind} {self.id}"


class Repository(_Model):
    """Where the run started from.

    Attributes:
        remote: the canonical repository's address, without what is secret in it.
        remote_name: what the user's repository calls it; empty where it has no remote, and is it itself.
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
    """What judged.

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
    kind: Literal["agent", "format", "gate", "teardown", "hook", "tool"]
    source: Literal["policy", "document", "plan", "flag", "run"] = "policy"
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
        """Whether it ended by itself, and well."""
        return self.exit_code == 0 and not self.problem


class Response(Command):
    """What stands beside a command's log, `specguard.command/1`: its result as in the manifest, and more.

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
        worked: the tree that the gates ran on, where the plan was marked in it since; None where it was not,
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
    """What an agent says of a task.

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
        suggestion: the command or step that mends it; empty where there is none.
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
