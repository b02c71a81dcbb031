"""What a rule author imports; with `specguard.testing` this is specguard's whole public interface.

A rule's module imports `Finding` and `Rule` from here when it runs, and the types of its settings and
facts for the type checker alone, with `TYPE_CHECKING = False` in its own module, so that a hook imports
neither `typing` nor pydantic. `docs/plugins.md` has a complete rule.
"""

from __future__ import annotations

import sys

from specguard.declaration.patterns import Covering, Guarding, Selecting
from specguard.declaration.rule import Declaration, Record, Rule, Settings, required, setting
from specguard.errors import MissingFact, NotApplicable, judge_each
from specguard.model import Finding, Origin, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from specguard.approvals.approvals import Approvals, Decision, Refusal
    from specguard.approvals.settings import ApprovalSettings
    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.artifacts.contracts import Contract
    from specguard.artifacts.evidence import Targets
    from specguard.authority.baseline import BaselineChange
    from specguard.authority.difference import PolicyChange
    from specguard.authority.policy import Guards, Policy, Statement, Unread
    from specguard.change.change import Bookkeeping
    from specguard.change.entries import Commit, Entry, Message, is_filed, is_record
    from specguard.change.git import History
    from specguard.change.lines import AddedLine, Hunk, Lines, Totals
    from specguard.change.ranges import Merges, Redone
    from specguard.change.remotes import same_address, shown_address
    from specguard.change.repository import Base, Branch, PastCommit, PullRequest, Push, Ref, Remote
    from specguard.change.store import Objects
    from specguard.change.tree import Documents, Tree
    from specguard.change.worktree import Worktree
    from specguard.declaration import look_alikes
    from specguard.declaration.expressions import Expression
    from specguard.declaration.registry import Registry
    from specguard.declaration.rule import Commits, EditFile, Fix, RenameBranch, RewordMessage
    from specguard.documents.blocks import Row, rows
    from specguard.documents.citations import Citation, citations, plain_path
    from specguard.documents.content import Ticked, is_content
    from specguard.documents.data import Data, data_kind, is_markdown
    from specguard.documents.dates import Stamp, Times, read_times
    from specguard.documents.document import Document, Hidden
    from specguard.documents.fields import find_fields, normal_name, read_fields
    from specguard.documents.secrets import CredentialFinder
    from specguard.documents.titles import find_sections
    from specguard.engine.claims import Claims
    from specguard.model import Severity, Stage
    from specguard.plans import settings as model_words
    from specguard.plans.difference import Unit
    from specguard.plans.plans import Plan, Plans
    from specguard.plans.settings import Models, PlanKind
    from specguard.plans.task import Task
    from specguard.runs.files import item_folder
    from specguard.runs.proof import Claim, RunProof, high_trust
    from specguard.runs.record import RanCommand, RunRecord, RunRecords, reaches
    from specguard.runs.settings import AgentSettings, RunSettings
    from specguard.specs.index import Index, IndexEntry
    from specguard.specs.settings import SpecSettings
    from specguard.specs.spec import Spec
    from specguard.specs.specs import Specs
    from specguard.specs.text import Review, Said
    from specguard.waves.breakdowns import Breakdowns
    from specguard.waves.settings import WaveSettings
    from specguard.waves.waves import Waves
    from specguard.work import gates
    from specguard.work import gates as gate_selection
    from specguard.work.gates import PlannedGate
    from specguard.work.item import Unresolved, WorkItem
    from specguard.work.items import Work
    from specguard.work.kinds import Naming, WorkKind
    from specguard.work.sources import Listed, Source, Sources

API_VERSION = 1
"""The number a plugin states as `specguard_api`."""

__all__ = [
    "API_VERSION",
    "AddedLine",
    "AgentSettings",
    "ApprovalSettings",
    "Approvals",
    "Artifact",
    "Artifacts",
    "Base",
    "BaselineChange",
    "Bookkeeping",
    "Branch",
    "Breakdowns",
    "Citation",
    "Claim",
    "Claims",
    "Commit",
    "Commits",
    "Contract",
    "Covering",
    "CredentialFinder",
    "Data",
    "Decision",
    "Declaration",
    "Document",
    "Documents",
    "EditFile",
    "Entry",
    "Expression",
    "Finding",
    "Fix",
    "Guarding",
    "Guards",
    "Hidden",
    "History",
    "Hunk",
    "Index",
    "IndexEntry",
    "Lines",
    "Listed",
    "Merges",
    "Message",
    "MissingFact",
    "Models",
    "Naming",
    "NotApplicable",
    "Objects",
    "Origin",
    "PastCommit",
    "Plan",
    "PlanKind",
    "PlannedGate",
    "Plans",
    "Policy",
    "PolicyChange",
    "PullRequest",
    "Push",
    "RanCommand",
    "Record",
    "Redone",
    "Ref",
    "Refusal",
    "Registry",
    "Remote",
    "RenameBranch",
    "Review",
    "RewordMessage",
    "Row",
    "Rule",
    "RunProof",
    "RunRecord",
    "RunRecords",
    "RunSettings",
    "Said",
    "Selecting",
    "Settings",
    "Severity",
    "Source",
    "Sources",
    "Spec",
    "SpecSettings",
    "Specs",
    "Stage",
    "Stamp",
    "Statement",
    "Targets",
    "Task",
    "Ticked",
    "Times",
    "Totals",
    "Tree",
    "Unit",
    "Unread",
    "Unresolved",
    "WaveSettings",
    "Waves",
    "Work",
    "WorkItem",
    "WorkKind",
    "Worktree",
    "citations",
    "data_kind",
    "find_fields",
    "find_sections",
    "gate_selection",
    "gates",
    "high_trust",
    "is_content",
    "is_filed",
    "is_markdown",
    "is_record",
    "item_folder",
    "judge_each",
    "look_alikes",
    "model_words",
    "normal_name",
    "path_text",
    "plain_path",
    "reaches",
    "read_fields",
    "read_times",
    "required",
    "rows",
    "same_address",
    "setting",
    "shortened",
    "shown_address",
]


_LATE = {
    "Claim": "specguard.runs.proof",
    "Commits": "specguard.declaration.rule",
    "CredentialFinder": "specguard.documents.secrets",
    "EditFile": "specguard.declaration.rule",
    "Expression": "specguard.declaration.expressions",
    "RenameBranch": "specguard.declaration.rule",
    "RewordMessage": "specguard.declaration.rule",
    "Targets": "specguard.artifacts.evidence",
    "Unresolved": "specguard.work.item",
    "citations": "specguard.documents.citations",
    "data_kind": "specguard.documents.data",
    "find_fields": "specguard.documents.fields",
    "find_sections": "specguard.documents.titles",
    "high_trust": "specguard.runs.proof",
    "is_content": "specguard.documents.content",
    "is_filed": "specguard.change.entries",
    "is_markdown": "specguard.documents.data",
    "is_record": "specguard.change.entries",
    "item_folder": "specguard.runs.files",
    "normal_name": "specguard.documents.fields",
    "plain_path": "specguard.documents.citations",
    "reaches": "specguard.runs.record",
    "read_fields": "specguard.documents.fields",
    "read_times": "specguard.documents.dates",
    "rows": "specguard.documents.blocks",
    "same_address": "specguard.change.remotes",
    "shown_address": "specguard.change.remotes",
}
"""What rules import that read documents, much text or approvals, and no hook before that, with its module."""

_LATE_MODULES = {
    "gate_selection": "specguard.work.gates",
    "gates": "specguard.work.gates",
    "look_alikes": "specguard.declaration.look_alikes",
    "model_words": "specguard.plans.settings",
}


def _module(name: str) -> Any:
    # As `importlib.import_module`, which a hook would wait for.
    __import__(name)
    return sys.modules[name]


def __getattr__(name: str) -> Any:
    # A few modules are given whole. What reads letters is imported by the rules that met one beyond ASCII,
    # and by no hook before that.
    if name in _LATE_MODULES:
        return _module(_LATE_MODULES[name])
    if name in _LATE:
        return getattr(_module(_LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
