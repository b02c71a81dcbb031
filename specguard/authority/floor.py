"""A floor: an organisation's authority, which its repositories may tighten and not loosen.

The settings of a policy that loosen the floor are found as PTH004 finds those that a change loosens. Each
gets the floor's value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os.path import basename
from typing import Any, Final

from specguard.authority.compile import compile_policy
from specguard.authority.difference import Difference, compare
from specguard.authority.layers import UNITED_LISTS, SettingProblem
from specguard.authority.load import read_file
from specguard.authority.policy import Disregarded, Policy, encode
from specguard.change.entries import sha256
from specguard.declaration.patterns import Patterns
from specguard.declaration.registry import Registry
from specguard.errors import SpecguardError
from specguard.model import Origin, Record

REPORTING_RULE: Final = "disregarded-setting"
"""The rule that reports loosened settings; no repository can turn it off."""

_REPOSITORY_SETTINGS: Final = ("base", "remote", "plugins", "documents", "authority.nested")
"""Settings that only a repository may set."""

_EXPLANATIONS: Final = ("normative", "order", "prose", "nothing")
"""Meanings of unread text that guards nothing."""

_APPROVER_SETTINGS: Final = frozenset(["rules.locked-path.owners"])
"""Rule settings that name a repository's approvers. The floor overrides them only if it sets them itself."""


def read_floor(file: str, registry: Callable[[Sequence[str]], Registry], *, pinned: str = "") -> Floor:
    """Read and compile a floor.

    Args:
        file: the file's name.
        registry: returns the rules and presets.
        pinned: the SHA-256 that the file must have; empty for any.

    Raises:
        SpecguardError: the file cannot be read, is invalid, or does not have the pinned SHA-256.
    """
    source = read_file(file, "the floor")
    digest = sha256(source.text.encode())
    if pinned and digest != pinned.lower():
        message = f"this is not the floor that is pinned: its SHA-256 is {digest}"
        help = "see what has changed in it, then pin it anew with --floor-sha256"
        raise SpecguardError(message, path=file, help=help, code="untrusted-file")
    policy = compile_policy([source], None, registry=registry)
    if policy is None or not policy.origins:
        help = "write a table into it, such as [rules.locked-path], in Markdown in a block `toml specguard`"
        raise SpecguardError("there are no settings in it", path=file, help=help, code="no-authority")
    for key in _REPOSITORY_SETTINGS:
        place = policy.origins.get(key)
        if place and place.is_file:
            message = f"a floor cannot set `{key}`, which is each repository's own"
            raise SettingProblem(message, place, "take it out: a floor is one file, for many repositories")
    unread = next((one for one in policy.unread if one.meaning not in _EXPLANATIONS), None)
    if unread is not None:
        # CFG001 of no repository reports it, and its author believes that it is enforced.
        message = f"of the floor {unread.text!r} was not read: {unread.reason}"
        raise SettingProblem(message, Origin(unread.path, unread.line), "put it right, or take it out")
    return Floor(file, digest, policy)


class Floor(Record):
    """A floor, compiled once for any number of policies.

    Attributes:
        path: its file, as it was named.
        sha256: the SHA-256 of that file, as hexadecimal digits.
        policy: its compiled policy.
    """

    path: str
    sha256: str
    policy: Policy

    def apply(self, policy: Policy) -> Policy:
        """Return the policy with the floor's value for each setting that loosens the floor.

        In a rule with a table in the floor, every setting that does not tighten it is overridden. Any other
        setting is overridden if the floor itself sets it. Lists that are tighter with more elements keep the
        elements of both.
        """
        from copy import deepcopy

        data = deepcopy(dict(policy.data))
        data["floor"] = {"path": self.path, "sha256": self.sha256, "policy_id": self.policy.policy_id}
        self._turn_on_rules(data)
        for one in compare(self.policy, policy):
            if one.effect == "tightens" or not self._governs(one):
                continue
            self._override_setting(data, one)
            if one.key == "approvals.log":
                data["log"] = self.policy.data["log"]
            if one.key in policy.origins and not _keeps_both(one):
                message = f"is not as tight as the floor, which holds: {one.key} {one.summary}"
                step = "take it out, or make it at least as tight as the floor"
                above = Origin(*self._origin(one.key))
                entry = Disregarded(one.key, message, step, policy.origins[one.key], above)
                data["disregarded"].append(encode(entry))
        if {**data, "floor": None} != {**policy.data, "floor": None}:
            # An approval that was given without the floor does not count under it.
            data["policy_id"] = sha256(f"{policy.policy_id} {self.policy.policy_id}".encode())
        if data["disregarded"]:
            data["rules"][REPORTING_RULE]["unset"] = ""
        result = Policy(data)
        result.own, result.above = policy, self.policy
        return result

    def _turn_on_rules(self, data: Mapping[str, Any]) -> None:
        """Turn on the rules and tables of the floor that the policy lacks."""
        for name, known in self.policy.data["rules"].items():
            if rule := data["rules"].get(name):
                rule["unset"] = known["unset"] and rule["unset"]
                rule["configured"] |= known["configured"]
        for fact, table in self.policy.data["facts"].items():
            data["facts"][fact]["set"] |= table["set"]

    def _governs(self, one: Difference) -> bool:
        """Return True if the floor sets the setting that differs, or has a table of its rule."""
        origins = self.policy.data["origins"]
        if one.key in _REPOSITORY_SETTINGS or one.path[:2] == ("authority", "sections"):
            # A preset may suggest the former; the latter control how the floor itself is read.
            return False
        if one.key in origins or one.path[0] != "rules" or one.key in _APPROVER_SETTINGS:
            # A table that only the repository has can have the key of the floor's setting: `report.evidence`.
            return one.key in origins and one.before is not None
        table = ".".join(one.path[:2])
        return table in origins or table == f"rules.{REPORTING_RULE}"

    def _origin(self, key: str) -> list[Any]:
        origin = self.policy.origin(key) or Origin(self.path, 0)
        # The path of a temporary folder is useless to the reader of a finding.
        return [f"floor:{basename(self.path)}" if origin.path == self.path else origin.path, origin.line]

    def _override_setting(self, data: dict[str, Any], one: Difference) -> None:
        """Write the floor's value and origins into the data; if more is tighter, add only new elements."""
        table = data["settings"]
        for name in one.path[:-1]:
            # An encoded record has its fields behind its class.
            table = table[name][1] if isinstance(table[name], tuple) else table[name]
        origins, value, old, new = data["origins"], one.before, one.old, one.new
        taken = {one.key: one.key}
        if one.grows and isinstance(new, dict):
            entries = [f"{one.key}.{entry}" for entry in old if old[entry] != new.get(entry)]
            taken, value = {entry: entry for entry in entries}, {**one.after, **value}
        elif one.grows and new is not None:
            added = [at for at, each in enumerate(old) if each not in new]
            taken = {f"{one.key}.{at}": f"{one.key}.{own}" for at, own in enumerate(added, len(new))}
            of_patterns = isinstance(value, Patterns)
            known, more = (one.after.patterns, old) if of_patterns else (one.after, value)
            value = [*known, *(more[at] for at in added)]
            value = type(one.after)(value) if of_patterns else value
        else:
            for key in [key for key in origins if key == one.key or key.startswith(f"{one.key}.")]:
                del origins[key]
        table[one.path[-1]] = encode(value)
        for key in (one.key.rpartition(".")[0], one.key):
            if key and self.policy.origin(key):
                origins.setdefault(key, self._origin(key))
        for key, own in taken.items():
            below = [each for each in self.policy.origins if each.startswith(f"{own}.")]
            origins |= {key + each.removeprefix(own): self._origin(each) for each in [own, *below]}


def _keeps_both(one: Difference) -> bool:
    """Return True if nothing of the repository is overridden, because the elements of both sides count."""
    of_tables = one.grows and isinstance(one.old, list) and all(isinstance(each, dict) for each in one.old)
    return of_tables or one.path in UNITED_LISTS
