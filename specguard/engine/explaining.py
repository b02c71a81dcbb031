"""What a policy says of one rule: what it would judge, by which lines, and who may approve what it finds."""

from __future__ import annotations

import os

from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.engine.govern import governing, governing_specs, plain_path
from specguard.engine.quoting import Quotes
from specguard.engine.run import describe_condition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.authority.policy import Policy, RuleInPolicy
    from specguard.change.request import Request
    from specguard.engine.govern import Governing
    from specguard.model import Origin


class Explained:
    """One rule of a policy, and what it makes of a path.

    Attributes:
        policy: the policy.
        rule: the rule as that policy has it.
        text: its docstring.
        condition: what holds when it passes, with its settings filled in.
        path: the path that was asked about; empty for none.
        governing: the lines that make this rule judge that path.
        kinds: the kinds of work items, where it compares with what the change's item has.
        approvers: who may approve what it finds, without regard to who made a change; none where nobody may.
        persons: by how many persons that must be approved.
    """

    def __init__(
        self, policy: Policy, rule: RuleInPolicy, path: bytes, governing: Sequence[Governing]
    ) -> None:
        check = rule.load()
        self.policy = policy
        self.rule = rule
        self.text = type(check).__doc__ or ""
        self.condition = describe_condition(check)
        self.path = path
        self.governing = governing
        code = check.check.__code__
        by_item = not {"work", "work_item"}.isdisjoint(code.co_varnames[1 : code.co_argcount])
        self.kinds: Sequence[str] = list(policy.declared("work_kinds")) if by_item else ()
        settings = policy.declared("approval_settings")
        able = settings.approver if rule.approvable else ()
        self.approvers: Sequence[str] = [
            one.name for one in able if one.covers(rule.code, rule.name, by_name=rule.signed)
        ]
        self.persons: int = settings.persons_for(rule.code, rule.name)

    @property
    def idle(self) -> str:
        """Why the rule judges nothing, as a clause; empty where it judges."""
        if self.rule.severity == "off":
            return "the policy has it off"
        return f"the policy sets no {self.rule.unset}" if self.rule.unset else ""


def explain(request: Request, policy: Policy, rule: RuleInPolicy, path: str = "") -> Explained:
    """What a policy says of a rule, and of a path by it.

    Args:
        request: its directory and environment count.
        policy: the policy.
        rule: one of its rules.
        path: a path from the repository's root; empty for none.

    Raises:
        SpecguardError: it is no such path.
    """
    if not path:
        return Explained(policy, rule, b"", ())
    name = os.fsencode(plain_path(path))
    found = governing(policy, name)
    if rule.code == "SPC003":
        found += governing_specs(request, policy, name)
    return Explained(policy, rule, name, [one for one in found if one.code == rule.code])


def quoted(request: Request, policy: Policy, origins: Sequence[Origin | None]) -> Sequence[str]:
    """The words of the authority at some lines; empty for each that cannot be had.

    Args:
        request: its directory and environment count.
        policy: whose authority it is.
        origins: the lines.
    """
    with Git(Repository.locate(request.directory, request.environment)) as git:
        quotes = Quotes(policy, git)
        return [quotes.of(origin) for origin in origins]
