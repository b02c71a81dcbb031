"""How one policy differs from another, setting by setting, and whether that tightens or loosens it.

A floor is an organisation's authority, which those of its repositories may tighten and not loosen. What a
policy loosens of it is found as PTH004 finds what a change loosens. The floor's value is put in its place.
"""

from __future__ import annotations

from os.path import basename

from specguard.authority.load import read_file
from specguard.authority.policy import Disregarded, Policy, PolicyChange, encode, plain
from specguard.authority.settings import AuthoritySettings, TopLevel
from specguard.change.entries import sha256
from specguard.declaration.patterns import Covering, Guarding, Patterns, is_plain
from specguard.declaration.rule import Record, Settings, load
from specguard.errors import SpecguardError
from specguard.model import SEVERITIES, Origin, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final, Literal

    from specguard.authority.load import AuthoritySource
    from specguard.authority.policy import RuleInPolicy
    from specguard.declaration.registry import Registry
    from specguard.engine.baseline import BaselineChange

    Effect = Literal["tightens", "loosens", "incomparable"]


_PERMISSIONS: Final = ("exclude", "scope")
"""Fields whose patterns permit: one more loosens."""

_NAMED: Final = 3
"""So many elements of a list are named before the rest is counted."""


class Difference(Record, frozen=False):
    """One setting that is not the same in two policies.

    Attributes:
        key: the setting's dotted key.
        old, new: its values as TOML has them; None where it is absent.
        old_origin, new_origin: where they are written; None for a default.
        effect: `tightens`, `loosens`, or `incomparable` where neither can be said.
        grows: whether more elements tighten it.
    """

    key: str
    old: Any
    new: Any
    effect: Effect
    old_origin: Origin | None = None
    new_origin: Origin | None = None
    grows: bool = False

    @property
    def summary(self) -> str:
        """What lies between the values: of lists the elements that go and come, else both, cut where long."""
        old, new = self.old, self.new
        if isinstance(old, list) and isinstance(new, list):
            gone = [element for element in old if element not in new]
            come = [element for element in new if element not in old]
            said = [f"{verb} {_several(some)}" for verb, some in (("drops", gone), ("adds", come)) if some]
            if said:
                return " and ".join(said)
        return f"from {_value(old)} to {_value(new)}"

    @property
    def data(self) -> Mapping[str, Any]:
        """The difference for a JSON report."""
        places = {"old_origin": self.old_origin, "new_origin": self.new_origin}
        return {
            "key": self.key,
            "old": self.old,
            "new": self.new,
            "effect": self.effect,
            "summary": self.summary,
            **{name: {"path": at.path, "line": at.line} if at else None for name, at in places.items()},
        }

    def __repr__(self) -> str:
        return f"Difference({self.key}: {self.old!r} -> {self.new!r}, {self.effect})"


def _several(elements: Sequence[Any]) -> str:
    more = f" and {len(elements) - _NAMED} more" if len(elements) > _NAMED else ""
    return ", ".join(map(_value, elements[:_NAMED])) + more


def _value(value: Any) -> str:
    """A setting's value for a message as TOML would have it, cut where it is long."""
    import json

    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return shortened(text, 120)


def compare(
    old: Policy,
    new: Policy,
    *,
    baseline: BaselineChange | None = None,
    broken: Sequence[Disregarded] = (),
) -> PolicyChange:
    """Compare two policies, each with its defaults.

    Args:
        old: the policy before.
        new: the policy after.
        baseline: what became of the baseline between them.
        broken: the nested authorities that count no more in the new one.
    """
    found = [*_top(old, new), *_rules(old, new), *_tables(old, new)]
    for difference in found:
        difference.old_origin = _origin(old, difference.key, difference.old, difference.new)
        difference.new_origin = _origin(new, difference.key, difference.new, difference.old)
    return PolicyChange(sorted(found, key=lambda difference: difference.key), "", baseline, broken)


def _origin(policy: Policy, key: str, value: Any, other: Any) -> Origin | None:
    """Where a value is written; of a list what only it has, where another document has that."""
    if value is None:
        return None
    whole = policy.origin(key)
    if whole is not None and isinstance(value, list) and isinstance(other, list):
        own = (policy.origin(f"{key}.{at}") for at, one in enumerate(value) if one not in other)
        return next((one for one in own if one and one.path != whole.path), whole)
    return whole


def _top(old: Policy, new: Policy) -> Iterator[Difference]:
    for key in TopLevel._fields:
        if key not in ("extends", "require_work_item"):
            yield from differ(key, old.value(key), new.value(key), _direction(TopLevel, key))
    one, other = old.require_work_item, new.require_work_item
    either = isinstance(one, bool) or isinstance(other, bool)
    effect = _effect(_demand(one), _demand(other)) if either else "more"
    yield from differ("require_work_item", one, other, effect)
    for key in ("normative", "order", "keys", "nested"):
        direction = _direction(AuthoritySettings, key)
        yield from differ(f"authority.{key}", list(getattr(old, key)), list(getattr(new, key)), direction)
    titles, now = old.sections, new.sections
    for title in sorted({*titles, *now}):
        known = title in titles or now[title] == "nothing"
        yield from differ(
            f"authority.sections.{title}",
            titles.get(title),
            now.get(title),
            "incomparable" if known else "tightens",
        )


def _demand(required: object) -> int:
    """How many branches must name an item: none, some or all."""
    return 2 if required is True else 0 if required is False else 1


def _rules(old: Policy, new: Policy) -> Iterator[Difference]:
    before, after = ({rule.name: rule for rule in policy.rules} for policy in (old, new))
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one and other:
            yield from _rule(one, other)
        elif one:
            yield Difference(f"rules.{name}", one.code, None, "loosens")
        elif other:
            yield Difference(f"rules.{name}", None, other.code, "tightens")


def _rule(old: RuleInPolicy, new: RuleInPolicy) -> Iterator[Difference]:
    table = f"rules.{old.name}"
    ranks = [SEVERITIES.index(rule.severity) for rule in (old, new)]
    yield from differ(f"{table}.severity", old.severity, new.severity, _effect(*ranks))
    yield from differ(f"{table}.stages", sorted(old.stages), sorted(new.stages), "more")
    yield from differ(f"{table}.approvable", old.approvable, new.approvable, "lower")
    yield from differ(f"{table}.exclude", old.exclude or Covering(), new.exclude or Covering(), "fewer")
    if old.configured or new.configured:
        cls = load(old.target)
        for field in cls._fields:
            default = getattr(cls, field, None)
            one, other = old.settings.get(field, default), new.settings.get(field, default)
            yield from differ(f"{table}.{field}", one, other, _direction(cls, field))


def _tables(old: Policy, new: Policy) -> Iterator[Difference]:
    before, after = old.tables, new.tables
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            for kind in sorted({*one, *other}):
                yield from _records(f"{name}.{kind}", one.get(kind), other.get(kind))
        else:
            yield from _records(name, one, other)


def _records(key: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, Settings) and type(old) is type(new):
        for field in old._fields:
            one, other = getattr(old, field), getattr(new, field)
            yield from differ(f"{key}.{field}", one, other, _direction(type(old), field))
    else:
        # Tables of a list each ask for something of their own.
        grows = isinstance(old, (list, tuple)) and isinstance(new, (list, tuple))
        yield from differ(key, old, new, "more" if grows else "incomparable")


def _direction(cls: type[Settings], field: str) -> str | Sequence[str]:
    """What a field says tightens it, or what its patterns mean."""
    stated: str | Sequence[str] = cls._notes[field].options.get("tightens", "") if field in cls._notes else ""
    if stated:
        return stated
    value = getattr(cls, field, None)
    if isinstance(value, Guarding):
        return "more"
    return "fewer" if field in _PERMISSIONS else "incomparable"


def differ(key: str, old: Any, new: Any, direction: str | Sequence[str]) -> Iterator[Difference]:
    """The difference of two values of a setting, if there is one.

    What tightens, `direction`, is `higher` or `lower` numbers and flags (without a number there is no limit),
    `more` or `fewer` elements, `only` these (none: all), or a list of the values from the loosest to the
    tightest (others are tighter than the first); it may be the effect itself.
    """
    one, other = plain(old), plain(new)
    if one == other and type(one) is type(other):
        return
    effect: Effect
    if not isinstance(direction, str):
        effect = _ranked(one, other, direction)
    elif direction == "only" and not (one and other):
        effect = "loosens" if one else "tightens"
    elif direction in {"more", "fewer", "only"} and isinstance(one, list) and isinstance(other, list):
        effect = _effect_of_elements(old, new, more=direction == "more")
    elif direction in {"higher", "lower"}:
        limits = [_limit(value, direction) for value in (one, other)]
        effect = _effect(*limits) if direction == "higher" else _effect(*reversed(limits))
    else:
        effect = "incomparable"
        if direction in ("tightens", "loosens"):
            effect = "tightens" if direction == "tightens" else "loosens"
    yield Difference(key, one, other, effect, grows=direction == "more")


def _ranked(old: Any, new: Any, ranks: Sequence[Any]) -> Effect:
    """The effect between values in an order; all that are not in it are tighter than the first."""
    if old in ranks and new in ranks:
        return _effect(ranks.index(old), ranks.index(new))
    if ranks[0] in (old, new):
        return "tightens" if old == ranks[0] else "loosens"
    return "incomparable"


def _effect_of_elements(old: Any, new: Any, *, more: bool) -> Effect:
    """The effect of elements that came and went; patterns that others cover have not gone."""
    gone, come = _lost(old, new), _lost(new, old)
    if gone and come:
        return "incomparable"
    # With neither it is another order, or patterns that others cover: nothing is lost.
    return "tightens" if not (gone or come) or bool(come) == more else "loosens"


def _lost(one: Any, other: Any) -> list[Any]:
    left = plain(other)
    names = {element for element in left if isinstance(element, str)}
    lost = [element for element in plain(one) if element not in (names if isinstance(element, str) else left)]
    if isinstance(other, Patterns) and other.covers:
        return [name for name in lost if not is_plain(name) or other.find(name.strip("/").encode()) is None]
    return lost


def _limit(value: Any, direction: str) -> float:
    """A number for comparison; none, or zero as the most there may be, is no limit at all."""
    if isinstance(value, bool):
        return float(value)
    if value is None or (direction == "lower" and value == 0):
        return float("inf") if direction == "lower" else float("-inf")
    return float(value) if isinstance(value, (int, float)) else float("nan")


def _effect(old: float, new: float) -> Effect:
    if new > old:
        return "tightens"
    return "loosens" if new < old else "incomparable"


TOLD_BY: Final = "disregarded-setting"
"""The rule that tells what is loosened; no repository turns it off."""

_COMMON: Final = ("severity", "stages", "approvable", "exclude")
_OF_A_REPOSITORY: Final = ("base", "remote", "plugins", "authority.nested")
"""What is a repository's own to say; `documents`, too."""

_EXPLAINS: Final = ("normative", "order", "prose", "nothing")
"""Meanings of what is not read and holds nothing back."""

_OF_APPROVERS: Final = frozenset(["rules.locked-path.owners"])
"""Settings of rules that name a repository's approvers, which are held only where the floor sets them."""


def read_floor(file: str, registry: Callable[[Sequence[str]], Registry], *, pinned: str = "") -> Floor:
    """Read and compile a floor.

    Args:
        file: its name.
        registry: gives the rules and presets.
        pinned: the SHA-256 that it must have; empty: any.

    Raises:
        SpecguardError: it cannot be read, is wrong, or is not the one that is pinned.
    """
    from specguard.authority.compile import compile_policy

    source = read_file(file, "the floor")
    digest = sha256(source.text.encode()).hexdigest()
    if pinned and digest != pinned.lower():
        raise SpecguardError(
            f"this is not the floor that is pinned: its SHA-256 is {digest}",
            path=file,
            help="see what has changed in it, then pin it anew with --floor-sha256",
            code="untrusted-file",
        )
    policy = compile_policy([source], registry=registry, read=_refuse_documents)
    if policy is None or not policy.origins:
        raise SpecguardError("there are no settings in it", path=file, code="no-authority")
    for key in _OF_A_REPOSITORY:
        if key in policy.origins:
            raise _refused(key, policy.origins[key])
    unread = next((one for one in policy.unread if one.meaning not in _EXPLAINS), None)
    if unread is not None:
        # No repository's CFG001 tells of it, and whoever wrote it believes that it holds.
        raise SpecguardError(
            f"of the floor {unread.text!r} was not read: {unread.reason}",
            path=unread.path,
            line=unread.line,
            help="put it right, or take it out",
            code="broken-authority",
        )
    return Floor(file, digest, policy)


def _refuse_documents(_path: str, named_by: Origin) -> AuthoritySource:
    raise _refused("documents", named_by)


def _refused(key: str, origin: Origin) -> SpecguardError:
    return SpecguardError(
        f"a floor cannot set `{key}`, which is each repository's own",
        path=origin.path,
        line=origin.line or None,
        help="take it out: a floor is one file, for many repositories",
        code="broken-authority",
    )


class Floor(Record):
    """A floor, compiled once for any number of policies.

    Attributes:
        path: its file, as it was named.
        sha256: of that file, as hexadecimal digits.
        policy: what it comes to.
    """

    path: str
    sha256: str
    policy: Policy

    def hold(self, policy: Policy) -> Policy:
        """The policy with the floor's value wherever it loosens what the floor sets.

        A rule of which the floor has a table is held in all that does not tighten it, any other setting where
        the floor itself sets it. Lists of which more is tighter keep the elements of both.
        """
        from copy import deepcopy

        data = deepcopy(dict(policy.to_data()))
        data["floor"] = {"path": self.path, "sha256": self.sha256, "policy_id": self.policy.policy_id}
        self._turn_on(data)
        own = policy.origins
        for one in compare(self.policy, policy).differences:
            if one.effect == "tightens" or not self._sets(one):
                continue
            self._put(data, one)
            if one.key == "approvals.log":
                data["log"] = self.policy.to_data()["log"]
            if one.key in own and not _adds_up(one):
                said = f"{_relation(one)}: {one.key} {one.summary}"
                step = "take it out, or make it at least as tight as the floor"
                wrong = Disregarded(one.key, said, step, own[one.key], Origin(*self._origin(one.key)))
                data["disregarded"].append(wrong.data)
        if {**data, "floor": None} != {**policy.to_data(), "floor": None}:
            # An approval that was given without the floor is none of what now holds.
            data["policy_id"] = sha256(f"{policy.policy_id} {self.policy.policy_id}".encode()).hexdigest()
        if data["disregarded"]:
            next(rule for rule in data["rules"] if rule["name"] == TOLD_BY)["unset"] = ""
        held = Policy(data)
        held.own = policy
        return held

    def _turn_on(self, data: Mapping[str, Any]) -> None:
        """Let the rules and tables of the floor judge that the policy does not have."""
        floor = self.policy.to_data()
        rules = {rule["name"]: rule for rule in floor["rules"]}
        for rule in data["rules"]:
            known = rules.get(rule["name"])
            if known and not known["unset"]:
                rule["unset"] = ""
            if known and known["settings"] is not None and rule["settings"] is None:
                rule["settings"] = {}
        for fact, table in floor["declared"].items():
            data["declared"][fact]["set"] |= table["set"]

    def _sets(self, one: Difference) -> bool:
        """Whether the floor says something of the setting that differs."""
        origins = self.policy.origins
        if one.key.startswith("authority.sections."):
            # They say how the floor itself is read.
            return False
        if one.key in origins or not one.key.startswith("rules.") or one.key in _OF_APPROVERS:
            return one.key in origins
        table = ".".join(one.key.split(".")[:2])
        return table in origins or table == f"rules.{TOLD_BY}"

    def _origin(self, key: str) -> list[Any]:
        origin = self.policy.origin(key)
        if origin is None:
            return [f"floor:{basename(self.path)}", 0]
        # A temporary folder says nothing to who reads a finding.
        return [f"floor:{basename(self.path)}" if origin.path == self.path else origin.path, origin.line]

    def _put(self, data: dict[str, Any], one: Difference) -> None:
        """Put the floor's value in place, and where it is from; to what grows, only add it."""
        there, name, cls = _place(data, one.key)
        floor, _, _ = _place(self.policy.to_data(), one.key)
        origins = data["origins"]
        if one.grows and cls:
            # A list that is not set has the elements of its default.
            default = encode(getattr(load(cls), name, None))
            there.setdefault(name, default)
            floor = {name: default, **floor}
        grows = one.grows and name in there and name in floor
        first = len(_elements(there[name])) if grows else 0
        if grows:
            said = _elements(there[name])
            added = [index for index, value in enumerate(_elements(floor[name])) if value not in said]
            there[name] = _with(there[name], floor[name], added)
        else:
            added = list(range(len(_elements(floor.get(name)))))
            for key in [key for key in origins if key == one.key or key.startswith(f"{one.key}.")]:
                del origins[key]
            if name in floor:
                there[name] = floor[name]
            else:
                there.pop(name, None)
        for key in (one.key.rpartition(".")[0], one.key):
            if key and self.policy.origin(key):
                origins.setdefault(key, self._origin(key))
        for number, index in enumerate(added, start=first):
            origins[f"{one.key}.{number}"] = self._origin(f"{one.key}.{index}")


def _adds_up(one: Difference) -> bool:
    """Whether nothing of the repository is set aside, as the elements of both ask for something."""
    from specguard.authority.layers import UNITED

    of_tables = one.grows and isinstance(one.old, list) and all(isinstance(each, dict) for each in one.old)
    return of_tables or tuple(one.key.split(".")) in UNITED


def _relation(one: Difference) -> str:
    """How a setting stands to the floor's, and what comes of it."""
    if one.effect == "loosens":
        return "loosens the floor, whose value holds"
    if one.grows:
        return "lacks what the floor has, which holds too"
    return "cannot be compared with the floor, whose value holds"


def _place(data: Any, key: str) -> tuple[dict[str, Any], str, str]:
    """The table in a policy's data that a setting stands in, its name there, and its class, if it has one."""
    head, _, rest = key.partition(".")
    if head == "rules":
        name, _, field = rest.partition(".")
        rule = next(rule for rule in data["rules"] if rule["name"] == name)
        return (rule, field, "") if field in _COMMON else (rule["settings"], field, rule["target"])
    if head == "authority":
        return (data, "authority_keys", "") if rest == "keys" else (data["authority"], rest, "")
    declared = next((one for one in data["declared"].values() if one["table"] == head), None)
    if declared is None:
        return data["top"], head, ""
    value = declared["value"]
    if not rest:
        return declared, "value", ""
    if value["$"] == "record":
        return value["fields"], rest, value["class"]
    kind, _, field = rest.rpartition(".")
    if kind not in value["items"]:
        return value["items"], rest, ""
    return value["items"][kind]["fields"], field, value["items"][kind]["class"]


def _elements(value: Any) -> Sequence[Any]:
    """The elements of a list as data; none of another value."""
    if isinstance(value, dict):
        value = value.get("patterns")
    return value if isinstance(value, list) else ()


def _with(value: Any, other: Any, added: Sequence[int]) -> Any:
    """A list as data with some elements of another one behind its own."""
    if isinstance(value, dict):
        parts = ("patterns", "expressions")
        return {**value, **{part: _with(value[part], other[part], added) for part in parts}}
    return [*value, *[other[index] for index in added]]
