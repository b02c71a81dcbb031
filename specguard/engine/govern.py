"""Which settings of a policy have a say about one path."""

from __future__ import annotations

from specguard.declaration.patterns import Covering, Guarding, Patterns
from specguard.declaration.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.authority.policy import Policy
    from specguard.model import Origin, Severity


class Governing:
    """A pattern of a policy that matches a path.

    Attributes:
        code, name, severity: the rule's.
        setting: the key in the policy.
        pattern: as it is written.
        effect: `guarded`, `covered`, `selected` or `left alone` (an exception).
        origin: the line it stands in; None for a default.
    """

    __slots__ = ("code", "effect", "name", "origin", "pattern", "setting", "severity")

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
    ) -> None:
        self.code = code
        self.name = name
        self.severity = severity
        self.setting = setting
        self.pattern = pattern
        self.effect = effect
        self.origin = origin


def governing(policy: Policy, path: bytes) -> list[Governing]:
    """The patterns of every active rule that match a path, by the rules' codes."""
    found: list[Governing] = []
    for rule in policy.rules:
        if not rule.active:
            continue
        settings: dict[str, object] = dict(rule.settings)
        if rule.exclude:
            settings["exclude"] = rule.exclude
        for key, index, patterns in _matching(settings, f"rules.{rule.name}", path):
            setting = f"{key}.{index}"
            found.append(
                Governing(
                    code=rule.code,
                    name=rule.name,
                    severity=rule.severity,
                    setting=setting,
                    pattern=patterns.patterns[index],
                    effect=_effect(key, patterns),
                    origin=policy.origin(setting),
                )
            )
    return found


def _matching(value: object, key: str, path: bytes) -> Iterator[tuple[str, int, Patterns]]:
    """The key, index and patterns of each first match in a setting and in the tables within it."""
    if isinstance(value, Patterns):
        index = value.find(path)
        if index is not None:
            yield key, index, value
    elif isinstance(value, Record):
        for name in value._fields:
            yield from _matching(getattr(value, name), f"{key}.{name}", path)
    elif isinstance(value, dict):
        for name, element in value.items():
            yield from _matching(element, f"{key}.{name}", path)
    elif isinstance(value, (list, tuple)):
        for number, element in enumerate(value):
            yield from _matching(element, f"{key}.{number}", path)


def _effect(key: str, patterns: Patterns) -> str:
    if key.endswith(".exclude"):
        return "left alone"
    if isinstance(patterns, Guarding):
        return "guarded"
    return "covered" if isinstance(patterns, Covering) else "selected"
