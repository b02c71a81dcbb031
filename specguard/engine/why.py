"""The settings of a policy that apply to one path, and the quoted lines of the authority."""

from __future__ import annotations

import os
from contextlib import suppress

from specguard.authority.policy import Policy, RuleInPolicy, leaves
from specguard.change.change import BASELINE
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.change.tree import Documents
from specguard.declaration.patterns import Covering, Guarding, Patterns
from specguard.engine.check import Quotes
from specguard.engine.rule_runner import describe_condition
from specguard.engine.status import open_tree
from specguard.errors import MissingFact, NotApplicable, SpecguardError, usage
from specguard.model import TYPE_CHECKING, Origin, Record, path_text
from specguard.specs.spec import Catalogue
from specguard.work.item import Papers, WorkItem
from specguard.work.name_templates import PathTemplate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.artifacts.contracts import Contract
    from specguard.change.check_request import Request
    from specguard.model import Severity

    Match = tuple[str, str, str, str]
    """A rule code, a key of the policy, the pattern there, and its effect on the path."""


_EFFECTS: Final[Mapping[type[Patterns], str]] = {Guarding: "guarded", Covering: "covered"}


class Governing(Record):
    """A pattern of a policy that matches a path.

    Attributes:
        code, name, severity: the rule's.
        setting: the key in the policy.
        pattern: the pattern as written.
        effect: `guarded`, `covered`, `selected`, `named`, `left alone` (an exception), or the role of the
            path in a work item, a declared table or the policy itself.
        origin: the line of the pattern; None for a default.
        asks: the requirement for a change of the path, in one sentence; empty for an exception, or a rule
            that is off.
    """

    code: str
    name: str
    severity: Severity
    setting: str
    pattern: str
    effect: str
    origin: Origin | None
    asks: str

    @property
    def data(self) -> dict[str, Any]:
        """The pattern as JSON-compatible data."""
        data = {name: getattr(self, name) for name in self._fields if name != "origin"}
        at = self.origin
        return {**data, "authority": None if at is None else {"path": at.path, "line": at.line or None}}


def to_root_path(request: Request, path: str) -> str:
    """Return a path from the root if it is absolute or begins with `./` or `../`; others are unchanged."""
    if not path.startswith(("/", "./", "../")):
        return path
    root = Repository.locate(request.directory, request.environment).root
    folder, name = os.path.split(os.path.join(request.directory, path))
    return os.path.join(os.path.realpath(folder), name).removeprefix(f"{root or os.path.realpath(folder)}/")


def find_governing(request: Request, path: str, policy: Policy) -> list[Governing]:
    """Return everything that applies to a path, by a policy.

    Args:
        request: reads its directory, environment, `base` and `authority`.
        path: the path from the repository's root; slashes at its end are ignored.
        policy: the policy, with plugins that can be loaded.

    Raises:
        SpecguardError: the path is invalid.
    """
    plain = path.rstrip("/")
    if {"", ".", ".."} & set(plain.split("/")):
        text = f"{path!r} is not a path from the repository's root"
        raise usage(text, "write it as git does: docs/api/x.yaml")
    name = os.fsencode(plain)
    with Git(Repository.locate(request.directory, request.environment)) as git:
        of_scope, of_specs = _match_scope(git, request, name), _match_governed(git, policy, name)
        return [*match_patterns(policy, name), *of_scope, *of_specs]


def match_patterns(policy: Policy, path: bytes) -> list[Governing]:
    """Return the patterns of rules that match a path, and its role for work items, sorted by code.

    Rules that are off are among them. If a rule excludes the path, only its exception is.
    """
    found: list[Governing] = []
    for rule in (rule for rule in policy.rules if rule.active or (rule.configured and not rule.unset)):
        check = rule.load()
        settings = {name: getattr(check, name) for name in check._fields} | {"exclude": rule.exclude}
        if rule.exclude and rule.exclude.matches(path):
            settings = {"exclude": rule.exclude}
        matched = matching(settings, f"rules.{rule.name}", path)
        found += [_make_governing(policy, rule, *one) for one in matched]
    matches = [*_match_work(policy, path), *_match_specs(policy, path), *match_tables(policy, path)]
    if path in policy.document_paths | policy.schemas or path == BASELINE or policy.is_nested(path):
        what = "the baseline" if path == BASELINE else "the authority"
        matches.append(("PTH004", "", path_text(path), what))
    for document in dict.fromkeys(one.origin.path for one in policy.disregarded if not one.key):
        if path.startswith(os.fsencode(os.path.dirname(document)) + b"/"):
            what = "the authority, which counts for nothing"
            matches.append(("CFG004", "authority.nested", document, what))
    for code, setting, pattern, effect in matches:
        if judge := policy.active_rule(code):
            found.append(_make_governing(policy, judge, setting, pattern, effect))
    return sorted(found, key=lambda one: one.code)


def _make_governing(
    policy: Policy, rule: RuleInPolicy, setting: str, pattern: str, effect: str, origin: Origin | None = None
) -> Governing:
    check = rule.load()
    key = setting.removeprefix(f"rules.{rule.name}.")
    told = rule.active and effect != "left alone"
    asks = (check.asks and check.asks(key)) or describe_condition(check) if told else ""
    origin = origin or policy.cite(rule.name, key)
    return Governing(rule.code, rule.name, rule.severity, setting, pattern, effect, origin, asks)


def _match_work(policy: Policy, path: bytes) -> Iterator[Match]:
    """Yield the code, key, pattern and effect of each path setting of work items that matches the path."""
    kinds = policy.declared("work_kinds")
    for paper in Papers(kinds).at(path):
        if paper.role == "pointer":
            if kinds[paper.kind].protect_pointer:
                yield "WRK004", paper.setting, paper.text, f"the pointer of a {paper.kind}"
        elif paper.role != "list":
            what = "a document" if paper.role == "document" else "the index"
            yield "WRK005", paper.setting, paper.text, f"{what} of a {paper.kind}"


def _match_specs(policy: Policy, path: bytes) -> Iterator[Match]:
    """Yield the code, key, pattern and effect of the settings for specs, and of the order, that match."""
    if policy.declares("spec_settings"):
        settings = policy.declared("spec_settings")
        for code, field, effect in (
            *((f"SPC00{number}", "files", "a spec") for number in range(1, 7)),
            ("SPC007", "code", "changes with a spec"),
            ("SPC007", "spec_paths", "a change of it is one of a spec"),
            ("SPC008", "mirrors", "repeats the statuses of specs"),
        ):
            patterns: Patterns = getattr(settings, field)
            if (index := patterns.find(path)) is not None:
                yield code, f"specs.{field}.{index}", patterns.patterns[index], effect
        if path == settings.index.encode("utf-8", "surrogateescape"):
            yield "SPC001", "specs.index", settings.index, "the index of specs"
    if policy.keys and (rank := policy.ranks.find(path)) is not None:
        yield "SPC009", f"authority.order.{rank}", policy.order[rank], f"number {rank + 1} of the order"


def _match_scope(git: Git, request: Request, path: bytes) -> Iterator[Governing]:
    """Yield the scope of the item that the branch at `HEAD` is for; nothing without a scope."""
    with suppress(SpecguardError, MissingFact, NotApplicable):
        facts, _ = open_tree(git, request)
        item: WorkItem = facts.get("work_item")
        policy, scope = facts.policy, item.scope
        rule = policy.active_rule("PTH003")
        if rule is not None and (scope.paths or scope.excluded) and not path.startswith(policy.log_folder):
            allowed = not scope.excluded.matches(path) and (not scope.paths or scope.paths.matches(path))
            effect = f"{'in' if allowed else 'outside'} the scope of {item}"
            yield _make_governing(policy, rule, item.setting("scope"), scope.text, effect, scope.origin)


def _match_governed(git: Git, policy: Policy, path: bytes) -> Iterator[Governing]:
    """Yield the specs that govern a path, in the tree of `HEAD`."""
    rule, head = policy.rule("SPC003"), git.repository.head
    if head is None or rule is None or not policy.declares("spec_settings"):
        return
    catalogue = Catalogue(policy.declared("spec_settings"), Documents(git.tree_at(head)), is_judged=False)
    for spec, pattern in catalogue.governing(path):
        yield Governing(
            rule.code, rule.name, rule.severity, "specs.governs", pattern,
            effect=f"governed by {path_text(spec.path)}",
            origin=policy.origin(f"specs.governs.{pattern}"),
            asks=f"a change here needs a review of {path_text(spec.path)} that still holds",
        )  # fmt: skip


def match_tables(policy: Policy, path: bytes) -> Iterator[Match]:
    """Yield the tables that make active rules judge a path, as the rules name them (`Rule.tables`)."""
    for rule in policy.rules:
        seen = {"authority", "specs"}
        for table in rule.load().tables if rule.active else ():
            head, _, key = table.partition(".")
            if head == "artifacts":
                yield from _match_artifacts(policy, rule.code, key.removeprefix("*.").split("."), path)
            elif head not in seen:
                seen.add(head)
                yield from ((rule.code, *one) for one in _match_table(policy, rule.code, head, path))


def matching(value: object, key: str, path: bytes, *, texts: bool = False) -> Iterator[tuple[str, str, str]]:
    """Yield the key, pattern and effect of the first match in each list of patterns, also in nested tables.

    Args:
        value: the setting.
        key: its key.
        path: the path.
        texts: True if a text that equals the path counts, in addition to patterns.
    """
    for name, one in leaves(key, value):
        if isinstance(one, Patterns):
            if (index := one.find(path)) is not None:
                effect = "left alone" if name.endswith(".exclude") else _EFFECTS.get(type(one), "selected")
                yield f"{name}.{index}", one.patterns[index], effect
        elif texts and one == path_text(path):
            yield name, one, "named"


def _match_artifacts(policy: Policy, code: str, keys: Sequence[str], path: bytes) -> Iterator[Match]:
    """Yield the contracts that match a path and have a certain setting."""
    contracts: Mapping[str, Contract] = policy.declared("contracts")
    for name, contract in contracts.items():
        value: Any = contract
        for key in keys:
            value = getattr(value, key, None)
        if not value:
            continue
        setting = f"artifacts.{name}.{'.'.join(keys)}"
        if _is_at(contract, path):
            what = "the artifact" if contract.path else "in a folder of"
            yield code, setting, contract.path or contract.root, f"{what} {name}"
        elif keys == ["closure"]:
            for index, folder in enumerate(contract.closure):
                if Covering([PathTemplate(folder).render({})]).matches(path):
                    yield code, f"{setting}.{index}", folder, f"in a folder that {name} closes"


def _match_table(policy: Policy, code: str, table: str, path: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield the key, pattern and effect of a match in another table."""
    settings = policy.tables[table]
    if table == "plans":
        for name, kind in settings.items():
            if kind.task_file.read(path) is not None:
                yield f"plans.{name}", kind.task_file.text, "a plan"
            elif code == "PLN009" and kind.files.read(path + b"/-") is not None:
                yield f"plans.{name}", kind.files.text.removesuffix("**"), "in the folder of a plan"
    elif table == "work":
        for name, source in ((name, source) for name, kind in settings.items() for source in kind.sources):
            if PathTemplate(source).read(path) is not None:
                yield f"work.{name}.source", source, f"lists the {name}s"
    elif table == "wave":
        contracts: Mapping[str, Contract] = policy.declared("contracts")
        for index, stage in enumerate(settings.stages):
            known = [contracts[name] for name in stage.artifacts if name in contracts]
            at = next((one for one in known if _is_at(one, path)), None)
            if at is not None:
                yield f"wave.stages.{index}", at.path or at.root, f"of the stage {stage.name}"
    else:
        yield from matching(settings, table, path, texts=True)


def _is_at(contract: Contract, path: bytes) -> bool:
    """True if a path is an artifact of a contract, or a folder or file in a folder of it."""
    return PathTemplate(contract.template).read(path if contract.path else path + b"/-") is not None


def quotes(request: Request, policy: Policy, origins: Sequence[Origin | None]) -> Sequence[str]:
    """Return the quoted lines of the authority; empty for each line that is not available.

    Args:
        request: reads its directory and environment.
        policy: the policy with the authority.
        origins: the lines.
    """
    with Git(Repository.locate(request.directory, request.environment)) as git:
        return list(map(Quotes(policy, git).line_at, origins))
