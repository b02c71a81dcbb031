"""What each tool may be asked, as types: nothing here loosens a verdict or names another authority."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from specguard.change.request import Request
from specguard.declaration.rule import Record
from specguard.engine.check import check
from specguard.engine.plugins import find_rule, known_rules
from specguard.engine.policies import open_policy
from specguard.engine.status import standing
from specguard.engine.why import what_governs
from specguard.errors import SpecguardError
from specguard.executor.brief import brief_of
from specguard.executor.run import RunOptions, open_store
from specguard.reporters import manual
from specguard.reporters.json import report
from specguard.reporters.policy import as_data as policy_data
from specguard.reporters.status import as_data as runs_data

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    _Answer = Callable[[Any, str], Mapping[str, Any]]

_LONGEST_NAME = 1_000
_LONGEST_PATH = 4_096
_LONGEST_TEXT = 200_000
_MOST_NAMES = 200


def _readable(text: str) -> str:
    """A text that can be a name or a message."""
    if "\0" in text:
        raise ValueError("it has a NUL, which no name and no message may have")
    return text


Name = Annotated[str, Field(max_length=_LONGEST_NAME), AfterValidator(_readable)]
Path = Annotated[str, Field(max_length=_LONGEST_PATH), AfterValidator(_readable)]
Text = Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(_readable)]
Names = Annotated[list[Name], Field(max_length=_MOST_NAMES)]


class Arguments(BaseModel):
    """The arguments of a tool; what is not named here is refused, and not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(Arguments):
    """The arguments of `check`."""

    what: Literal["worktree", "staged", "branch"] = Field(
        "worktree",
        description="worktree: all that is not committed. staged: the next commit. branch: since the base.",
    )
    head: Name = Field("", description="With branch: judge this one, not HEAD.")
    commit_message: Text | None = Field(None, description="Judge this commit message, and nothing else.")
    title: Text | None = Field(None, description="With branch: the pull request's title.")
    body: Text | None = Field(None, description="With branch: its text.")
    whole_tree: bool = Field(False, description="Judge the whole tree where a rule can.")
    strict: bool = Field(False, description="Count warnings as errors.")
    select: Names = Field([], description="Only these rules: codes, families or names.")


class Why(Arguments):
    """The arguments of `why`."""

    path: Path = Field(description="From the root: docs/api/x.yaml.")


class PolicyArguments(Arguments):
    """The arguments of `policy`: none."""


class Brief(Arguments):
    """The arguments of `brief`."""

    kind: Name = Field("", description="The kind of item, where there are several.")
    item: Name = Field("", description="Its id; else the current one.")
    plan: Path = Field("", description="The plan that it is in.")


class Status(Arguments):
    """The arguments of `status`."""

    worktree: bool = Field(False, description="Look at the working tree, not HEAD.")
    waves: Names = Field([], description="Only these waves.")


class RuleArguments(Arguments):
    """The arguments of `rule`."""

    rule: Name = Field("", description="Its code or name.")


class RunStatus(Arguments):
    """The arguments of `run_status`."""

    run: Name = Field(
        "",
        description="Its id, or how that begins; else those under way, or the last.",
    )


_QUIET: Final = frozenset({"passed", "not-applicable", "off"})
"""The states of rules that an answer leaves out; the command's report has all."""


class Tool(Record):
    """A tool as agents are told of it.

    Attributes:
        name: what it is called by.
        description: what it answers, and when to ask; every agent's context has it all the time.
        arguments: the type of what it may be asked.
        answer: gives the answer, from the arguments and the folder to look for the repository in.
        page: the key of the answer that is the whole of it as text; empty: the answer is told as JSON.
    """

    name: str
    description: str
    arguments: type[Arguments]
    answer: Callable[[Any, str], Mapping[str, Any]]
    page: str = ""


TOOLS: Final[dict[str, Tool]] = {}
"""All tools by name, in the order in which they are listed."""


def _tool(arguments: type[Arguments], page: str = "") -> Callable[[_Answer], _Answer]:
    """Register a function as the tool of its name, with its docstring as the description."""

    def register(answer: _Answer) -> _Answer:
        name = answer.__name__.removeprefix("_")
        description = " ".join((answer.__doc__ or "").split())
        TOOLS[name] = Tool(name, description, arguments, answer, page)
        return answer

    return register


def _request(directory: str, **values: Any) -> Request:
    return Request(environment=os.environ, directory=directory, **values)


@_tool(Check)
def _check(asked: Check, directory: str) -> Mapping[str, Any]:
    """Judges what was changed: each finding has its place, the line of the authority that decides, and the
    next step. Ask before a commit and when work is done.
    """  # noqa: D205 - an agent is told it as it stands
    of_branch = {
        name: value for name in ("head", "title", "body") if (value := getattr(asked, name)) not in ("", None)
    }
    if of_branch and (asked.what != "branch" or asked.commit_message is not None):
        raise SpecguardError(
            f"{next(iter(of_branch))!r} is about a branch's commits",
            help='ask with "what": "branch"',
            code="unknown-name",
        )
    with ExitStack() as files:
        verdicts = check(
            _request(
                directory,
                worktree=asked.what == "worktree" and asked.commit_message is None,
                staged=asked.what == "staged" and asked.commit_message is None,
                message_file=_file(files, asked.commit_message),
                head=asked.head,
                title=asked.title,
                body_file=_file(files, asked.body),
                all=asked.whole_tree,
                strict=asked.strict,
                select=asked.select,
            )
        )
    if not verdicts:
        raise SpecguardError(
            "there is nothing to judge", help="name a branch with `head`", code="no-repository"
        )
    data = report(verdicts[0])
    data["rules"] = [rule for rule in data["rules"] if rule["state"] not in _QUIET]
    return data


def _file(files: ExitStack, text: str | None) -> str:
    """The name of a file with this text, which nobody else can name and which is gone with the process."""
    if text is None:
        return ""
    file = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the others
    file.write(text.encode("utf-8", "surrogateescape"))
    file.flush()
    file.seek(0)
    return f"/dev/fd/{file.fileno()}"


@_tool(Why)
def _why(asked: Why, directory: str) -> Mapping[str, Any]:
    """Which rules have a say about a path. Ask before you change a file."""
    # What is absolute is a path of the file system, and none of the repository.
    if asked.path.startswith("/"):
        raise _outside(asked.path)
    found = what_governs(_request(directory), asked.path)
    return {"path": asked.path, "governing": [one.data for one in found]}


@_tool(PolicyArguments)
def _policy(_: PolicyArguments, directory: str) -> Mapping[str, Any]:
    """What was understood of the authority: settings with their lines, rules."""
    data = policy_data(open_policy(_request(directory)))
    return {**data, "rules": [rule for rule in data["rules"] if rule["active"]]}


@_tool(Brief, page="page")
def _brief(asked: Brief, directory: str) -> Mapping[str, Any]:
    """What a work item asks for: what may change, names, gates."""
    _stay_inside(asked.plan)
    options = RunOptions(
        environment=dict(os.environ), directory=directory, kind=asked.kind, item=asked.item, plan=asked.plan
    )
    return {"page": brief_of(options)}


@_tool(Status)
def _status(asked: Status, directory: str) -> Mapping[str, Any]:
    """Which item is current, what is missing, what comes next."""
    return standing(_request(directory, worktree=asked.worktree, all=True), waves=asked.waves)


@_tool(RuleArguments, page="page")
def _rule(asked: RuleArguments, directory: str) -> Mapping[str, Any]:
    """A rule's page: what it flags, why, how to fix it. Without a name: all rules."""
    registry = known_rules(directory)
    if not asked.rule:
        entries = sorted(registry.rules.values(), key=lambda one: one.rule.code)
        return {"rules": [manual.data(entry) for entry in entries]}
    from specguard.authority.schema import rule_options

    entry = find_rule(registry, asked.rule)
    return {"rules": [manual.data(entry)], "page": manual.page(entry, rule_options(entry.rule))}


@_tool(RunStatus)
def _run_status(asked: RunStatus, directory: str) -> Mapping[str, Any]:
    """How a run stands, what ended it, how to go on."""
    _stay_inside(asked.run)
    # Logs stay out: a record may name any file as its log.
    return runs_data(open_store(directory, os.environ).asked(asked.run))


def _stay_inside(path: str) -> None:
    """Refuse a path that leads out of the folder that it is looked up in."""
    if path.startswith("/") or ".." in path.split("/"):
        raise _outside(path)


def _outside(path: str) -> SpecguardError:
    return SpecguardError(
        f"{path!r} leads out of the repository, and nothing there is looked at",
        help="give the path from the repository's root: docs/api/x.yaml",
        code="outside-repository",
    )
