"""Compare two policies setting by setting, and decide if each difference tightens or loosens."""

from __future__ import annotations

from specguard.authority.policy import Policy, RuleInPolicy, plain
from specguard.authority.settings import AuthoritySettings, TopLevel
from specguard.declaration.patterns import Covering, Guarding, Patterns, is_plain
from specguard.declaration.rule import Settings, load
from specguard.model import SEVERITIES, TYPE_CHECKING, Origin, Record, listed, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    Effect = Literal["tightens", "loosens", "incomparable"]


_NAMED: Final = 3
"""The most elements of a list that a message names before it counts the rest."""


class Difference(Record, frozen=False):
    """One setting whose value differs between two policies.

    Attributes:
        path: the names of the setting's tables, and its own.
        before, after: its values; None if it is absent.
        old_origin, new_origin: where they are written; None for a default.
        effect: `tightens`, `loosens`, or `incomparable` if neither is certain.
        grows: True if more elements tighten it.
    """

    path: tuple[str, ...]
    before: Any
    after: Any
    effect: Effect
    old_origin: Origin | None = None
    new_origin: Origin | None = None
    grows: bool = False

    @property
    def key(self) -> str:
        """The setting's dotted key."""
        return ".".join(self.path)

    @property
    def old(self) -> Any:
        """The old value as TOML has it."""
        return plain(self.before)

    @property
    def new(self) -> Any:
        """The new value as TOML has it."""
        return plain(self.after)

    @property
    def summary(self) -> str:
        """The change as text: for lists the elements removed and added, else both values; cut if long."""
        old, new = self.old, self.new
        if isinstance(old, list) and isinstance(new, list):
            gone, come = _elements_only_in(old, new), _elements_only_in(new, old)
            both = (("drops", [*_texts(gone, come)]), ("adds", [*_texts(come, gone)]))
            if texts := [f"{verb} {listed(some, _NAMED)}" for verb, some in both if some]:
                return " and ".join(texts)
        keep = not any(isinstance(one, Record) for one in (self.before, self.after))
        return f"from {_format(old, keep=keep)} to {_format(new, keep=keep)}"

    @property
    def origin(self) -> Origin | None:
        """The place of the setting, or of the one that is removed; None for a default."""
        return self.new_origin or self.old_origin

    @property
    def data(self) -> Mapping[str, Any]:
        """The difference for a JSON report."""
        places = {"old_origin": self.old_origin, "new_origin": self.new_origin}
        return {
            **{name: getattr(self, name) for name in ("key", "old", "new", "effect", "summary")},
            **{name: {"path": at.path, "line": at.line} if at else None for name, at in places.items()},
        }


def _format(value: Any, *, keep: bool = False) -> str:
    """Format a setting's value for a message, as JSON, cut if it is long.

    The unset keys of a table are left out; with `keep` none, as an empty value says something in a mapping.
    """
    import json

    if isinstance(value, dict) and not keep:
        # What is long, such as a key, comes last: where the text is cut, the rest can still be read.
        stated = (item for item in value.items() if item[1] not in (None, [], {}, ""))
        value = dict(sorted(stated, key=lambda item: len(str(item[1]))))
    return shortened("nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str), 240)


def _texts(elements: Sequence[Any], others: Sequence[Any]) -> Iterator[str]:
    """Format the elements of a list; of a table, only what the other list's one of its name has otherwise."""
    named = {one["name"]: one for one in others if isinstance(one, dict) and one.get("name")}
    for one in elements:
        other = named.get(one.get("name")) if isinstance(one, dict) else None
        if other is None:
            yield _format(one)
        else:
            keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
            # As in other tables, what is long comes last, and in both texts at the same place.
            keys.sort(key=lambda key: len(str((one.get(key), other.get(key)))))
            yield _format({key: one.get(key) for key in ("name", *keys)}, keep=True)


def compare(old: Policy, new: Policy) -> list[Difference]:
    """Return the settings that differ between two policies, defaults included, sorted by key."""
    found = [*_compare_top(old, new), *_compare_rules(old, new), *_compare_tables(old, new)]
    for difference in found:
        difference.old_origin = _origin(old, difference.key, difference.old, difference.new)
        difference.new_origin = _origin(new, difference.key, difference.new, difference.old)
    return sorted(found, key=lambda difference: difference.key)


def _origin(policy: Policy, key: str, value: Any, other: Any) -> Origin | None:
    """Return the place of a value; for a list, that of the first element that the other one lacks, if any."""
    if value is None:
        return None
    own = enumerate(value) if isinstance(value, list) and isinstance(other, list) else ()
    places = (policy.origin(f"{key}.{at}") for at, one in own if one not in other)
    return next(filter(None, places), policy.origin(key))


def _compare_top(old: Policy, new: Policy) -> Iterator[Difference]:
    for key in TopLevel._fields:
        if key not in ("extends", "require_work_item"):
            yield from diff((key,), old.value(key), new.value(key), _direction(TopLevel, key))
    one, other = old.require_work_item, new.require_work_item
    some = [plain(value) for value in (one, other) if not isinstance(value, bool)]
    # No branch must name an item, or some must, or all.
    yield from diff(("require_work_item",), one, other, "more" if len(some) == 2 else [False, *some, True])
    for key in ("normative", "order", "keys", "nested"):
        direction = _direction(AuthoritySettings, key)
        yield from diff(("authority", key), list(getattr(old, key)), list(getattr(new, key)), direction)
    titles, now = old.sections, new.sections
    for title in sorted({*titles, *now}):
        ranks = "incomparable" if title in titles or now[title] == "nothing" else [None]
        yield from diff(("authority", "sections", title), titles.get(title), now.get(title), ranks)


def _compare_rules(old: Policy, new: Policy) -> Iterator[Difference]:
    before, after = ({rule.name: rule for rule in policy.rules} for policy in (old, new))
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one and other:
            yield from _compare_rule(one, other)
        else:
            effect: Effect = "loosens" if one else "tightens"
            yield Difference(("rules", name), one and one.code, other and other.code, effect)


def _compare_rule(old: RuleInPolicy, new: RuleInPolicy) -> Iterator[Difference]:
    table = ("rules", old.name)
    yield from diff((*table, "severity"), old.severity, new.severity, SEVERITIES)
    yield from diff((*table, "stages"), sorted(old.stages), sorted(new.stages), "more")
    yield from diff((*table, "approvable"), old.approvable, new.approvable, "lower")
    yield from diff((*table, "exclude"), old.exclude or Covering(), new.exclude or Covering(), "fewer")
    if old.configured or new.configured:
        cls = load(old.target)
        for field in cls._fields:
            default = getattr(cls, field, None)
            one, other = old.settings.get(field, default), new.settings.get(field, default)
            # A pattern that a wider one covers may withhold a path from the owners of that one.
            owned = field == "paths" and (old.settings.get("owners") or new.settings.get("owners"))
            yield from diff((*table, field), one, other, "each" if owned else _direction(cls, field))


def _compare_tables(old: Policy, new: Policy) -> Iterator[Difference]:
    before, after = old.tables, new.tables
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            for kind in sorted({*one, *other}):
                yield from _compare_records((name, kind), one.get(kind), other.get(kind))
        else:
            yield from _compare_records((name,), one, other)


def _compare_records(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, Settings) and type(old) is type(new):
        for field in old._fields:
            one, other = getattr(old, field), getattr(new, field)
            frees = (*path, field) == ("specs", "files") and _frees_code(old, new)
            direction = "incomparable" if frees else _direction(type(old), field)
            yield from diff((*path, field), one, other, direction)
    else:
        # Each table of a list makes a demand of its own.
        grows = isinstance(old, (list, tuple)) and isinstance(new, (list, tuple))
        yield from diff(path, old, new, "more" if grows else "incomparable")


def _frees_code(old: Any, new: Any) -> bool:
    """True if more files become specs: without `spec_paths`, SPC007 takes any new one for all code."""
    added = {*new.files.patterns} - {*old.files.patterns}
    return bool(added and old.code) and not old.spec_paths


def _direction(cls: type[Settings], field: str) -> str | Sequence[str]:
    """Return the direction in which a field is tightened, as `diff` takes it."""
    stated: str | Sequence[str] = cls._notes[field].options.get("tightens", "") if field in cls._notes else ""
    return stated or ("more" if isinstance(getattr(cls, field, None), Guarding) else "incomparable")


def diff(path: tuple[str, ...], old: Any, new: Any, direction: str | Sequence[Any]) -> Iterator[Difference]:
    """Yield the difference between two values of a setting, if there is one.

    `direction` says which values are tighter: `higher` or `lower` numbers and flags (an absent number is
    unlimited), or `more` or `fewer` elements; `each` is `more` where covered patterns count. `only` means
    that fewer elements are tighter, and that an empty list allows all; `within` that an empty list leaves it
    to something else. A list ranks the values from the loosest to the tightest; unlisted values are tighter
    than the first. `incomparable` is the effect itself.
    """
    one, other = plain(old), plain(new)
    if one == other and type(one) is type(other):
        return
    effect: Effect
    if direction == "within":
        direction = "fewer" if other else "incomparable"
    if not isinstance(direction, str):
        effect = _effect_by_rank(one, other, direction)
    elif direction == "only" and not (one and other):
        effect = "loosens" if one else "tightens"
    elif direction == "each":
        effect = _effect_of_elements(one, other, more=True)
    elif direction in {"more", "fewer", "only"} and type(one) is type(other) and isinstance(one, list | dict):
        effect = _effect_of_elements(old, new, more=direction == "more")
    elif direction in {"higher", "lower"}:
        limits = [_limit(value, direction) for value in (one, other)]
        effect = _effect(*limits) if direction == "higher" else _effect(*reversed(limits))
    else:
        effect = "incomparable"
    yield Difference(path, old, new, effect, grows=direction in ("each", "more"))


def _effect_by_rank(old: Any, new: Any, ranks: Sequence[Any]) -> Effect:
    """Return the effect of a change between ranked values; unlisted values are tighter than the first."""
    if old in ranks and new in ranks:
        return _effect(ranks.index(old), ranks.index(new))
    if ranks[0] in (old, new):
        return "tightens" if old == ranks[0] else "loosens"
    return "incomparable"


def _effect_of_elements(old: Any, new: Any, *, more: bool) -> Effect:
    """Return the effect of added and removed elements; a pattern that others cover does not count."""
    removed, added = _removed(old, new), _removed(new, old)
    if removed and added:
        return "incomparable"
    # With neither, only the order changed, or other patterns cover the removed ones.
    return "tightens" if not (removed or added) or bool(added) == more else "loosens"


def _removed(one: Any, other: Any) -> list[Any]:
    lists = ([*each.items()] if isinstance(each, dict) else each for each in map(plain, (one, other)))
    gone = _elements_only_in(*lists)
    if isinstance(other, Patterns) and other.covers:
        return [name for name in gone if not is_plain(name) or not other.matches(name.strip("/").encode())]
    return gone


def _elements_only_in(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    """Return the elements that only the first of two lists has."""
    names = {element for element in other if isinstance(element, str)}
    return [element for element in one if element not in (names if isinstance(element, str) else other)]


def _limit(value: Any, direction: str) -> float:
    """Return a value as a number for comparison; None, or 0 as a maximum, is unlimited."""
    if value is None or (direction == "lower" and value == 0 and value is not False):
        return float("inf") if direction == "lower" else float("-inf")
    return float(value) if isinstance(value, (int, float)) else float("nan")


def _effect(old: float, new: float) -> Effect:
    if new > old:
        return "tightens"
    return "loosens" if new < old else "incomparable"
