"""commitlint's configuration as settings for the rules about commit messages.

Read at https://github.com/conventional-changelog/commitlint: `docs/reference/rules.md` for the rules,
`@commitlint/load` for the places of the configuration, `@commitlint/config-conventional` and
`@commitlint/config-angular` for what these two ask for, `@commitlint/is-ignored` for what is never judged.
"""

from __future__ import annotations

import os
import re

from specguard.documents.data import Data, read_data
from specguard.importing.imported import Imported, Place
from specguard.importing.reading import read_text
from specguard.importing.script import Unreadable, read_script
from specguard.model import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

FILES: Final = (
    "package.json", "package.yaml", ".commitlintrc", ".commitlintrc.json", ".commitlintrc.yaml",
    ".commitlintrc.yml", ".commitlintrc.js", ".commitlintrc.cjs", ".commitlintrc.mjs",
    "commitlint.config.js", "commitlint.config.cjs", "commitlint.config.mjs",
    ".commitlintrc.ts", ".commitlintrc.cts", ".commitlintrc.mts",
    "commitlint.config.ts", "commitlint.config.cts", "commitlint.config.mts",
)  # fmt: skip
"""Where commitlint looks for its configuration, in its order."""

_SCRIPTS: Final = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts")
_MOST_FILES: Final = 20
_LEVELS: Final = {
    "RuleConfigSeverity.Disabled": 0, "RuleConfigSeverity.Warning": 1, "RuleConfigSeverity.Error": 2,
}  # fmt: skip

_NEVER_CASES: Final = ["sentence-case", "start-case", "pascal-case", "upper-case"]
_CONVENTIONAL: Final[Mapping[str, Sequence[Any]]] = {
    "body-leading-blank": (1, "always"),
    "body-max-line-length": (2, "always", 100),
    "footer-leading-blank": (1, "always"),
    "footer-max-line-length": (2, "always", 100),
    "header-max-length": (2, "always", 100),
    "header-trim": (2, "always"),
    "subject-case": (2, "never", _NEVER_CASES),
    "subject-empty": (2, "never"),
    "subject-full-stop": (2, "never", "."),
    "type-case": (2, "always", "lower-case"),
    "type-empty": (2, "never"),
    "type-enum": (
        2, "always",
        ["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"],
    ),
}  # fmt: skip
_ANGULAR: Final[Mapping[str, Sequence[Any]]] = {
    "body-leading-blank": (1, "always"),
    "footer-leading-blank": (1, "always"),
    "header-max-length": (2, "always", 72),
    "scope-case": (2, "always", "lower-case"),
    "subject-case": (2, "never", _NEVER_CASES),
    "subject-empty": (2, "never"),
    "subject-exclamation-mark": (2, "never"),
    "subject-full-stop": (2, "never", "."),
    "type-case": (2, "always", "lower-case"),
    "type-empty": (2, "never"),
    "type-enum": (
        2, "always", ["build", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"],
    ),
}  # fmt: skip
_SHARED: Final = {
    "@commitlint/config-conventional": _CONVENTIONAL,
    "@commitlint/config-angular": _ANGULAR,
    "@commitlint/config-angular-type-enum": {"type-enum": _ANGULAR["type-enum"]},
}
_PARSERS: Final = ("conventional-changelog-conventionalcommits", "conventional-changelog-angular")

_IGNORED: Final = [
    "^Merge (pull request|tag|branch|remote-tracking branch) ?", "^Merge .* into ", "^Merged .* (in|into) ",
    "^Merged PR .*: ", "^[Rr](evert|eapply) ", "^(amend|fixup|squash)!", "^Automatic merge",
    "^Auto-merged .* into ",
    r"^(chore(\([^)]+\))?:)? *v?[0-9]+(\.[0-9]+){2}([-+][0-9A-Za-z.+-]+)?( *[\[(](skip|ci).(skip|ci)[\])])?$",
]  # fmt: skip
"""What commitlint leaves alone unless it is told otherwise, as expressions for a subject."""

_KEBAB: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TRAILER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*): ?")
_MOST_REPEATED: Final = 1000
"""RE2 repeats nothing more often."""


class _Rule:
    """A rule that is on, and where it is configured."""

    __slots__ = ("level", "name", "place", "value", "when")

    def __init__(self, name: str, config: Sequence[Any], place: Place) -> None:
        self.name = name
        self.level: int = config[0]
        self.when: str = config[1] if len(config) > 1 else "always"
        self.value: Any = config[2] if len(config) > 2 else None
        self.place = place


def import_commitlint(top: str, name: str) -> Imported:
    """What a configuration comes to.

    Args:
        top: the repository's folder.
        name: the configuration's file, from there; of a `package.json` its key `commitlint` counts.

    Raises:
        SpecguardError: it cannot be read.
    """
    return _Reading(top).imported(name)


def has_configuration(top: str, name: str) -> bool:
    """Whether a file that is there configures commitlint; a `package.json` does so with a key of its own."""
    if not os.path.isfile(os.path.join(top, name)):
        return False
    if not name.startswith("package."):
        return True
    value = _data(name, read_text(top, name)).value
    return isinstance(value, dict) and "commitlint" in value


class _Reading:
    def __init__(self, top: str) -> None:
        self._top = top
        self._made = Imported()
        self._read: list[str] = []
        self._rules: dict[str, _Rule] = {}
        self._unknown_parser = False
        self._ignores_usual = True
        self._place = Place("")

    def imported(self, name: str) -> Imported:
        self._place = Place(name)
        self._take(name)
        rules = {name: rule for name, rule in self._rules.items() if rule.level}
        self._messages(rules)
        self._form(rules)
        self._trailers(rules)
        for rule in rules.values():
            self._made.leave(rule.place, rule.name, _WHY.get(rule.name, "there is no setting for it"))
        return self._made

    # Reading

    def _take(self, name: str) -> None:
        """Take over what a file configures; what it extends comes first."""
        if name in self._read or len(self._read) >= _MOST_FILES:
            return
        self._read.append(name)
        data = _data(name, read_text(self._top, name))
        at: tuple[str, ...] = ("commitlint",) if os.path.basename(name).startswith("package.") else ()
        if data.problem:
            self._made.leave(Place(name, data.problem.line), name, data.problem.message)
            return
        value = data.get(at) if at else data.value
        if not isinstance(value, dict):
            self._made.leave(Place(name, data.line(at)), name, "it is no object of settings")
            return
        extends = value.get("extends")
        for index, base in enumerate(extends if isinstance(extends, list) else [extends]):
            if base is not None:
                line = data.line((*at, "extends", index) if isinstance(extends, list) else (*at, "extends"))
                self._extend(base, name, Place(name, line))
        for key, inner in value.items():
            place = Place(name, data.line((*at, key)))
            if key == "rules" and isinstance(inner, dict):
                for rule, config in inner.items():
                    self._configure(rule, config, Place(name, data.line((*at, key, rule))))
            elif key == "defaultIgnores" and isinstance(inner, bool):
                self._ignores_usual = inner
            elif key == "parserPreset":
                self._parser(inner, place)
            elif key not in ("extends", "$schema"):
                self._made.leave(place, key, _KEYS.get(key, "there is no setting for it"))

    def _extend(self, base: Any, name: str, place: Place) -> None:
        if not isinstance(base, str):
            self._made.leave(place, "extends", f"{_shown(base)} is made by code, which is not run")
        elif base in _SHARED:
            for rule, config in _SHARED[base].items():
                self._rules[rule] = _Rule(rule, config, place)
        elif base.startswith(("./", "../")):
            found = _local(self._top, os.path.join(os.path.dirname(name), base))
            if found is None:
                self._made.leave(place, "extends", f"there is no file {base!r} in this repository")
            else:
                self._take(found)
        else:
            self._made.leave(place, "extends", f"the rules of {base!r} are in a package, which is not read")

    def _configure(self, name: str, config: Any, place: Place) -> None:
        if isinstance(config, int) and not isinstance(config, bool):
            config = [config]
        if isinstance(config, list) and config[:1] == [0]:
            self._rules.pop(name, None)
        elif isinstance(config, Unreadable):
            self._rules.pop(name, None)
            self._made.leave(place, name, "it is made by code, which is not run")
        elif (
            not isinstance(config, list)
            or not config
            or config[0] not in (1, 2)
            or isinstance(config[0], bool)
            or (len(config) > 1 and config[1] not in ("always", "never"))
        ):
            self._rules.pop(name, None)
            self._made.leave(place, name, f"{_shown(config)} is no level with a condition that can be read")
        elif next(_unreadables(config), None) is not None:
            self._rules.pop(name, None)
            self._made.leave(
                place, name, f"{next(_unreadables(config)).text} is made by code, which is not run"
            )
        else:
            self._rules[name] = _Rule(name, config, place)

    def _parser(self, value: Any, place: Place) -> None:
        name = value.get("name") if isinstance(value, dict) and "parserOpts" not in value else value
        if name not in _PARSERS:
            self._unknown_parser = True
            self._made.leave(place, "parserPreset", "messages are read as Conventional Commits have them")

    # Carrying over

    def _messages(self, rules: dict[str, _Rule]) -> None:
        """The rules about type, scope, subject and body."""
        table = "rules.commit-message"
        names = [
            "type-empty", "subject-empty", "type-enum", "type-case", "scope-enum", "scope-empty",
            "scope-case", "subject-case", "subject-max-length", "subject-min-length", "header-min-length",
            "body-empty",
        ]  # fmt: skip
        taken = self._of_one_level(rules, names, table)
        form = [
            taken[name]
            for name in ("type-empty", "subject-empty")
            if name in taken and taken[name].when == "never"
        ]
        if not form or self._unknown_parser:
            why = (
                "the parser that tells it is not known here"
                if self._unknown_parser
                else "without type-empty or subject-empty a message without it passes"
            )
            for name in [name for name in taken if name not in ("header-min-length", "body-empty")]:
                self._made.leave(taken.pop(name).place, name, why)
        else:
            self._made.set(table, "conventional", True, *(rule.place for rule in form))
            for rule in form:
                taken.pop(rule.name)
            self._types(table, taken)
            self._scopes(table, taken)
            self._description(table, taken)
        self._pattern(table, taken)
        body = taken.pop("body-empty", None)
        if body is not None:
            said = "required" if body.when == "never" else "forbidden"
            self._made.set(table, "body", said, body.place)
        for rule in taken.values():
            self._made.leave(rule.place, rule.name, _WHY.get(rule.name, "there is no setting for it"))
        if table in self._made.tables and self._ignores_usual:
            self._made.set(table, "ignore", list(_IGNORED), self._place)

    def _types(self, table: str, taken: dict[str, _Rule]) -> None:
        types = taken.get("type-enum")
        known: list[str] = []
        if types and types.when == "always" and _is_texts(types.value):
            known = types.value
            if known:
                self._made.set(table, "types", known, types.place)
            taken.pop("type-enum")
        case = taken.get("type-case")
        if case and case.when == "always" and case.value == "lower-case":
            self._made.set(table, "type_case", "lower", taken.pop("type-case").place)
        elif types and known and all(name == name.lower() for name in known):
            # A type is one of the list as it is written there.
            self._made.set(table, "type_case", "lower", types.place)

    def _scopes(self, table: str, taken: dict[str, _Rule]) -> None:
        empty = taken.pop("scope-empty", None)
        if empty is not None:
            said = "required" if empty.when == "never" else "forbidden"
            self._made.set(table, "scope", said, empty.place)
        scopes = taken.get("scope-enum")
        known: list[str] = []
        if scopes and scopes.when == "always":
            value, delimiters = scopes.value, ["/", "\\", ","]
            if isinstance(value, dict):
                delimiters = value.get("delimiters") or delimiters
                value = value.get("scopes")
            if value is None or _is_texts(value):
                known = value or []
                taken.pop("scope-enum")
                if known:
                    self._made.set(table, "scopes", known, scopes.place)
                    if [one for one in delimiters if one != ","]:
                        self._made.leave(
                            scopes.place, "scope-enum",
                            "carried over, but only a comma tells several scopes of a message apart",
                        )  # fmt: skip
        case = taken.get("scope-case")
        if case and case.when == "always" and known and all(_has_case(name, case.value) for name in known):
            taken.pop("scope-case")

    def _description(self, table: str, taken: dict[str, _Rule]) -> None:
        """The case of the description's first letter."""
        rule = taken.get("subject-case")
        if rule is None:
            return
        cases = rule.value if isinstance(rule.value, list) else [rule.value]
        said = ""
        if rule.when == "never" and "sentence-case" in cases and set(cases) <= set(_NEVER_CASES):
            # A subject in any of these begins with a capital, which is all that sentence-case asks for.
            said = "lower"
        elif rule.when == "always" and cases == ["sentence-case"]:
            said = "upper"
        if said:
            self._made.set(table, "description_case", said, taken.pop("subject-case").place)

    def _pattern(self, table: str, taken: dict[str, _Rule]) -> None:
        """One expression for all that only an expression can say of a subject."""
        scope, char, used = "[^()]*", ".", []
        rule = taken.get("scope-case")
        if rule and rule.when == "always" and rule.value == "lower-case":
            scope = r"[^()\p{Lu}\p{Lt}]*"
            used.append(taken.pop("scope-case"))
        rule = taken.get("subject-case")
        letters = _letters(rule) if rule else ""
        if rule and letters:
            # commitlint looks at no quoted part.
            char = rf"""(?:{letters}|`[^`]*`|"[^"]*"|'[^']*')"""
            used.append(taken.pop("subject-case"))
        low, high = 0, 0
        for name in ("subject-min-length", "subject-max-length"):
            rule = taken.get(name)
            count = _count(rule.value) if rule and rule.when == "always" else None
            if rule and count and count <= _MOST_REPEATED and not letters:
                low, high = (count, high) if "min" in name else (low, count)
                used.append(taken.pop(name))
        rule = taken.get("header-min-length")
        if used:
            repeat = f"{{{low},{high or ''}}}" if low or high else "*"
            # What has no colon has not the form, which is asked for as well.
            pattern = rf"^(?:[^:]*|[^(:]*(?:\({scope}\))?!?: {char}{repeat})$"
            self._made.set(table, "pattern", pattern, *(rule.place for rule in used))
        elif rule and rule.when == "always" and (count := _count(rule.value)) and count <= _MOST_REPEATED:
            taken.pop("header-min-length")
            self._made.set(table, "pattern", f"^.{{{count},}}$", rule.place)

    def _form(self, rules: dict[str, _Rule]) -> None:
        """The rules about lengths, the full stop and the blank line."""
        table = "rules.commit-form"
        names = [
            "header-max-length", "header-full-stop", "subject-full-stop", "body-max-line-length",
            "footer-max-line-length", "body-leading-blank",
        ]  # fmt: skip
        blank = rules.get("body-leading-blank")
        taken = self._of_one_level(rules, names, table)
        # Git takes white space at the end away, and the form has none at the beginning.
        rules.pop("header-trim", None)
        longest = taken.pop("header-max-length", None)
        count = _count(longest.value) if longest and longest.when == "always" else None
        self._made.set(table, "subject_max", count or 0, longest.place if longest and count else self._place)
        for name in ("subject-full-stop", "header-full-stop"):
            stop = taken.get(name)
            if stop and stop.when == "never" and stop.value in (None, "."):
                self._made.set(table, "trailing_dot", "forbid", taken.pop(name).place)
        body, footer = taken.get("body-max-line-length"), taken.get("footer-max-line-length")
        width = _count(body.value) if body and body.when == "always" else None
        least = _count(footer.value) if footer and footer.when == "always" else None
        # One width for both must not be less than either of them.
        if body and width and least and least <= width:
            self._made.set(table, "body_width", width, taken.pop("body-max-line-length").place)
            self._made.leave(
                body.place,
                body.name,
                "carried over, but lines without a space or indented as code may be wider",
            )
            if least == width:
                taken.pop("footer-max-line-length")
        required = taken.pop("body-leading-blank", None)
        if required is None or required.when != "always":
            self._made.set(table, "blank_line", "optional", blank.place if blank else self._place)
        for rule in taken.values():
            self._made.leave(rule.place, rule.name, _WHY.get(rule.name, "there is no setting for it"))

    def _trailers(self, rules: dict[str, _Rule]) -> None:
        table = "rules.missing-trailer"
        taken = self._of_one_level(rules, ["signed-off-by", "trailer-exists"], table)
        keys: list[dict[str, str]] = []
        places = []
        for rule in taken.values():
            found = _TRAILER.fullmatch(rule.value) if isinstance(rule.value, str) else None
            if found and rule.when == "always":
                if {"key": found[1]} not in keys:
                    keys.append({"key": found[1]})
                places.append(rule.place)
            else:
                self._made.leave(rule.place, rule.name, "only a trailer that must be there can be asked for")
        if keys:
            self._made.set(table, "require", keys, *places)

    def _of_one_level(self, rules: dict[str, _Rule], names: Sequence[str], table: str) -> dict[str, _Rule]:
        """The rules that go into one table: its findings are errors, or else all of them warnings."""
        found = {name: rules.pop(name) for name in names if name in rules}
        errors = {name: rule for name, rule in found.items() if rule.level == 2}
        if errors:
            for name, rule in found.items():
                if name not in errors:
                    self._made.leave(rule.place, name, f"it only warns, and {table.partition('.')[2]} blocks")
            return errors
        if found:
            self._made.set(table, "severity", "warning", *(rule.place for rule in found.values()))
        return found


_KEYS: Final = {
    "ignores": "which messages are left alone is told by code, which is not run",
    "plugins": "the rules of plugins are code, which is not run",
    "formatter": "reports have formats of their own",
    "helpUrl": "findings have a next step of their own",
    "prompt": "it is for writing messages, and nothing is judged by it",
}
_WHY: Final = {
    "subject-case": "only lower-case, upper-case and sentence-case can be told by an expression",
    "subject-exclamation-mark": "a breaking change may be marked in the subject",
    "subject-max-length": "an expression counts to 1,000, and says one thing of a subject",
    "subject-min-length": "an expression counts to 1,000, and says one thing of a subject",
    "scope-case": "only lower-case can be told by an expression",
    "type-enum": "types can only be listed that are allowed",
    "type-case": "types are as they are listed, or in lower case",
    "scope-enum": "scopes can only be listed that are allowed",
    "footer-leading-blank": "trailers are judged where one is required",
    "body-max-line-length": "one width holds for the whole message, and footers may be wider",
    "footer-max-line-length": "one width holds for the whole message",
    "header-full-stop": "only a dot can be forbidden",
    "subject-full-stop": "only a dot can be forbidden",
    "header-min-length": "an expression counts to 1,000, and says one thing of a subject",
}


def _data(name: str, text: str) -> Data:
    if name.endswith(_SCRIPTS):
        return read_script(text, _LEVELS)
    # A file without an ending is JSON or YAML, of which JSON is a part.
    return read_data(text, "json" if name.endswith(".json") else "yaml")


def _local(top: str, name: str) -> str | None:
    """The file that a relative name stands for; none outside the repository."""
    plain = os.path.normpath(name)
    if plain.startswith("..") or os.path.isabs(plain):
        return None
    candidates = (plain, *(plain + end for end in (*_SCRIPTS, ".json", ".yaml", ".yml")))
    return next((one for one in candidates if os.path.isfile(os.path.join(top, one))), None)


def _letters(rule: _Rule) -> str:
    """What every character of a subject must be by its case; empty where no expression says it."""
    cases = rule.value if isinstance(rule.value, list) else [rule.value]
    if rule.when == "never" or len(cases) != 1:
        return ""
    return {"lower-case": r"[^\p{Lu}\p{Lt}]", "upper-case": r"[^\p{Ll}]"}.get(str(cases[0]), "")


def _has_case(name: str, case: Any) -> bool:
    if isinstance(case, dict):
        case = case.get("cases")
    cases = case if isinstance(case, list) else [case]
    tests = {
        "lower-case": name == name.lower(),
        "upper-case": name == name.upper(),
        "kebab-case": bool(_KEBAB.fullmatch(name)),
        "snake-case": bool(_KEBAB.fullmatch(name.replace("_", "-"))) and "-" not in name,
    }
    return any(tests.get(str(one), False) for one in cases)


def _count(value: Any) -> int | None:
    """A length that can be set; None for none, or for one without an end."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1 << 30:
        return None
    return int(value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _unreadables(value: Any) -> Iterator[Unreadable]:
    if isinstance(value, Unreadable):
        yield value
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _unreadables(inner)


def _shown(value: Any) -> str:
    text = value.text if isinstance(value, Unreadable) else repr(value)
    return shortened(text)
