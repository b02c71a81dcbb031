"""The names for authors of rules; with `specguard.testing` this is specguard's whole public interface.

A rule's module imports `Finding` and `Rule` from here at run time. The types of its settings and facts are
imported for the type checker only, with `TYPE_CHECKING = False` in the rule's module. Thus a hook imports
neither `typing` nor pydantic. `docs/plugins.md` has a complete rule.
"""

from __future__ import annotations

from specguard.declaration.patterns import Covering, Guarding, Selecting
from specguard.declaration.rule import Declaration, Rule, Settings, load, required, setting
from specguard.errors import MissingFact, NotApplicable, judge_each
from specguard.model import TYPE_CHECKING, Finding, Origin, Record, path_text, plain_path, shortened

if TYPE_CHECKING:
    from typing import Any, Final

    from specguard.approvals.approvals import Approvals
    from specguard.approvals.people import ApprovalSettings
    from specguard.artifacts.artifacts import Artifacts
    from specguard.artifacts.contracts import Contract, WaveSettings
    from specguard.authority.policy import Guards, Policy, PolicyChange
    from specguard.change.base import Base
    from specguard.change.change import Bookkeeping
    from specguard.change.entries import Commit, Entry, Message
    from specguard.change.git import History
    from specguard.change.lines import Lines
    from specguard.change.object_store import Objects
    from specguard.change.ranges import Merges
    from specguard.change.repository import Branch, PullRequest, Push, Ref, Remote
    from specguard.change.tree import Documents, Tree
    from specguard.change.worktree import Worktree
    from specguard.declaration import look_alikes
    from specguard.declaration.registry import Registry
    from specguard.declaration.regular_expressions import Expression
    from specguard.declaration.rule import Commits, EditFile, Fix, RenameBranch, RewordMessage
    from specguard.engine.done_claims import Claims
    from specguard.model import Severity, Stage
    from specguard.plans.plans import Plans
    from specguard.runs import command_inspection as model_words
    from specguard.runs.proof import RunProof
    from specguard.runs.record import RunRecords
    from specguard.runs.settings import AgentSettings, Models, RunSettings
    from specguard.specs.settings import SpecSettings
    from specguard.specs.specs import Specs
    from specguard.waves.breakdowns import Breakdowns
    from specguard.waves.waves import Waves
    from specguard.work.item import WorkItem
    from specguard.work.item_lists import Sources
    from specguard.work.kinds import PlanKind, WorkKind
    from specguard.work.named_items import Work

API_VERSION = 2
"""The number that a plugin states as `specguard_api`."""

__all__ = [
    "API_VERSION",
    "AgentSettings",
    "ApprovalSettings",
    "Approvals",
    "Artifacts",
    "Base",
    "Bookkeeping",
    "Branch",
    "Breakdowns",
    "Claims",
    "Commit",
    "Commits",
    "Contract",
    "Covering",
    "Declaration",
    "Documents",
    "EditFile",
    "Entry",
    "Expression",
    "Finding",
    "Fix",
    "Guarding",
    "Guards",
    "History",
    "Lines",
    "Merges",
    "Message",
    "MissingFact",
    "Models",
    "NotApplicable",
    "Objects",
    "Origin",
    "PlanKind",
    "Plans",
    "Policy",
    "PolicyChange",
    "PullRequest",
    "Push",
    "Record",
    "Ref",
    "Registry",
    "Remote",
    "RenameBranch",
    "RewordMessage",
    "Rule",
    "RunProof",
    "RunRecords",
    "RunSettings",
    "Selecting",
    "Settings",
    "Severity",
    "Sources",
    "SpecSettings",
    "Specs",
    "Stage",
    "Tree",
    "WaveSettings",
    "Waves",
    "Work",
    "WorkItem",
    "WorkKind",
    "Worktree",
    "judge_each",
    "look_alikes",
    "model_words",
    "path_text",
    "plain_path",
    "required",
    "setting",
    "shortened",
]


_LATE = {
    "Commits": "specguard.declaration.rule:Commits",
    "EditFile": "specguard.declaration.rule:EditFile",
    "Expression": "specguard.declaration.regular_expressions:Expression",
    "RenameBranch": "specguard.declaration.rule:RenameBranch",
    "RewordMessage": "specguard.declaration.rule:RewordMessage",
    "look_alikes": "specguard.declaration.look_alikes",
    "model_words": "specguard.runs.command_inspection",
}
"""The locations of names that only some rules import at run time, and few hooks."""

_TYPES_ONLY: Final = """
    AddedLine Artifact BaselineChange Citation Claim Data Decision Document Hidden Hunk Index IndexEntry
    Listed Naming PastCommit Plan PlannedGate RanCommand Redone Refusal Review Row RunRecord Said Source
    Spec Stamp Statement Task Ticked Times Totals Unit Unread
"""
"""Types of fact values, public until version 2; the type checker imports them from their own modules."""

_SUCCESSORS: Final = {
    "CredentialFinder": "Documents.credentials",
    "Targets": "Artifacts.cited",
    "Unresolved": "'resolved' of the item",
    "citations": "Artifacts.cited",
    "data_kind": "Documents.data",
    "find_fields": "Document.fields",
    "find_sections": "Document.entitled",
    "gate_selection": "Work.gates_of",
    "gates": "Work.gates_of",
    "high_trust": "RunRecord.high_trust",
    "is_content": "Row.says",
    "is_filed": "Policy.is_filed",
    "is_markdown": "Documents.read",
    "is_record": "Policy.is_record",
    "item_folder": "RunRecord.item_folder",
    "normal_name": "Document.fields",
    "reaches": "RunRecord",
    "read_fields": "Document.fields",
    "read_times": "Document.stamps",
    "rows": "Document.rows",
    "same_address": "Remote.leads_to",
    "shown_address": "Remote.shown",
}
"""Names that were public until version 2, with their replacements."""


def _find_late(name: str) -> Any:
    if name in _SUCCESSORS:
        raise ImportError(f"specguard.rules has no {name} since specguard_api 2: use {_SUCCESSORS[name]}")
    if name in _TYPES_ONLY.split():
        message = f"specguard.rules has no {name} since specguard_api 2: annotate with its own module's"
        raise ImportError(message)
    if name in __all__ and name not in _LATE:
        raise ImportError(f"specguard.rules has {name} for the type checker: import it below TYPE_CHECKING")
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load(_LATE[name])


if not TYPE_CHECKING:
    # With it, a type checker would take every name for a public one.
    __getattr__ = _find_late
