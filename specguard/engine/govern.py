"""Which settings of a policy have a say about one path."""

from __future__ import annotations

import os

from specguard.change.change import BASELINE
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.tree import Documents, Tree
from specguard.engine.govern_tables import matching, of_tables
from specguard.engine.policies import open_policy
from specguard.engine.run import describe_condition
from specguard.errors import MissingFact, SpecguardError
from specguard.model import path_text
from specguard.specs.spec import Catalogue
from specguard.work.item import Papers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from specguard.authority.policy import Policy, RuleInPolicy
    from specguard.change.request import Request
    from specguard.declaration.patterns import Patterns
    from specguard.model import Origin, Severity


class Governing:
    """A pattern of a policy that matches a path.

    Attributes:
        code, name, severity: the rule's.
        setting: the key in the policy.
        pattern: as it is written.
        effect: `guarded`, `covered`, `selected`, `named`, `left alone` (an exception), or what a work item,
            a declared table or the policy itself makes of the path.
        origin: the line it stands in; None for a default.
        asks: what a change of the path has to keep to, in one sentence; empty for an exception.
    """

    __slots__ = ("asks", "code", "effect", "name", "origin", "pattern", "setting", "severity")

    def __init__(
        self,
        *,
        code: str,
        name: str,
        severity: Severity,
        setting: str,
        pattern: str,
        effect: str,
        origin: Origin | None,
        asks: str,
    ) -> None:
        self.code = code
        self.name = name
        self.severity = severity
        self.setting = setting
        self.pattern = pattern
        self.effect = effect
        self.origin = origin
        self.asks = asks

    @property
    def data(self) -> dict[str, Any]:
        """It as JSON can hold it."""
        origin = self.origin
        return {
            "code": self.code,
            "name": self.name,
            "severity": self.severity,
            "setting": self.setting,
            "pattern": self.pattern,
            "effect": self.effect,
            "asks": self.asks,
            "authority": None if origin is None else {"path": origin.path, "line": origin.line or None},
        }


def what_governs(request: Request, path: str) -> list[Governing]:
    """All that has a say about a path, by the policy that would judge here.

    Args:
        request: its directory, environment, `base` and `authority` count.
        path: the path from the repository's root; slashes at its ends do not count.

    Raises:
        SpecguardError: it is no such path, or there is no policy.
    """
    name = os.fsencode(plain_path(path))
    policy = open_policy(request)
    return governing(policy, name) + governing_specs(request, policy, name)


def plain_path(path: str) -> str:
    """A path from the repository's root, without slashes at its ends.

    Raises:
        SpecguardError: it is none.
    """
    plain = path.strip("/")
    if {"", ".", ".."} & set(plain.split("/")):
        raise SpecguardError(
            f"{path!r} is no path from the repository's root",
            help="write it as git does: docs/api/x.yaml",
            code="usage",
        )
    return plain


def governing(policy: Policy, path: bytes) -> list[Governing]:
    """The patterns of every active rule that match a path, and what the work items say of it, by code."""
    found: list[Governing] = []
    for rule in policy.rules:
        if not rule.active:
            continue
        check = rule.load()
        settings: dict[str, object] = {name: getattr(check, name) for name in check._fields}
        settings["exclude"] = rule.exclude
        for key, pattern, effect in matching(settings, f"rules.{rule.name}", path):
            found.append(_governing(policy, rule, key, pattern, effect))
    said = [*_of_work(policy, path), *_of_specs(policy, path), *of_tables(policy, path)]
    if path in policy.document_paths or path == BASELINE:
        what = "the baseline" if path == BASELINE else "the authority"
        said.append(("PTH004", "", path_text(path), what))
    for code, setting, pattern, effect in said:
        judge = policy.rule(code)
        if judge is not None and judge.active:
            found.append(_governing(policy, judge, setting, pattern, effect))
    return sorted(found, key=lambda one: one.code)


def _governing(policy: Policy, rule: RuleInPolicy, setting: str, pattern: str, effect: str) -> Governing:
    check = rule.load()
    key = setting.removeprefix(f"rules.{rule.name}.")
    asks = "" if effect == "left alone" else (check.asks and check.asks(key)) or describe_condition(check)
    return Governing(
        code=rule.code,
        name=rule.name,
        severity=rule.severity,
        setting=setting,
        pattern=pattern,
        effect=effect,
        origin=policy.cite(rule.name, key),
        asks=asks,
    )


def _of_work(policy: Policy, path: bytes) -> Iterator[tuple[str, str, str, str]]:
    """The code, key, pattern and effect of each place in which a work item's files are looked for."""
    kinds = policy.declared("work_kinds")
    for paper in Papers(kinds).at(path):
        if paper.role == "pointer":
            if kinds[paper.kind].protect_pointer:
                yield "WRK004", paper.setting, paper.text, f"the pointer of a {paper.kind}"
        elif paper.role != "list":
            what = "a document" if paper.role == "document" else "the index"
            yield "WRK005", paper.setting, paper.text, f"{what} of a {paper.kind}"


def _of_specs(policy: Policy, path: bytes) -> Iterator[tuple[str, str, str, str]]:
    """The code, key, pattern and effect of each setting for specs, and of the order, that has the path."""
    if policy.declares("spec_settings"):
        settings = policy.declared("spec_settings")
        for code, field, effect in (
            ("SPC001", "files", "a spec"),
            ("SPC007", "code", "changes with a spec"),
            ("SPC007", "spec_paths", "a change of it is one of a spec"),
            ("SPC008", "mirrors", "repeats the statuses of specs"),
        ):
            patterns: Patterns = getattr(settings, field)
            index = patterns.find(path)
            if index is not None:
                yield code, f"specs.{field}.{index}", patterns.patterns[index], effect
        if path == settings.index.encode("utf-8", "surrogateescape"):
            yield "SPC001", "specs.index", settings.index, "the index of specs"
    if policy.keys:
        from specguard.authority.ranks import rank_of

        rank = rank_of(policy.order, path)
        if rank is not None:
            yield "SPC009", f"authority.order.{rank}", policy.order[rank], f"number {rank + 1} of the order"


def governing_specs(request: Request, policy: Policy, path: bytes) -> list[Governing]:
    """The specs that govern a path, in the tree of `HEAD`.

    Args:
        request: its directory and environment count.
        policy: the policy.
        path: the path from the root.
    """
    rule = policy.rule("SPC003")
    if not policy.declares("spec_settings") or rule is None:
        return []
    repository = Repository.locate(request.directory, request.environment)
    if repository.head is None:
        return []
    with Git(repository) as git:
        tree = Tree(git, git.commit(repository.head).tree)
        try:
            return [
                Governing(
                    code=rule.code,
                    name=rule.name,
                    severity=rule.severity,
                    setting="specs.governs",
                    pattern=pattern,
                    effect=f"governed by {path_text(spec.path)}",
                    origin=policy.origin(f"specs.governs.{pattern}"),
                    asks=f"a change here needs a review of {path_text(spec.path)} that still holds",
                )
                for spec, pattern in Catalogue(policy.declared("spec_settings"), Documents(tree)).governing(
                    path
                )
            ]
        except MissingFact as missing:
            raise SpecguardError(missing.reason, help=missing.command, code=missing.code) from missing
