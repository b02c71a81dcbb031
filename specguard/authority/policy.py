"""A compiled policy: plain data with typed access, light enough for a hook."""

from __future__ import annotations

from functools import cached_property

from specguard.change.entries import Entry, is_filed, is_record
from specguard.declaration.patterns import Covering, Guarding, Patterns, Selecting, fold, fold_text, is_plain
from specguard.declaration.regular_expressions import Expression
from specguard.declaration.rule import Rule, import_path, load
from specguard.errors import MissingFact
from specguard.model import SEVERITIES, TYPE_CHECKING, Origin, Record, cached_method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.authority.difference import Difference
    from specguard.authority.document_contradictions import Contradiction
    from specguard.authority.settings import AuthorityKey
    from specguard.change.tree import Documents
    from specguard.engine.baseline import BaselineChange
    from specguard.model import Severity, Stage


def encode(value: Any) -> Any:
    """Encode a value as data that `marshal` stores.

    Scalars, lists and maps stay. Any other value becomes a tuple of the import path of its class and the
    arguments that make it. A record is encoded without the fields that have their default. Patterns keep
    their translations and expressions their literals, so that a run translates nothing.

    Raises:
        TypeError: no setting can have this type.
    """
    if value is None or isinstance(value, (str, int, float, bytes)):
        return value
    if isinstance(value, (list, tuple)):
        return [encode(element) for element in value]
    if isinstance(value, dict):
        return {key: encode(element) for key, element in value.items()}
    cls = type(value)
    if isinstance(value, Patterns):
        arguments: dict[str, Any] = {"patterns": list(value.patterns), "expressions": list(value.expressions)}
    elif isinstance(value, Expression):
        arguments = {"text": value.text, "literals": list(value.literals)}
    else:
        values = vars(value)
        arguments = {
            name: encode(values[name])
            for name in value._fields
            if not hasattr(cls, name) or values[name] is not getattr(cls, name)
        }
    return import_path(cls), arguments


def decode(data: Any) -> Any:
    """Decode a value that `encode` encoded; classes are imported by name."""
    if isinstance(data, list):
        return [decode(element) for element in data]
    if isinstance(data, dict):
        return {key: decode(element) for key, element in data.items()}
    if isinstance(data, tuple):
        path, arguments = data
        return load(path)(**decode(arguments))
    return data


def plain(value: Any) -> Any:
    """Return a value as TOML has it: patterns as lists, records and maps as tables."""
    if isinstance(value, Patterns):
        return list(value.patterns)
    if isinstance(value, Expression):
        return value.text
    within = members(value)
    if within is None:
        return value.isoformat() if hasattr(value, "isoformat") else value
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    return {name: plain(element) for name, element in within}


def members(value: Any) -> list[tuple[str | int, Any]] | None:
    """Return the members of a table, record or list, by name or position; None for any other value."""
    if isinstance(value, Record):
        return [(name, getattr(value, name)) for name in value._fields]
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, (list, tuple)) else None


def leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each value in a setting that has no members, with its dotted key."""
    within = members(value)
    if within is None:
        yield key, value
    for name, one in within or ():
        yield from leaves(f"{key}.{name}", one)


class PolicyChange(Record):
    """The effect of a change on the policy. It is true if there is one, or if the new policy cannot be read.

    Attributes:
        differences: the settings that differ, by key.
        problem: why the policy after the change cannot be read; empty if it can.
        baseline: the change to the baseline; None if there is none.
        broken: the nested authorities that are disregarded as a whole after the change.
    """

    differences: Sequence[Difference] = ()
    problem: str = ""
    baseline: BaselineChange | None = None
    broken: Sequence[Disregarded] = ()

    def __bool__(self) -> bool:
        return bool(self.differences or self.problem or self.broken)


class Unread(Record, frozen=False):
    """Text in a known section, or a block of settings, that was not understood.

    Attributes:
        path: the document.
        line: its line.
        section: the title of the section; empty outside of known ones.
        text: the text, shortened to one line.
        reason: why it was not read, as a clause.
        meaning: the kind of text; empty for a block of settings. In a known section it is the meaning of the
            section's items, such as `locked-path`, or `prose` for text that explains them. A list of paths
            under an unknown title is `list`, or `title` if the words above it suggest a guard. An authority
            that sets nothing is `nothing`, and text that no rendered page shows is `hidden`.
    """

    path: str
    line: int
    section: str
    text: str
    reason: str
    meaning: str = ""


class Guard(Record):
    """The pattern that guards a path.

    Attributes:
        code: the rule's code: `PTH001` forbids, `PTH002` locks.
        rule: the rule's name.
        pattern: the pattern as it is written.
        key: the setting's key, e.g. `rules.locked-path.paths.3`.
    """

    code: str
    rule: str
    pattern: str
    key: str


class Guards:
    """The patterns of the active rules that forbid and lock; true if there are any.

    Args:
        rules: the code, name, patterns and exceptions of each such rule. The stricter rule comes first, and
            of equally strict ones that which forbids.
    """

    def __init__(self, rules: Sequence[tuple[str, str, Guarding, Covering | None]]) -> None:
        self._rules = [rule for rule in rules if rule[2]]

    def find(self, path: bytes) -> Guard | None:
        """Return the guard of a path; None if no pattern matches, or if the rule excludes it."""
        for code, name, patterns, exclude in self._rules:
            index = patterns.find(path)
            if index is not None and not (exclude and exclude.matches(path)):
                return Guard(code, name, patterns.patterns[index], f"rules.{name}.paths.{index}")
        return None

    def below(self, folder: bytes) -> Guard | None:
        """Return a guard of paths in a folder, by the fixed start of its pattern; None if there is none."""
        return self._folders.get(fold(folder))

    @cached_property
    def _folders(self) -> Mapping[bytes, Guard]:
        """The folders above the fixed start of each pattern, each with the first such guard."""
        found: dict[bytes, Guard] = {}
        for guard in self.all:
            segments = fold_text(guard.pattern.strip("/")).split("/")
            plain = next((end for end, name in enumerate(segments) if {*"*?\\"} & {*name}), len(segments))
            for end in range(1, min(plain + 1, len(segments))):
                found.setdefault("/".join(segments[:end]).encode("utf-8", "surrogateescape"), guard)
        return found

    @property
    def all(self) -> Iterator[Guard]:
        """Every pattern."""
        for code, name, patterns, _ in self._rules:
            for index, pattern in enumerate(patterns.patterns):
                yield Guard(code, name, pattern, f"rules.{name}.paths.{index}")

    def __bool__(self) -> bool:
        return bool(self._rules)


FORMAT: Final = 12
"""The version of the compiled data's format; data of any other version is rejected."""


_PLACES: Final = frozenset({"path", "root", "files", "source", "document", "folder"})
"""The keys of declared tables that say where documents are."""


COMMON: Final = ("severity", "approvable", "exclude", "stages")
"""The settings that every rule has."""


class RuleInPolicy:
    """A rule with its settings in a policy.

    Args:
        data: what the policy knows of the rule.
        table: its settings and those of `COMMON`, encoded.

    Attributes:
        code, name: the rule's code and name.
        plugin: the distribution that the rule comes from.
        target: its class, as `module:Class`.
        severity: the highest severity of its findings under this policy.
        default_severity: their highest severity without this policy.
        stages: the stages at which the rule runs.
        approvable: True if an approval may lift its findings.
        signed: True if only a signed approval may lift them.
        unset: the settings of which the rule needs one, if none is set; else empty.
        configured: True if the policy has a table for the rule.
    """

    code: str
    name: str
    plugin: str
    target: str
    severity: Severity
    default_severity: Severity
    stages: Sequence[Stage]
    approvable: bool
    signed: bool
    unset: str
    configured: bool

    def __init__(self, data: Mapping[str, Any], table: Mapping[str, Any]) -> None:
        self.__dict__.update(data)
        self._settings = dict(table)
        # The other settings are decoded when they are asked for.
        self.severity, self.approvable, self._exclude, self.stages = map(self._settings.pop, COMMON)

    @cached_property
    def exclude(self) -> Covering | None:
        """The paths that the rule ignores; None if there are none."""
        exclude: Covering | None = decode(self._exclude)
        return exclude

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The values of the settings that the policy has for the rule, without importing the rule."""
        return dict(decode(self._settings))

    @property
    def patterns(self) -> Iterator[tuple[str, Patterns]]:
        """Every list of path patterns that the policy has for the rule, with its key; `exclude` is last."""
        for key, value in leaves(f"rules.{self.name}", {**self.settings, "exclude": self.exclude}):
            if isinstance(value, Patterns):
                yield key, value

    @property
    def package(self) -> str:
        """The top-level package of its class."""
        return self.target.partition(":")[0].partition(".")[0]

    @property
    def active(self) -> bool:
        """True if the rule has something to judge under this policy, and is not off."""
        return not self.idle

    @property
    def idle(self) -> str:
        """The reason why it is not active, as a clause; empty if it is."""
        if self.severity == "off":
            return "the policy has it off"
        return f"the policy sets no {self.unset}" if self.unset else ""

    @cached_method
    def load(self) -> Rule:
        """Import the rule's module, and return the rule with its settings."""
        rule: Rule = load(self.target)(**self.settings)
        return rule


class Disregarded(Record):
    """A setting that a floor overrides, or a problem for which a nested authority is disregarded.

    Attributes:
        key: the setting's dotted key; empty for a nested authority that is disregarded as a whole.
        message: the problem with it, in one sentence.
        help: the next step.
        origin: where it is written.
        above: where the floor sets it, or where the authority names the nested one.
    """

    key: str
    message: str
    help: str
    origin: Origin
    above: Origin

    @property
    def step(self) -> str:
        """The next step as a sentence."""
        step = self.help or "put the document right"
        return f"{step[:1].upper()}{step[1:]}."


class Statement(Record):
    """A sentence of the authority that commands.

    Attributes:
        path: the document.
        line: its line.
        text: the sentence on one line.
        rules: the codes of the active rules that enforce it; empty if no rule does.
        settings: if no rule does, settings that would enforce it, each as a line of TOML.
    """

    path: str
    line: int
    text: str
    rules: Sequence[str]
    settings: Sequence[str] = ()


class Policy:
    """The policy that judges a change.

    Attributes:
        data: the policy as data that `marshal` stores, without the attributes that the caller sets.
        policy_id: the sha256 of the compiled policy without its origins, as hexadecimal digits.
        base: the branch that changes are merged into; None to detect it.
        merge: `rebase`, `merge` or `squash`.
        require_work_item: True if a change must name an item, or a pattern of the branches that must.
        remote: the canonical repository's URL, or None.
        max_entries: the most files of a tree, and entries of a change, that are judged.
        plugins: the distributions whose rules are used.
        normative: the documents that the authority names as normative.
        order: the documents by authority, the highest first.
        sections: the setting `[authority] sections`.
        nested: patterns of the folders whose own authorities are read.
        documents: the path and object id of each document of the authority.
        rules: every registered rule, by code.
        floor: the file, SHA-256 and policy id of the floor that the policy is held to; None without one.
        log_folder: the folder of the log of approvals, with a slash at its end.
        ref: the object id of the commit that the authority was read from; the caller sets it.
        based: True if that commit is the base of changes; the caller sets it.
        trusted: True if that base is trusted, too; the caller sets it.
        adopted: the documents of a first authority that the change itself adds, and all files of a person's
            first commit; the caller sets them.
        drafts: the documents that a person may still alter, as the base has no authority and lacks them; the
            caller sets them. None: every document is held.
        own: the policy before a floor was applied to it; None without a floor.
        above: the floor's policy; None without a floor.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Make a policy from compiled data, or from another's `data`.

        Raises:
            ValueError: the data has another format.
        """
        if data.get("format") != FORMAT:
            raise ValueError("this policy was compiled by another version")
        self.data = data
        top, authority = data["settings"], data["settings"]["authority"]
        self.policy_id: str = data["policy_id"]
        self.base: str | None = top["base"]
        self.merge: str = top["merge"]
        self.require_work_item: bool | Selecting = decode(top["require_work_item"])
        self.remote: str | None = top["remote"]
        self.max_entries: int = top["max_entries"]
        self.plugins: Sequence[str] = top["plugins"]
        self.normative: Sequence[str] = authority["normative"]
        self.order: Sequence[str] = authority["order"]
        self.sections: Mapping[str, str] = authority["sections"]
        self.nested: Sequence[str] = authority["nested"]
        self.documents: Sequence[tuple[str, str]] = [(path, oid) for path, oid in data["documents"]]
        self.rules: Sequence[RuleInPolicy] = [
            RuleInPolicy(rule, top["rules"][name]) for name, rule in data["rules"].items()
        ]
        self.floor: Mapping[str, str] | None = data.get("floor")
        self.log_folder: bytes = data["log"].strip("/").encode("utf-8", "surrogateescape") + b"/"
        self.ref: str | None = None
        self.based = False
        self.trusted = False
        self.adopted: frozenset[bytes] = frozenset()
        self.drafts: frozenset[bytes] | None = None
        self.own: Policy | None = None
        self.above: Policy | None = None

    def is_record(self, path: bytes) -> bool:
        """Return True if a path is that of a record in the log of approvals, or of its signature."""
        return is_record(path, self.log_folder)

    def is_filed(self, entry: Entry) -> bool:
        """Return True if an entry adds such a record as a plain file."""
        return is_filed(entry, self.log_folder)

    @property
    def keys(self) -> Sequence[AuthorityKey]:
        """The keys that a lower document of the order must not state differently from a higher one."""
        return list(decode(self.data["settings"]["authority"]["keys"]))

    def contradictions(
        self, documents: Documents, judged: Callable[[bytes], bool]
    ) -> Iterator[Contradiction]:
        """Yield the statements of lower documents that contradict higher ones.

        See `specguard.authority.document_contradictions.contradictions`.
        """
        from specguard.authority.document_contradictions import contradictions

        return contradictions(self, documents, judged)

    @cached_property
    def ranks(self) -> Selecting:
        """The patterns of the order of authority, the highest first; a folder has everything below it."""
        texts = (f"{one}**" if one.endswith("/") else one for one in self.order)
        expressions = [(Covering if is_plain(one) else Selecting).translate(one) for one in texts]
        return Selecting(self.order, expressions)

    def __reduce__(self) -> tuple[type[Policy], tuple[Mapping[str, Any]]]:
        """Pickle the policy as its data, for another process."""
        return Policy, (self.data,)

    def rule(self, selector: str) -> RuleInPolicy | None:
        """Return the rule with this code or name; None if there is none."""
        return next((rule for rule in self.rules if selector in {rule.code, rule.name}), None)

    def active_rule(self, selector: str) -> RuleInPolicy | None:
        """Return the rule with this code or name; None if there is none, or if it is not active."""
        rule = self.rule(selector)
        return rule if rule is not None and rule.active else None

    def held(self, rule: Rule, setting: str) -> Any:
        """Return a rule as the floor has it, which a setting of the repository's own would replace.

        Args:
            rule: the rule.
            setting: the dotted key of that setting, such as `work.phase.branch`.

        Returns:
            None if the floor has that setting too, or nothing for the rule, and without a floor.
        """
        above = self.above
        known = above.active_rule(rule.code) if above and setting not in above.origins else None
        return known.load() if known else None

    @cached_method
    def declared(self, fact: str) -> Any:
        """Return a declared table's settings: a record, a mapping of names to records, or a list of records.

        Raises:
            MissingFact: no plugin of this policy declares it.
        """
        if not self.has_fact(fact):
            raise MissingFact(f"nothing in this policy provides {fact!r}", code="broken-authority")
        return decode(self.data["settings"][self.data["facts"][fact]["table"]])

    def has_fact(self, fact: str) -> bool:
        """Return True if a fact is the settings of a declared table."""
        return fact in self.data["facts"]

    def declares(self, fact: str) -> bool:
        """Return True if the policy sets the declared table that a fact stems from."""
        return bool(self.data["facts"].get(fact, {}).get("set"))

    @property
    def tables(self) -> Mapping[str, Any]:
        """The settings of every declared table, by the table's name."""
        return {one["table"]: self.declared(fact) for fact, one in self.data["facts"].items()}

    @property
    def document_paths(self) -> frozenset[bytes]:
        """The paths of the authority's documents as git has them."""
        return frozenset(path.encode("utf-8", "surrogateescape") for path, _ in self.documents)

    @property
    def schemas(self) -> frozenset[bytes]:
        """The paths of the JSON Schemas of its contracts."""
        # Hooks have no time to import what a contract is.
        contracts = self.data["settings"]["artifacts"].values() if self.declares("contracts") else ()
        return frozenset(one["schema"].encode() for _, one in contracts if "schema" in one)

    @cached_property
    def document_guards(self) -> Guards:
        """The patterns of the documents that rules read, as guards of no rule."""
        tables = [one.values() if isinstance(one, dict) else [one] for one in self.tables.values()]
        found = [getattr(one, name, []) for table in tables for one in table for name in _PLACES]
        lists = [[one] if isinstance(one, str) else getattr(one, "patterns", one) for one in found]
        texts = [each for one in lists if isinstance(one, list | tuple) for each in one]
        return Guards([("", "", Guarding(texts, []), None)])

    @cached_property
    def guards(self) -> Guards:
        """Every forbidden and locked pattern."""
        active = [*filter(None, map(self.active_rule, ("forbidden-path", "locked-path")))]
        # A rule that is less severe, or lacks a stage of the one that locks, takes no path from that one.
        stages = {stage for rule in active[-1:] for stage in rule.stages}
        active.sort(key=lambda rule: (-len(stages & {*rule.stages}), -SEVERITIES.index(rule.severity)))
        return Guards([(rule.code, rule.name, rule.settings["paths"], rule.exclude) for rule in active])

    def origin(self, key: str) -> Origin | None:
        """Return the place of a setting by its dotted key, or of the nearest key above; None if default."""
        while key and key not in self.origins:
            key = key.rpartition(".")[0]
        return self.origins.get(key)

    def has_key(self, name: str) -> bool:
        """Return True if a name is that of a key or table at the top of a policy."""
        return name in self.data["settings"]

    def cite(self, rule: str, setting: str, tables: Sequence[str] = ()) -> Origin | None:
        """Return the line of the policy that a rule's finding cites; None if the rule is on by default.

        Args:
            rule: the rule's name.
            setting: a key within its table (`paths.2`) or from the top (`work.phase.branch`), or empty.
            tables: keys from the top, of which the rule needs one; cited if the setting has no line.
        """
        table, first = f"rules.{rule}", setting.partition(".")[0]
        if self.has_key(first) and f"{table}.{first}" not in self.origins:
            return self.origin(setting)
        if table in self.origins:
            return self.origin(f"{table}.{setting}" if setting else table)
        found = (key for key in self.origins if any(is_in_table(key.split("."), one) for one in tables))
        return self.origin(next(found, ""))

    @cached_property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of every key that is set, in the order of the keys."""
        return {key: Origin(path, line) for key, (path, line) in self.data["origins"].items()}

    @property
    def unread(self) -> Sequence[Unread]:
        """Text in known sections and blocks of settings that was not understood."""
        return list(decode(self.data["unread"]))

    @property
    def disregarded(self) -> Sequence[Disregarded]:
        """Disregarded settings: those of nested authorities with errors, and those that loosen the floor."""
        return list(decode(self.data["disregarded"]))

    def is_nested(self, path: bytes) -> bool:
        """Return True if a path is that of a nested authority or below it, whether or not the file exists."""
        folder, name, _ = (path + b"/").partition(b"/SPEC_AUTHORITY.md/")
        return bool(name) and Selecting([one.strip("/") for one in self.nested]).matches(folder)

    def is_of_others(self, document: str, entries: Sequence[Entry]) -> bool:
        """Return True if a document is a nested authority, and the change has no entry in its folder."""
        path = document.encode("utf-8", "surrogateescape")
        folder = path.rpartition(b"/")[0] + b"/"
        return self.is_nested(path) and not any(entry.path.startswith(folder) for entry in entries)

    @property
    def summary(self) -> dict[str, Any]:
        """The policy's identity for reports; its content is in `data`."""
        return {
            "documents": [path for path, _ in self.documents],
            "ref": self.ref,
            "blobs": dict(self.documents),
            "policy_id": self.policy_id,
            "trusted": self.trusted,
            "plugins": list(self.plugins),
            **({"floor": self.floor} if self.floor else {}),
        }

    @property
    def statements(self) -> Sequence[Statement]:
        """The sentences of the authority that command."""
        return list(decode(self.data["statements"]))

    def value(self, key: str) -> Any:
        """Return the value of a top-level setting by its name, as TOML has it."""
        return plain(decode(self.data["settings"][key]))

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting, with defaults, table by table as TOML has them."""
        return dict(decode(self.data["settings"]))


def is_in_table(key: Sequence[str | int], table: str) -> bool:
    """Return True if a key is that of a table or is inside it; `*` in the table's key matches any name."""
    wanted = table.split(".")
    return len(key) >= len(wanted) and all(
        one in ("*", str(name)) for name, one in zip(key, wanted, strict=False)
    )
