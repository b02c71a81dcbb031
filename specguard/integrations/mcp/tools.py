"""The tools: each asks the function that its command asks, and gives the same JSON."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from specguard.change.request import Request
from specguard.declaration.record import Record
from specguard.engine.check import check
from specguard.engine.govern import what_governs
from specguard.engine.plugins import find_rule
from specguard.engine.policies import open_policy
from specguard.engine.status.standing import SCHEMA as STATUS_SCHEMA
from specguard.engine.status.standing import standing
from specguard.errors import SpecguardError
from specguard.executor.briefing import brief_of
from specguard.executor.options import RunOptions
from specguard.executor.stores import open_store
from specguard.integrations.known_rules import known_rules
from specguard.integrations.mcp import arguments
from specguard.model import REPORT_SCHEMA
from specguard.reporters import manual
from specguard.reporters.json import report
from specguard.reporters.policy import as_data as policy_data
from specguard.reporters.runs import SCHEMA as RUNS_SCHEMA
from specguard.reporters.runs import as_data as runs_data

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_QUIET: Final = frozenset({"passed", "not-applicable", "off"})
"""The states of rules that an answer leaves out, unless it is asked for them."""


class Tool(Record):
    """A tool as agents are told of it.

    Attributes:
        name: what it is called by.
        title: the same for people.
        description: what it answers, and when to ask.
        arguments: the type of what it may be asked.
        output: the JSON Schema of its answer.
        answer: gives the answer, from the arguments and the folder to look for the repository in.
        page: the key of the answer that is the whole of it as text; empty: the answer is told as JSON.
    """

    name: str
    title: str
    description: str
    arguments: type[arguments.Arguments]
    output: Mapping[str, Any]
    answer: Callable[[Any, str], Mapping[str, Any]]
    page: str = ""


def _request(directory: str, **values: Any) -> Request:
    return Request(environment=os.environ, directory=directory, **values)


def _check(asked: arguments.Check, directory: str) -> Mapping[str, Any]:
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
    if not asked.every_rule:
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


def _why(asked: arguments.Why, directory: str) -> Mapping[str, Any]:
    # What is absolute is a path of the file system, and none of the repository.
    if asked.path.startswith("/"):
        raise _outside(asked.path)
    found = what_governs(_request(directory), asked.path)
    return {"path": asked.path, "governing": [one.data for one in found]}


def _policy(_: arguments.Policy, directory: str) -> Mapping[str, Any]:
    return policy_data(open_policy(_request(directory)))


def _brief(asked: arguments.Brief, directory: str) -> Mapping[str, Any]:
    _stay_inside(asked.plan)
    options = RunOptions(
        environment=dict(os.environ), directory=directory, kind=asked.kind, item=asked.item, plan=asked.plan
    )
    return {"page": brief_of(options)}


def _status(asked: arguments.Status, directory: str) -> Mapping[str, Any]:
    return standing(_request(directory, worktree=asked.worktree, all=True), waves=asked.waves)


def _rule(asked: arguments.Rule, directory: str) -> Mapping[str, Any]:
    registry = known_rules(directory)
    if not asked.rule:
        entries = sorted(registry.rules.values(), key=lambda one: one.rule.code)
        return {"rules": [manual.data(entry) for entry in entries]}
    from specguard.authority.schema import rule_options

    entry = find_rule(registry, asked.rule)
    return {"rules": [manual.data(entry)], "page": manual.page(entry, rule_options(entry.rule))}


def _run_status(asked: arguments.RunStatus, directory: str) -> Mapping[str, Any]:
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


def _object(required: Sequence[str], **properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of an object with these keys at least."""
    return {"type": "object", "properties": properties, "required": list(required)}


_LIST: Final[Mapping[str, Any]] = {"type": "array", "items": {"type": "object"}}
_ANY: Final[Mapping[str, Any]] = {"type": "object"}
_TEXT: Final[Mapping[str, Any]] = {"type": "string"}

_ALL: Final = (
    Tool(
        name="check",
        title="Check a change",
        description="Judges what was changed here by the repository's authority, as the trusted base has it: "
        "each finding has its place, the line of the authority that decides, and the next step. Ask before a "
        "commit and before work is called done. `verdict` is passed, accepted, failed or indeterminate. "
        "Nothing can be approved or overridden here: a person does that.",
        arguments=arguments.Check,
        output=_object(
            ("schema", "verdict", "findings", "counts", "exit_code"),
            schema={"const": REPORT_SCHEMA},
            verdict={"enum": ["passed", "accepted", "failed", "indeterminate"]},
            change=_ANY,
            authority=_ANY,
            rules=_LIST,
            findings=_LIST,
            policy_change=_LIST,
            notes={"type": "array", "items": _TEXT},
            counts=_ANY,
            exit_code={"enum": [0, 1, 2]},
        ),
        answer=_check,
    ),
    Tool(
        name="why",
        title="What governs a path",
        description="Says which rules and which lines of the authority have a say about a path. Ask before "
        "you change a file that may be guarded.",
        arguments=arguments.Why,
        output=_object(("path", "governing"), path=_TEXT, governing=_LIST),
        answer=_why,
    ),
    Tool(
        name="policy",
        title="The policy",
        description="Gives what was understood of the authority: every setting with its line, the rules that "
        "are on, what was not understood, and which rule holds which sentence that commands.",
        arguments=arguments.Policy,
        output=_object(
            ("policy_id", "settings", "rules"),
            policy_id=_TEXT,
            documents=_LIST,
            settings=_LIST,
            rules=_LIST,
            unread=_LIST,
            statements=_LIST,
        ),
        answer=_policy,
    ),
    Tool(
        name="brief",
        title="The brief of a work item",
        description="Gives the page that an agent of `specguard run` would read about an item: what is "
        "asked, what may be changed, what is guarded, the names of branch and commit, and the gates.",
        arguments=arguments.Brief,
        output=_object(("page",), page=_TEXT),
        answer=_brief,
        page="page",
    ),
    Tool(
        name="status",
        title="Where the work stands",
        description="Says which item is current, how far the waves, plans and tasks have come, what is "
        "missing and what comes next.",
        arguments=arguments.Status,
        output=_object(
            ("schema", "complete", "missing", "next"),
            schema={"const": STATUS_SCHEMA},
            complete={"type": ["boolean", "null"]},
            missing={"type": "array"},
            next={"type": "array"},
        ),
        answer=_status,
    ),
    Tool(
        name="rule",
        title="A rule's manual page",
        description="Gives the manual page of a rule, by the code or name that a finding has: what it flags, "
        "why, how to put it right. Without one, lists all rules.",
        arguments=arguments.Rule,
        output=_object(("rules",), rules=_LIST, page=_TEXT),
        answer=_rule,
        page="page",
    ),
    Tool(
        name="run_status",
        title="How a run stands",
        description="Says how a run of `specguard run` stands: its state and step, whether it is alive, what "
        "ended it, and the words that go on with it.",
        arguments=arguments.RunStatus,
        output=_object(("schema", "runs"), schema={"const": RUNS_SCHEMA}, runs=_LIST),
        answer=_run_status,
    ),
)

TOOLS: Final[Mapping[str, Tool]] = {tool.name: tool for tool in _ALL}
"""All tools by name, in the order in which they are listed."""
