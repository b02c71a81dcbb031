"""The papers of a plan that agents write: research, and the review of its options.

Each has a contract of the policy: `[artifacts.research]` or `[artifacts.plan-review]`. A run that writes one
has no work item of the policy, so an item is made for it. The item's branch is the one on which the plan's
papers are written.
"""

from __future__ import annotations

import os

from specguard.change.check_request import is_invalid
from specguard.errors import incomplete, nearest
from specguard.model import TYPE_CHECKING, path_text
from specguard.work.document_search import Pointer
from specguard.work.item import WorkItem, unready
from specguard.work.kinds import PlanKind, WorkKind
from specguard.work.name_templates import PathTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.artifacts.contracts import Contract
    from specguard.authority.policy import Policy
    from specguard.change.tree import Tree


CONTRACTS: Final = {"research": "research", "review": "plan-review"}
"""The kinds of runs that write a document, each with the name of its contract."""

_SUBJECTS: Final = {"research": "docs: research for {name}", "review": "docs: review the options for {name}"}


def is_paper(policy: Policy, kind: str) -> bool:
    """True if runs of a kind write a document; a kind of work items in the policy takes precedence."""
    return kind in CONTRACTS and kind not in policy.declared("work_kinds")


class PaperItem(WorkItem, frozen=False, kw_only=True):
    """The item that is made for a run that writes a document.

    Attributes:
        contract: the document's contract.
    """

    contract: Contract

    @property
    def path(self) -> bytes:
        """The document's path; empty if a value of it is missing."""
        return PathTemplate(self.contract.path).exact_path(self.fields) or b""

    def summary(self) -> dict[str, str | None]:
        """Return the item's record in a manifest, whose document is the one to write."""
        return {**super().summary(), "document": path_text(self.path)}

    def recorded_files(self, tree: Tree) -> Sequence[tuple[str, str]]:
        """Return the files whose object ids the document must name, each with its id; empty if it is missing.

        Raises:
            MissingFact: the tree cannot be read.
        """
        found = []
        for template in self.contract.records:
            path = PathTemplate(template).exact_path(self.fields)
            if path is None:
                continue
            whole = path if "/" in template else self.path.rpartition(b"/")[0] + b"/" + path
            entry = tree.find(whole)
            found.append((path_text(whole), entry.oid if entry is not None else ""))
        return found

    def check_recorded_files(self, tree: Tree, branch: str) -> None:
        """Check that the files that the document is about exist.

        Raises:
            SpecguardError: a file is missing.
            MissingFact: the tree cannot be read.
        """
        for path, oid in self.recorded_files(tree):
            if not oid:
                message = f"{path}, which a {self.kind} is about, is neither on {branch} nor in the base"
                raise unready(message, f"push it to {branch} first")


def paper_item(policy: Policy, tree: Tree, kind: str, plan: str, name: str) -> PaperItem:
    """Return the item of a run that writes a document.

    Args:
        policy: the base's policy.
        tree: the base's files.
        kind: the kind of the run.
        plan: the plan's file or its folder; empty: by the name.
        name: the plan's name. Without both, the base must have exactly one plan.

    Raises:
        SpecguardError: the policy has no contract or no plans for the document, or the plan is ambiguous or
            missing.
    """
    contract = _contract(policy, CONTRACTS[kind])
    settings, fields = _find_plan(policy, tree, kind, plan, name)
    name = fields.get("name") or next(iter(fields.values()))
    subject = _SUBJECTS[kind].replace("{name}", name.replace("{", "{{").replace("}", "}}"))
    item = PaperItem(
        kind,
        WorkKind(branch=settings.branch, commit=subject),
        id=name,
        number=None,
        given={**fields, "name": name},
        spare={},
        pointer=Pointer(path=None, tried=()),
        tree=tree,
        base=policy.base or "",
        remote=policy.remote or "",
        contract=contract,
    )
    if not (item.branches and item.path):
        raise incomplete(
            f"the plan's folder {settings.folder} does not name the branch of its papers, {settings.branch}, "
            f"or the path of [artifacts.{CONTRACTS[kind]}]",
            "let both have the placeholders of the folder alone",
        )
    return item


def paper_contracts(policy: Policy, item: WorkItem) -> Sequence[Contract]:
    """Return the contracts of the documents that a run leaves besides its work: `papers` of the item's kind.

    Raises:
        SpecguardError: the policy lacks one of the contracts.
    """
    return [_contract(policy, name) for name in item.settings.papers]


def _contract(policy: Policy, name: str) -> Contract:
    contracts: Mapping[str, Contract] = policy.declared("contracts")
    found = contracts.get(name)
    if found is None or not found.path:
        help = nearest(name, contracts, f"describe it: [artifacts.{name}], with its path")
        message = f"a run leaves the artifact {name!r}, and the policy has no such contract with a path"
        raise incomplete(message, help)
    return found


def shown_path(text: str, fields: Mapping[str, str]) -> str:
    """Fill the known values into a template, and `<name>` for each other placeholder."""
    template = PathTemplate(text)
    return template.show({**{name: f"<{name}>" for name in template.names}, **fields})


def _find_plan(
    policy: Policy, tree: Tree, kind: str, plan: str, name: str
) -> tuple[PlanKind, Mapping[str, str]]:
    """Return the kind of the plan that is meant, and the values of its folder's placeholders."""
    kinds: Mapping[str, PlanKind] = policy.declared("plan_kinds")
    found: dict[tuple[str, ...], tuple[PlanKind, Mapping[str, str]]] = {}
    for settings in kinds.values():
        folder = PathTemplate(settings.folder)
        if plan:
            read = [folder.read(os.fsencode(text)) for text in (plan, os.path.dirname(plan))]
        elif name:
            is_name = len(folder.names) == 1 and not is_invalid(name)
            values = dict.fromkeys(folder.names, name) if is_name else {}
            read = [folder.read(folder.exact_path(values) or b"")]
        else:
            read = [fields for _, fields in settings.files.find(tree.paths())]
        for fields in filter(None, read):
            found.setdefault(tuple(fields.values()), (settings, fields))
    if not found or (len(found) > 1 and not plan):
        known = ", ".join(sorted("/".join(values) for values in found)) or "none"
        tried = ", ".join(shown_path(kind.folder, {}) for kind in kinds.values()) or "no [plans.<name>]"
        help = f"name one, as a branch can be named: specguard run {kind} NAME"
        raise unready(f"no single plan is meant; tried: {tried}; found: {known}", help)
    return next(iter(found.values()))
