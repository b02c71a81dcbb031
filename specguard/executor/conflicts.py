"""What a work item's document asks for that the authority does not let it have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.model import path_text

if TYPE_CHECKING:
    from specguard.authority.policy import Policy
    from specguard.change.documents import Documents
    from specguard.work.item import WorkItem


def check_conflicts(item: WorkItem, policy: Policy, documents: Documents) -> None:
    """Stop before any work is lost: whoever follows such a document breaks the authority.

    Args:
        item: its document is read from the base.
        policy: the base's.
        documents: the base's.

    Raises:
        SpecguardError: the document asks for a guarded path, or contradicts a higher document.
        MissingFact: a document cannot be read.
    """
    document = item.document
    if document is None:
        return
    if _judges(policy, "conflicting-document", document):
        _check_asks(item, policy, path_text(document))
    if _judges(policy, "contradicted-authority", document):
        for one in policy.contradictions(documents, document.__eq__):
            if one.lower.path == document:
                raise SpecguardError(
                    f"{one.lower.place} says that {one.name} is {one.lower.value!r}, and {one.higher.place}, "
                    f"which goes before it, that it is {one.higher.value!r}",
                    help="the authority wins: have the document corrected in the base",
                    path=path_text(document),
                    line=one.lower.line,
                    code="contradiction",
                )


def _check_asks(item: WorkItem, policy: Policy, place: str) -> None:
    for ask, guard in item.conflicts(policy.guards):
        if ask.how == "named":
            continue
        origin = policy.origin(guard.key)
        asks = "lists it as allowed" if ask.how == "listed" else "asks to change it"
        where = f"{origin.path}:{origin.line}" if origin else "the policy"
        raise SpecguardError(
            f"{place}:{ask.line} {asks}: {ask.path}, and {where} guards it with '{guard.pattern}' "
            f"({guard.rule})",
            help="the authority wins: have the document corrected in the base",
            path=place,
            line=ask.line,
            code="contradiction",
        )


def _judges(policy: Policy, name: str, document: bytes) -> bool:
    rule = policy.rule(name)
    if rule is None or not rule.active:
        return False
    return rule.exclude is None or rule.exclude.find(document) is None
