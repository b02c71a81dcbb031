"""A compiled policy: plain data and the typed way into it, light enough for a hook."""

from __future__ import annotations

import re

from specguard.authority.guards import Guards
from specguard.authority.values import decode, load
from specguard.declaration.rule import Rule
from specguard.errors import MissingFact
from specguard.model import Origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.authority.ranks import Contradiction
    from specguard.authority.settings import AuthorityKey
    from specguard.authority.unread import Unread
    from specguard.change.tree import Documents
    from specguard.declaration.patterns import Covering, Selecting
    from specguard.model import Severity, Stage

FORMAT: Final = 5
"""The number of the data's format; data of another one is not read."""


class RuleInPolicy:
    """A rule as a policy has it.

    Attributes:
        code, name: the rule's.
        plugin: the distribution it comes from.
        target: its class, as `module:Class`.
        severity: the most one of its findings can be under this policy.
        default_severity: the same without this policy.
        stages: the moments of a check at which it runs.
        approvable: whether an approval may lift its findings.
        signed: whether only one that is signed may.
        unset: the settings it has nothing to judge without, where none of them is set; else empty.
        configured: whether the policy has a table for it.
    """

    __slots__ = (
        "_data",
        "_exclude",
        "_loaded",
        "_settings",
        "approvable",
        "code",
        "configured",
        "default_severity",
        "name",
        "plugin",
        "severity",
        "signed",
        "stages",
        "target",
        "unset",
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.code: str = data["code"]
        self.name: str = data["name"]
        self.plugin: str = data["plugin"]
        self.target: str = data["target"]
        self.severity: Severity = data["severity"]
        self.default_severity: Severity = data["default_severity"]
        self.stages: Sequence[Stage] = data["stages"]
        self.approvable: bool = data["approvable"]
        self.signed: bool = data["signed"]
        self.unset: str = data["unset"]
        self.configured: bool = data["settings"] is not None
        self._data = data
        self._exclude: Covering | None = None
        self._loaded: Rule | None = None
        self._settings: dict[str, Any] | None = None

    @property
    def exclude(self) -> Covering | None:
        """The paths it leaves alone; None where there are none."""
        if self._exclude is None and self._data["exclude"] is not None:
            self._exclude = decode(self._data["exclude"])
        return self._exclude

    @property
    def settings(self) -> Mapping[str, Any]:
        """The values of the settings that the policy has for it, without importing the rule."""
        if self._settings is None:
            self._settings = {name: decode(value) for name, value in (self._data["settings"] or {}).items()}
        return self._settings

    @property
    def package(self) -> str:
        """The package that its class is in."""
        return self.target.partition(":")[0].partition(".")[0]

    @property
    def active(self) -> bool:
        """Whether it has something to judge under this policy and is not off."""
        return self.severity != "off" and not self.unset

    def load(self) -> Rule:
        """The rule with its settings; its module is imported here."""
        if self._loaded is None:
            rule: Rule = load(self.target)(**self.settings)
            self._loaded = rule
        return self._loaded

    def __repr__(self) -> str:
        return f"RuleInPolicy({self.code} {self.name})"


class Statement:
    """A sentence of the authority that commands.

    Attributes:
        path: the document.
        line: its line.
        text: the sentence on one line.
        rules: the codes of the active rules that hold it; empty where none is bound to it.
        settings: where none is, settings that are known to hold it, each as a line of TOML.
    """

    __slots__ = ("line", "path", "rules", "settings", "text")

    def __init__(
        self, path: str, line: int, text: str, rules: Sequence[str], settings: Sequence[str] = ()
    ) -> None:
        self.path = path
        self.line = line
        self.text = text
        self.rules = rules
        self.settings = settings


class Policy:
    """What a change is judged by.

    Attributes:
        policy_id: sha256 of the compiled policy, as hexadecimal digits; origins play no part in it.
        base: the branch that changes are merged into; None: it is found.
        merge: `rebase`, `merge` or `squash`.
        require_work_item: whether a change must name an item, or the branches that must.
        remote: the canonical repository's URL, or None.
        max_entries: how many files a tree, and how many entries a change, may have to be judged.
        plugins: the distributions whose rules are used.
        normative: the documents that the authority names as normative.
        order: the documents by authority, the highest first.
        sections: the setting `[authority] sections`.
        documents: the path and object id of each document of the authority.
        rules: every registered rule, by code.
        log_folder: what the paths of the log of approvals begin with, a slash at its end.
        ref: the object id of the commit that the authority was read from; the caller sets it.
        trusted: whether that is a trusted base; the caller sets it.
        adopted: the documents of a first authority that the change itself brings; the caller sets them.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Make a policy of compiled data, or of what `to_data` gave.

        Raises:
            ValueError: the data is of another format.
        """
        if data.get("format") != FORMAT:
            raise ValueError("this policy was compiled by another version")
        self._data = data
        top = data["top"]
        self.policy_id: str = data["policy_id"]
        self.base: str | None = top["base"]
        self.merge: str = top["merge"]
        self.require_work_item: bool | Selecting = decode(top["require_work_item"])
        self.remote: str | None = top["remote"]
        self.max_entries: int = top["max_entries"]
        self.plugins: Sequence[str] = top["plugins"]
        self.normative: Sequence[str] = data["authority"]["normative"]
        self.order: Sequence[str] = data["authority"]["order"]
        self.sections: Mapping[str, str] = data["authority"]["sections"]
        self.documents: Sequence[tuple[str, str]] = [(path, oid) for path, oid in data["documents"]]
        self.rules: Sequence[RuleInPolicy] = [RuleInPolicy(rule) for rule in data["rules"]]
        self.log_folder: bytes = data["log"].strip("/").encode("utf-8", "surrogateescape") + b"/"
        self.ref: str | None = None
        self.trusted = False
        self.adopted: frozenset[bytes] = frozenset()
        self._declared: dict[str, Any] = {}
        self._guards: Guards | None = None

    @property
    def keys(self) -> Sequence[AuthorityKey]:
        """What a lower document of the order must not state otherwise than a higher one."""
        keys: Sequence[AuthorityKey] = decode(self._data["authority_keys"])
        return keys

    def contradictions(
        self, documents: Documents, judged: Callable[[bytes], bool]
    ) -> Iterator[Contradiction]:
        """What documents of the order state otherwise than higher ones; see `specguard.authority.ranks`."""
        from specguard.authority.ranks import contradictions

        return contradictions(self.order, self.keys, documents, judged=judged)

    def rank(self, path: bytes) -> int | None:
        """The place of a document in the order of authority, 0 for the highest; None where it has none."""
        from specguard.authority.ranks import rank_of

        return rank_of(self.order, path)

    def to_data(self) -> Mapping[str, Any]:
        """All of it but `ref` and `trusted`, as data that JSON can hold."""
        return self._data

    def rule(self, selector: str) -> RuleInPolicy | None:
        """The rule with this code or name."""
        return next((rule for rule in self.rules if selector in {rule.code, rule.name}), None)

    def declared(self, fact: str) -> Any:
        """The settings of a declared table: a record, a mapping of names to records, or a list of them.

        Raises:
            MissingFact: no plugin of this policy declares it.
        """
        if fact not in self._declared:
            if fact not in self._data["declared"]:
                raise MissingFact(f"nothing in this policy provides {fact!r}", code="broken-authority")
            self._declared[fact] = decode(self._data["declared"][fact]["value"])
        return self._declared[fact]

    def has_fact(self, fact: str) -> bool:
        """Whether a fact is a declared table's."""
        return fact in self._data["declared"]

    def declares(self, fact: str) -> bool:
        """Whether the policy has the table that a fact stands for."""
        data = self._data["declared"].get(fact)
        return data is not None and bool(data["set"])

    @property
    def tables(self) -> Mapping[str, Any]:
        """The settings of every declared table, by the table's name."""
        return {data["table"]: self.declared(fact) for fact, data in self._data["declared"].items()}

    @property
    def document_paths(self) -> frozenset[bytes]:
        """The paths of the authority's documents as git has them."""
        return frozenset(path.encode("utf-8", "surrogateescape") for path, _ in self.documents)

    @property
    def guards(self) -> Guards:
        """Every forbidden and locked pattern."""
        if self._guards is None:
            found = [self.rule(name) for name in ("forbidden-path", "locked-path")]
            self._guards = Guards(
                [
                    (rule.code, rule.name, rule.settings["paths"], rule.exclude)
                    for rule in found
                    if rule is not None and rule.active
                ]
            )
        return self._guards

    def origin(self, key: str) -> Origin | None:
        """Where a setting was written, by its dotted key; else the nearest key above it; None: a default."""
        origins = self._data["origins"]
        while key:
            if key in origins:
                path, line = origins[key]
                return Origin(path, line)
            key = key.rpartition(".")[0]
        return None

    def cite(self, rule: str, setting: str, tables: Sequence[str] = ()) -> Origin | None:
        """The line behind a rule's finding; None for one of a rule that is on by default.

        Args:
            rule: the rule's name.
            setting: a key within its table (`paths.2`) or from the top (`work.phase.branch`), or empty.
            tables: the keys from the top that the rule needs one of, cited where the setting has no line.
        """
        origins = self._data["origins"]
        table = f"rules.{rule}"
        first = setting.split(".", 1)[0]
        if setting and f"{table}.{first}" not in origins and first in self._data["keys"]:
            return self.origin(setting)
        if table in origins:
            return self.origin(f"{table}.{setting}" if setting else table)
        needed = [re.escape(key).replace(r"\*", r"[^.]+") for key in tables]
        found = next((key for key in origins if any(re.match(rf"{one}(?:\.|$)", key) for one in needed)), "")
        return self.origin(found)

    @property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of every key that is set, in the order of the keys."""
        return {key: Origin(path, line) for key, (path, line) in self._data["origins"].items()}

    @property
    def unread(self) -> Sequence[Unread]:
        """What was not understood in known sections and blocks."""
        from specguard.authority.unread import Unread

        return [Unread(*one) for one in self._data["unread"]]

    @property
    def statements(self) -> Sequence[Statement]:
        """The sentences of the authority that command."""
        return [Statement(*one) for one in self._data["statements"]]

    def value(self, key: str) -> Any:
        """The value of a top-level setting by its name, in plain form."""
        from specguard.authority.values import plain

        return plain(decode(self._data["top"][key]))
