"""What the declared tables of a policy say of one path: that it is an artifact, a plan, a checklist."""

from __future__ import annotations

from specguard.declaration.patterns import Covering, Guarding, Patterns
from specguard.declaration.rule import Record
from specguard.model import path_text
from specguard.work.templates import PathTemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.artifacts.contracts import Contract
    from specguard.authority.policy import Policy

    Said = tuple[str, str, str, str]
    """A rule's code, a key of the policy, the pattern there, and what it makes of the path."""

_TOLD_ELSEWHERE: Final = ("authority", "specs")


def of_tables(policy: Policy, path: bytes) -> Iterator[Said]:
    """What makes active rules judge a path, of the tables that they say they need (`Rule.tables`)."""
    for rule in policy.rules:
        if not rule.active:
            continue
        told: set[str] = set()
        for table in rule.load().tables:
            head, _, key = table.partition(".")
            if head == "artifacts":
                yield from _of_artifacts(policy, rule.code, key.removeprefix("*.").split("."), path)
            elif head not in told and head not in _TOLD_ELSEWHERE:
                told.add(head)
                yield from _of_table(policy, rule.code, head, path)


def matching(value: object, key: str, path: bytes, *, texts: bool = False) -> Iterator[tuple[str, str, str]]:
    """The key, pattern and effect of each first match in a setting and in the tables within it.

    Args:
        value: the setting.
        key: its key.
        path: the path.
        texts: whether a text may be the name of one path, and not only patterns count.
    """
    if isinstance(value, Patterns):
        index = value.find(path)
        if index is not None:
            yield f"{key}.{index}", value.patterns[index], _effect(key, value)
    elif isinstance(value, str):
        if texts and value == path_text(path):
            yield key, value, "named"
    elif isinstance(value, Record):
        for name in value._fields:
            yield from matching(getattr(value, name), f"{key}.{name}", path, texts=texts)
    elif isinstance(value, dict):
        for name, element in value.items():
            yield from matching(element, f"{key}.{name}", path, texts=texts)
    elif isinstance(value, (list, tuple)):
        for number, element in enumerate(value):
            yield from matching(element, f"{key}.{number}", path, texts=texts)


def _effect(key: str, patterns: Patterns) -> str:
    if key.endswith(".exclude"):
        return "left alone"
    if isinstance(patterns, Guarding):
        return "guarded"
    return "covered" if isinstance(patterns, Covering) else "selected"


def _of_artifacts(policy: Policy, code: str, keys: Sequence[str], path: bytes) -> Iterator[Said]:
    """The contracts of a path that have one setting."""
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
                if _is_below(folder, path):
                    yield code, f"{setting}.{index}", folder, f"in a folder that {name} closes"


def _of_table(policy: Policy, code: str, table: str, path: bytes) -> Iterator[Said]:
    """What another table says."""
    settings = policy.tables[table]
    if table == "plans":
        for name, kind in settings.items():
            folder = f"{kind.folder.rstrip('/')}/"
            if PathTemplate(folder + kind.plan).read(path) is not None:
                yield code, f"plans.{name}", folder + kind.plan, "a plan"
            elif code == "PLN009" and _is_below(folder, path):
                yield code, f"plans.{name}", folder, "in the folder of a plan"
    elif table == "work":
        for name, kind in settings.items():
            for source in kind.sources:
                if PathTemplate(source).read(path) is not None:
                    yield code, f"work.{name}.source", source, f"lists the {name}s"
    elif table == "wave":
        contracts: Mapping[str, Contract] = policy.declared("contracts")
        for index, stage in enumerate(settings.stages):
            for name in stage.artifacts:
                if name in contracts and _is_at(contracts[name], path):
                    place = contracts[name].path or contracts[name].root
                    yield code, f"wave.stages.{index}", place, f"of the stage {stage.name}"
                    break
    else:
        for key, pattern, effect in matching(settings, table, path, texts=True):
            yield code, key, pattern, effect


def _is_at(contract: Contract, path: bytes) -> bool:
    """Whether a path is an artifact of a contract, or in a folder that is one."""
    if contract.path:
        return PathTemplate(contract.path).read(path) is not None
    return _is_below(contract.root, path)


def _is_below(folder: str, path: bytes) -> bool:
    return Covering([PathTemplate(folder).render({})]).find(path) is not None
