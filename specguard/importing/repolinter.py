"""repolinter's rulesets as settings for the rules about paths and contents.

Read at https://github.com/todogroup/repolinter: `docs/rules.md` for the rules and their options,
`rulesets/schema.json` for the ruleset, `lib/config.js` for the older form, in which a rule's type stands in
its name and its level in a list.
"""

from __future__ import annotations

from specguard.declaration.expressions import Expression, ExpressionError
from specguard.declaration.globs import PatternError, translate
from specguard.declaration.patterns import Covering
from specguard.documents.data import Data, read_data
from specguard.importing.imported import Imported, Place
from specguard.importing.reading import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

FILES: Final = ("repolinter.json", "repolinter.yaml", "repolinter.yml")
"""Where repolinter looks for a ruleset."""

CONTRACT: Final = "artifacts.repository"
"""The contract whose companions are the files that a repository must have."""

_MOST_ALTERNATIVES: Final = 50


class _Rule:
    """A rule of the ruleset that is on."""

    __slots__ = ("kind", "level", "name", "options", "place")

    def __init__(self, name: str, level: str, kind: str, options: Mapping[str, Any], place: Place) -> None:
        self.name = name
        self.level = level
        self.kind = kind
        self.options = options
        self.place = place

    def globs(self, *names: str) -> list[str]:
        """The patterns of the first of some options that it has; `files` in a ruleset of the older form."""
        for name in (*names, "files"):
            value = self.options.get(name)
            if isinstance(value, str):
                return [value]
            if isinstance(value, list):
                return [one for one in value if isinstance(one, str)]
        return []


def import_repolinter(top: str, name: str, paths: Sequence[bytes]) -> Imported:
    """What a ruleset comes to.

    Args:
        top: the repository's folder.
        name: the ruleset's file, from there.
        paths: the files that the repository has.

    Raises:
        SpecguardError: it cannot be read.
    """
    made = Imported()
    data = read_data(read_text(top, name), "json" if name.endswith(".json") else "yaml")
    if data.problem:
        made.leave(Place(name, data.problem.line), name, data.problem.message)
        return made
    value = data.value
    if not isinstance(value, dict):
        made.leave(Place(name), name, "it is no ruleset")
        return made
    if "extends" in value:
        why = "it is elsewhere; bring it here and import it too"
        made.leave(Place(name, data.line(("extends",))), f"extends {value['extends']}", why)
    if value.get("formatOptions"):
        made.leave(
            Place(name, data.line(("formatOptions",))), "formatOptions", "reports have their own forms"
        )
    rules = list(_rules(data, name, made))
    _Carrying(made, paths).all(rules)
    return made


def _rules(data: Data, name: str, made: Imported) -> Iterator[_Rule]:
    """The rules that are on and hold everywhere; of the others it is said that they are left."""
    rules = data.get("rules")
    if not isinstance(rules, dict):
        return
    old = data.get("version") is None and all(
        isinstance(value, dict) and not {"level", "rule"} & value.keys() for value in rules.values()
    )
    for key, value in rules.items():
        if old:
            for title, config in value.items():
                parts = config if isinstance(config, list) and config else [config]
                label, _, kind = title.rpartition(":")
                yield from _one(
                    label or kind, str(parts[0]), kind, parts[1] if len(parts) > 1 else {},
                    [] if key == "all" else [key], Place(name, data.line(("rules", key, title))), made,
                )  # fmt: skip
            continue
        place = Place(name, data.line(("rules", key)))
        if not isinstance(value, dict):
            made.leave(place, key, "it is no rule with a level")
            continue
        rule = value.get("rule")
        level = str(value.get("level", "error"))
        if isinstance(rule, dict):
            where, kind = value.get("where"), str(rule.get("type"))
            yield from _one(key, level, kind, rule.get("options"), _list(where), place, made)
        elif level != "off":
            made.leave(place, key, "what it asks for is in the ruleset that is extended")


def _one(
    name: str, level: str, kind: str, options: Any, where: Sequence[Any], place: Place, made: Imported
) -> Iterator[_Rule]:
    if level == "off":
        return
    if where:
        conditions = ", ".join(map(str, where))
        made.leave(place, name, f"it holds only where {conditions}, which nothing here tells")
    else:
        yield _Rule(name, level, kind, options if isinstance(options, dict) else {}, place)


class _Carrying:
    """Finds a setting for each rule.

    Args:
        made: what comes of it.
        paths: the files that the repository has.
    """

    def __init__(self, made: Imported, paths: Sequence[bytes]) -> None:
        self._made = made
        self._paths = paths

    def all(self, rules: Sequence[_Rule]) -> None:
        """Carry over all rules; those of one table must agree on whether they block."""
        tables: dict[str, list[_Rule]] = {}
        for rule in rules:
            table = _TABLES.get(rule.kind)
            if table is None:
                self._leave(rule, _WHY.get(rule.kind, f"there is no rule for {rule.kind}"))
            elif table:
                tables.setdefault(table, []).append(rule)
        for table, same in tables.items():
            errors = [rule for rule in same if rule.level == "error"]
            for rule in same:
                if errors and rule not in errors:
                    self._leave(rule, f"it only warns, and {table} blocks")
            made = [rule for rule in errors or same if self._carry(rule)]
            if made and not errors:
                places = [rule.place for rule in made]
                self._made.set(f"rules.{table}", "severity", "warning", *places)

    def _carry(self, rule: _Rule) -> bool:
        if rule.kind in ("file-existence", "directory-existence", "apache-notice"):
            return self._existing(rule)
        if rule.kind in ("file-not-exists", "file-type-exclusion"):
            return self._absent(rule)
        if rule.kind in ("file-not-contents", "git-grep-commits"):
            return self._without(rule)
        return self._small(rule)

    def _existing(self, rule: _Rule) -> bool:
        """A file that must be there stands beside the authority, by one of several names."""
        globs = ["NOTICE*"] if rule.kind == "apache-notice" else rule.globs("globsAny")
        names: list[str] = []
        for pattern in _expanded(globs):
            if rule.kind != "directory-existence":
                names += _spelled(pattern, rule.options)
            if rule.kind == "directory-existence" or rule.options.get("dirs") is True:
                names += _spelled(f"{pattern.rstrip('/')}/**", rule.options)
        names = list(dict.fromkeys(name.removeprefix("./") for name in names))
        if not names or len(names) > _MOST_ALTERNATIVES or not self._readable(rule, names):
            if not names:
                self._leave(rule, "it names no pattern")
            return False
        names = [name.replace("{", "{{").replace("}", "}}") for name in names]
        self._made.set(CONTRACT, "path", "SPEC_AUTHORITY.md", rule.place)
        self._made.add(CONTRACT, "companions", [names if len(names) > 1 else names[0]], rule.place)
        return True

    def _absent(self, rule: _Rule) -> bool:
        """A file that must not be there is at a forbidden path."""
        globs = rule.globs("globsAll", "type")
        kept = [pattern for pattern in globs if not pattern.startswith("!")]
        free = [pattern[1:] for pattern in globs if pattern.startswith("!")]
        paths, exclude = _expanded(kept), _expanded(free)
        if not paths or not self._readable(rule, [*paths, *exclude]):
            return False
        guarded, excluded = Covering(paths), Covering(exclude)
        there = next(
            (one for one in self._paths if guarded.find(one) is not None and excluded.find(one) is None), None
        )
        if there is not None:
            name = there.decode("utf-8", "backslashreplace")
            self._leave(rule, f"{name} is there, and a forbidden path cannot be taken away either")
            return False
        self._made.add("rules.forbidden-path", "paths", paths, rule.place)
        if exclude:
            self._made.add("rules.forbidden-path", "exclude", exclude, rule.place)
        return True

    def _without(self, rule: _Rule) -> bool:
        """What no file must contain is forbidden in added lines."""
        contents = [rule.options.get("content"), *(_list(rule.options.get("contents")))]
        flags = str(rule.options.get("flags") or "")
        if rule.kind == "git-grep-commits":
            contents = _list(rule.options.get("denylist") or rule.options.get("blacklist"))
            flags = "i" if rule.options.get("ignoreCase") is True else ""
        globs = rule.globs("globsAll")
        paths = _expanded([one for one in globs if not one.startswith("!")])
        exclude = _expanded([one[1:] for one in globs if one.startswith("!")])
        if not self._readable(rule, [*paths, *exclude]):
            return False
        forbidden: list[dict[str, Any]] = []
        for content in contents:
            if not isinstance(content, str) or not content:
                continue
            text = f"(?i){content}" if "i" in flags else content
            if "\\n" in content or "\n" in content or "[\\s\\S]" in content:
                self._leave(rule, "its expression is about several lines, and lines are judged one by one")
                return False
            try:
                Expression(text).check()
            except ExpressionError as error:
                self._leave(rule, str(error))
                return False
            one: dict[str, Any] = {"pattern": text}
            if paths and not set(paths) & {"**", "**/*"}:
                one["paths"] = paths
            if exclude:
                one["exclude"] = exclude
            message = rule.options.get("human-readable-content")
            if isinstance(message, str) and message:
                one["message"] = f"the line has {message}"
            forbidden.append(one)
        if not forbidden:
            self._leave(rule, "it names no expression")
            return False
        self._made.add("rules.forbidden-content", "forbid", forbidden, rule.place)
        return True

    def _small(self, rule: _Rule) -> bool:
        """A size that no file must have."""
        size = rule.options.get("size")
        if not set(rule.globs("globsAll")) & {"**", "**/*"}:
            self._leave(rule, "one size holds for every file")
            return False
        if isinstance(size, bool) or not isinstance(size, (int, float)) or size <= 0:
            self._leave(rule, "it names no size")
            return False
        self._made.set("rules.oversized-change", "file_bytes", int(size), rule.place)
        return True

    def _readable(self, rule: _Rule, patterns: Sequence[str]) -> bool:
        for pattern in patterns:
            problem = _problem(pattern)
            if problem:
                self._leave(rule, problem)
                return False
        return True

    def _leave(self, rule: _Rule, why: str) -> None:
        self._made.leave(rule.place, rule.name, why)


_TABLES: Final = {
    "file-existence": "missing-artifact",
    "directory-existence": "missing-artifact",
    "apache-notice": "missing-artifact",
    "file-not-exists": "forbidden-path",
    "file-type-exclusion": "forbidden-path",
    "file-not-contents": "forbidden-content",
    "git-grep-commits": "forbidden-content",
    "large-file": "oversized-change",
    "git-working-tree": "",
}
"""The rule that stands for a type of rules; empty where it holds anyway."""

_WHY: Final = {
    "file-contents": "no rule asks every one of some files for a text",
    "file-starts-with": "no rule asks for the first lines of files",
    "file-hash": "no rule asks for a file's hash; `locked-path` keeps it as it is",
    "file-hashes-not-exist": "no rule asks for a file's hash",
    "file-no-broken-links": "links are not followed, since nothing is asked of the network",
    "git-grep-log": "messages can only be asked for a form, not be searched for words",
    "git-list-tree": "its expressions are about paths, which patterns name here",
    "json-schema-passes": "its schema stands in the ruleset; put it into a file, and name that as the "
    "`schema` of a contract",
    "license-detectable-by-licensee": "which licence a text is, nothing here tells",
    "best-practices-badge-present": "what a badge says, nothing here asks",
}


def _problem(pattern: str) -> str:
    """What keeps a pattern from being one here; empty where nothing does."""
    if any(mark in pattern for mark in ("+(", "@(", "!(", "?(", "*(")):
        return f"the pattern {pattern!r} has a form that is not known here"
    try:
        translate(pattern, covers=False, folds=False)
    except PatternError as error:
        return str(error)
    return ""


def _expanded(globs: Sequence[str]) -> list[str]:
    """The patterns without `{a,b}`, which are written out."""
    return [one for pattern in globs for one in _alternatives(pattern)]


def _alternatives(pattern: str) -> list[str]:
    """A pattern for each way to read its `{a,b}`; braces without a comma stay."""
    found = [""]
    at = 0
    while at < len(pattern) and len(found) <= _MOST_ALTERNATIVES:
        end = pattern.find("}", at) if pattern[at] == "{" else -1
        inner = pattern[at + 1 : end]
        if end > 0 and "{" not in inner and "," in inner:
            found = [begun + one for begun in found for one in inner.split(",")]
            at = end + 1
        else:
            found = [begun + pattern[at] for begun in found]
            at += 1
    return found


def _spelled(pattern: str, options: Mapping[str, Any]) -> list[str]:
    """A pattern in the spellings that people use, where case does not count."""
    if options.get("nocase") is not True:
        return [pattern]
    folder, slash, name = pattern.rpartition("/")
    spellings = (name, name.upper(), name.lower(), name.capitalize())
    return list(dict.fromkeys(folder + slash + one for one in spellings))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
