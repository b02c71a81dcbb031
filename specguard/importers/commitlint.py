"""commitlint's configuration as settings for the rules about commit messages.

JSON and YAML files are read, at the places and in the order of `@commitlint/load`, with the rules of
`@commitlint/config-conventional`. The output of `commitlint --print-config json` is read too; it includes all
extended configurations. Scripts are not run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from specguard.importers import Imported, read_settings, unreadable
from specguard.model import Origin, shortened

_SCRIPTS: Final = (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts")
FILES: Final = (
    "package.json", "package.yaml", ".commitlintrc", ".commitlintrc.json", ".commitlintrc.yaml",
    ".commitlintrc.yml", *(f"{name}{end}" for ends in (_SCRIPTS[:3], _SCRIPTS[3:])
                           for name in (".commitlintrc", "commitlint.config") for end in ends),
)  # fmt: skip
"""The files in which commitlint looks for its configuration, in its order."""

_ADVICE: Final = "specguard import commitlint=FILE reads what `commitlint --print-config json > FILE` writes"
_CONVENTIONAL: Final[Mapping[str, tuple[int, str, Any]]] = {
    "type-empty": (2, "never", None),
    "subject-empty": (2, "never", None),
    "body-leading-blank": (1, "always", None),
    "body-max-line-length": (2, "always", 100),
    "footer-leading-blank": (1, "always", None),
    "footer-max-line-length": (2, "always", 100),
    "header-max-length": (2, "always", 100),
    "header-trim": (2, "always", None),
    "subject-case": (2, "never", ["sentence-case", "start-case", "pascal-case", "upper-case"]),
    "subject-full-stop": (2, "never", "."),
    "type-case": (2, "always", "lower-case"),
    "type-enum": (
        2, "always",
        ["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"],
    ),
}  # fmt: skip
_PARSERS: Final = ("conventional-changelog-conventionalcommits", "conventional-changelog-angular")
_READ_KEYS: Final = ("extends", "rules", "parserPreset", "defaultIgnores")
_UNUSED_KEYS: Final = ("$schema", "formatter", "helpUrl", "prompt")
_IGNORED: Final = [
    "^Merge (pull request|tag|branch|remote-tracking branch) ?", "^Merge .* into ", "^Merged .* (in|into) ",
    "^Merged PR .*: ", "^[Rr](evert|eapply) ", "^(amend|fixup|squash)!", "^Automatic merge",
    "^Auto-merged .* into ",
    r"^(chore(\([^)]+\))?:)? *v?[0-9]+(\.[0-9]+){2}([-+][0-9A-Za-z.+-]+)?( *[\[(](skip|ci).(skip|ci)[\])])?$",
]  # fmt: skip
"""The subjects that commitlint ignores by default, as regular expressions."""

_TRAILER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*: ?")
_MESSAGE: Final = "rules.commit-message"
_FORM: Final = "rules.commit-form"
_TRAILERS: Final = "rules.missing-trailer"


class _CommitRule(NamedTuple):
    name: str
    when: str
    value: Any
    origin: Origin


def import_commitlint(result: Imported, name: str) -> None:
    """Import the settings of a configuration.

    Args:
        result: gets the settings.
        name: the configuration file, from the repository's folder; in a `package.*`, the key `commitlint` is
            read.

    Raises:
        SpecguardError: it cannot be read.
    """
    whole = Origin(name, 0)
    if name.endswith(_SCRIPTS):
        result.skip(whole, name, f"it is a script, which is not run; {_ADVICE}")
        return
    data = read_settings(result.top, name)
    at: tuple[str, ...] = ("commitlint",) if os.path.basename(name).startswith("package.") else ()

    def origin(*path: str | int) -> Origin:
        return Origin(name, data.line((*at, *path)) or 0)

    if not isinstance(value := data.get(at), dict):
        raise unreadable(name, "it has no object of commitlint's settings")
    rules = {rule.name: rule for rule in _rules(result, value, origin)}
    type_problem = ""
    if not _is_parsed(value):
        why = "messages are read as Conventional Commits have them"
        result.skip(origin("parserPreset"), "parserPreset", why)
        type_problem = "the parser that finds it is not known here"
    elif not any(name in rules and rules[name].when == "never" for name in ("type-empty", "subject-empty")):
        type_problem = "without type-empty or subject-empty a message without it passes"
    unread = {name: one for name, one in rules.items() if "-max-" in name and isinstance(one.value, str)}
    for rule in unread.values():
        result.skip(rule.origin, rule.name, f"{shortened(repr(rule.value))} is not a length")
        del rules[rule.name]
    _import_width(result, rules)
    for rule in rules.values():
        table, key, setting = _find_setting(rule)
        if not table or (type_problem and table == _MESSAGE):
            result.skip(rule.origin, rule.name, (table and type_problem) or "there is no setting for it")
        elif key == "require":
            result.add(table, key, setting, rule.origin)
        elif setting:
            result.set(table, key, setting, rule.origin)
            if key == "scopes":
                result.skip(rule.origin, rule.name, "it holds, and a scope such as `a/b` counts as one")
    unlimited = "header-max-length" not in unread
    _complete(result, whole, ignores=value.get("defaultIgnores") is not False, unlimited=unlimited)


def has_configuration(top: str, name: str) -> bool:
    """True if a file exists and configures commitlint; a `package.*` must have the key `commitlint`."""
    if not os.path.isfile(os.path.join(top, name)):
        return False
    return not name.startswith("package.") or read_settings(top, name).get(("commitlint",)) is not None


def _rules(result: Imported, value: dict[str, Any], origin: Callable[..., Origin]) -> Iterator[_CommitRule]:
    """Yield the rules of a configuration that are errors; record the other ones as not carried over."""
    rules: dict[str, tuple[Any, Origin]] = {}
    extends = value.get("extends") or []
    for at, base in enumerate(extends if isinstance(extends, list) else [extends]):
        if base == "@commitlint/config-conventional":
            rules |= {key: (list(rule), origin("extends", at)) for key, rule in _CONVENTIONAL.items()}
        elif not _is_printed(value):
            result.skip(origin("extends", at), "extends", f"{shortened(repr(base))} is not read; {_ADVICE}")
    if isinstance(configured := value.get("rules"), dict):
        rules |= {key: (rule, origin("rules", key)) for key, rule in configured.items()}
    for key, (config, place) in rules.items():
        parts: list[Any] = config if isinstance(config, list) and config else [config]
        level = parts[0]
        when = parts[1] if len(parts) > 1 else "always"
        if type(level) is not int or level not in (0, 1, 2) or (level and when not in ("always", "never")):
            why = f"{shortened(repr(config))} is not a level with a condition that can be read"
            result.skip(place, key, why)
        elif level == 1:
            result.skip(place, key, "it only warns, and what is carried over blocks")
        elif level == 2:
            yield _CommitRule(key, when, parts[2] if len(parts) > 2 else None, place)
    for key in (key for key in value if key not in (*_READ_KEYS, *_UNUSED_KEYS)):
        code = key in ("ignores", "plugins")
        if value[key] or not code:
            why = "it is code, which is not run" if code else "there is no setting for it"
            result.skip(origin(key), key, why)


def _is_printed(value: dict[str, Any]) -> bool:
    """True if the program printed the configuration: with all extended rules, and plugins as an object."""
    return isinstance(value.get("plugins"), dict)


def _is_parsed(value: dict[str, Any]) -> bool:
    """True if messages are parsed as Conventional Commits, without a custom pattern."""
    if not isinstance(preset := value.get("parserPreset"), dict):
        return preset is None or preset in _PARSERS
    options = preset.get("parserOpts")
    printed = _is_printed(value) and isinstance(options, dict) and "noteKeywords" in options
    return preset.get("name") in _PARSERS and (options is None or printed)


def _import_width(result: Imported, rules: dict[str, _CommitRule]) -> None:
    """Set the width of body and footer if both have the same one; otherwise leave both rules out."""
    found = [rules.pop(name) for name in ("body-max-line-length", "footer-max-line-length") if name in rules]
    widths = [_length(rule) for rule in found]
    if len(found) == 2 and 0 < widths[0] == widths[1]:
        result.set(_FORM, "body_width", widths[0], found[0].origin)
        why = "it holds, but lines without a space or indented as code may be wider"
        result.skip(found[0].origin, found[0].name, why)
        return
    for rule in found:
        result.skip(rule.origin, rule.name, "one width holds for the whole message")


def _complete(result: Imported, origin: Origin, *, ignores: bool, unlimited: bool) -> None:
    """Add the settings that follow from others, and lift the limits that commitlint does not have."""
    message, form = result.tables.get(_MESSAGE, {}), result.tables.get(_FORM, {})
    types = message.get("types")
    if types and "type_case" not in message and all(name == name.lower() for name in types.value):
        # A type must be written exactly as in the list, and all of these are lower case.
        result.set(_MESSAGE, "type_case", "lower", *types.origins)
    if message and ignores:
        result.set(_MESSAGE, "ignore", list(_IGNORED), origin)
    if not ignores:
        result.skip(origin, "defaultIgnores", "it holds, but the messages of merge commits are not judged")
    elif form or _TRAILERS in result.tables:
        why = "merges, reverts and the like are held to the form and trailers of others"
        result.skip(origin, "defaultIgnores", why)
    if unlimited and "subject_max" not in form:
        result.set(_FORM, "subject_max", 0, origin)
    if form.pop("blank_line", None) is None:
        result.set(_FORM, "blank_line", "optional", origin)


def _find_setting(rule: _CommitRule) -> tuple[str, str, Any]:
    """Return the table, key and value of a rule; an empty table if no setting is like it.

    An empty value means that no setting is needed.
    """
    match rule.name, rule.when, rule.value:
        case "type-empty" | "subject-empty", "never", _:
            return _MESSAGE, "conventional", True
        case "type-case", "always", "lower-case":
            return _MESSAGE, "type_case", "lower"
        case ("type-enum" | "scope-enum") as name, "always", ([*names] | {"scopes": [*names]}) if all(
            isinstance(one, str) for one in names
        ):
            return _MESSAGE, f"{name.removesuffix('-enum')}s", names
        case "scope-empty", _, _:
            return _MESSAGE, "scope", "required" if rule.when == "never" else "forbidden"
        case "subject-case", "always", ("sentence-case" | ["sentence-case"]):
            return _MESSAGE, "description_case", "upper"
        case "subject-case", "never", [*cases] if "sentence-case" in cases and all(
            one in _CONVENTIONAL["subject-case"][2] for one in cases
        ):
            # A subject in any of these cases begins with a capital; sentence-case requires only that.
            return _MESSAGE, "description_case", "lower"
        case "header-max-length", _, _ if _length(rule):
            return _FORM, "subject_max", _length(rule)
        case "subject-full-stop" | "header-full-stop", "never", (None | "."):
            return _FORM, "trailing_dot", "forbid"
        case "body-leading-blank", "always", _:
            return _FORM, "blank_line", "required"
        case "header-trim", _, _:
            # Git strips trailing whitespace, and the form does not allow leading whitespace.
            return _FORM, "", ""
        case "signed-off-by" | "trailer-exists", "always", str(trailer) if _TRAILER.fullmatch(trailer):
            return _TRAILERS, "require", [{"key": trailer.rstrip(": ")}]
    return "", "", None


def _length(rule: _CommitRule) -> int:
    """Return the length that a rule sets; 0 without a limit."""
    number = rule.when == "always" and type(rule.value) in (int, float) and 0 < rule.value <= 1 << 30
    return int(rule.value) if number else 0
