"""commitlint's configuration as settings for the rules about commit messages.

Files of JSON and YAML are read, at the places and in the order of `@commitlint/load`, with the rules of
`@commitlint/config-conventional`. A script is run by `commitlint --print-config json` where the user asks for
that, which prints what it comes to with all that it extends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from specguard.documents.data import Data, Problem, read_data
from specguard.errors import SpecguardError
from specguard.importers.settings import Imported, read_settings
from specguard.model import Origin, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Final

_ENDINGS: Final = ("js", "cjs", "mjs", "ts", "cts", "mts")
FILES: Final = (
    "package.json", "package.yaml", ".commitlintrc", ".commitlintrc.json", ".commitlintrc.yaml",
    ".commitlintrc.yml", *(f"{name}.{end}" for ends in (_ENDINGS[:3], _ENDINGS[3:])
                           for name in (".commitlintrc", "commitlint.config") for end in ends),
)  # fmt: skip
"""Where commitlint looks for its configuration, in its order."""

_PATIENCE: Final = 60.0
_PRINTED: Final = "specguard import commitlint=FILE reads what `commitlint --print-config json > FILE` writes"
_SHARED: Final = "@commitlint/config-conventional"
_CONVENTIONAL: Final[Mapping[str, tuple[int, str, Any]]] = {
    "body-leading-blank": (1, "always", None),
    "body-max-line-length": (2, "always", 100),
    "footer-leading-blank": (1, "always", None),
    "footer-max-line-length": (2, "always", 100),
    "header-max-length": (2, "always", 100),
    "header-trim": (2, "always", None),
    "subject-case": (2, "never", ["sentence-case", "start-case", "pascal-case", "upper-case"]),
    "subject-empty": (2, "never", None),
    "subject-full-stop": (2, "never", "."),
    "type-case": (2, "always", "lower-case"),
    "type-empty": (2, "never", None),
    "type-enum": (
        2, "always",
        ["build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"],
    ),
}  # fmt: skip
_PARSERS: Final = ("conventional-changelog-conventionalcommits", "conventional-changelog-angular")
_NOT_JUDGED: Final = ("$schema", "extends", "rules", "formatter", "helpUrl", "prompt")
_IGNORED: Final = [
    "^Merge (pull request|tag|branch|remote-tracking branch) ?", "^Merge .* into ", "^Merged .* (in|into) ",
    "^Merged PR .*: ", "^[Rr](evert|eapply) ", "^(amend|fixup|squash)!", "^Automatic merge",
    "^Auto-merged .* into ",
    r"^(chore(\([^)]+\))?:)? *v?[0-9]+(\.[0-9]+){2}([-+][0-9A-Za-z.+-]+)?( *[\[(](skip|ci).(skip|ci)[\])])?$",
]  # fmt: skip
"""What commitlint leaves alone unless it is told otherwise, as expressions for a subject."""

_TRAILER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*): ?")


class _CommitRule(NamedTuple):
    name: str
    level: int
    when: str
    value: Any
    origin: Origin


class _Config(NamedTuple):
    """A configuration: its rules that are on, by name, and how it takes messages."""

    origin: Origin
    rules: dict[str, _CommitRule]
    parsed: bool
    ignores: bool


def import_commitlint(top: str, name: str, *, ask: bool = False) -> Imported:
    """What a configuration comes to.

    Args:
        top: the repository's folder.
        name: the configuration's file, from there; of a `package.json` its key `commitlint` counts.
        ask: whether the program `commitlint` may run a script.

    Raises:
        SpecguardError: it cannot be read.
    """
    made = Imported()
    script = name.endswith(tuple(f".{end}" for end in _ENDINGS))
    data = _asked(top, name, ask=ask) if script else read_settings(top, name)
    at: tuple[str, ...] = ("commitlint",) if os.path.basename(name).startswith("package.") else ()

    def origin(*path: str | int) -> Origin:
        return Origin(name, 0 if script else data.line((*at, *path)) or 0)

    value = data.get(at)
    if data.problem or not isinstance(value, dict):
        made.leave(origin(), name, data.problem.message if data.problem else "it is no object of settings")
        return made
    config = _config(made, value, origin)
    _message(made, config)
    _form(made, config)
    _trailers(made, config)
    _leave(made, config.rules.values())
    return made


def has_configuration(top: str, name: str) -> bool:
    """Whether a file that is there configures commitlint; a `package.json` does so with a key of its own."""
    if not os.path.isfile(os.path.join(top, name)):
        return False
    return not name.startswith("package.") or read_settings(top, name).get(("commitlint",)) is not None


def _asked(top: str, name: str, *, ask: bool) -> Data:
    """What the program `commitlint` makes of a script; a problem where it may not be asked."""
    places = (os.path.join(top, "node_modules", ".bin"), os.environ.get("PATH", os.defpath))
    program = shutil.which("commitlint", path=os.pathsep.join(places)) if ask else None
    if program is None:
        step = "no program commitlint is here to run it" if ask else "specguard import commitlint runs it"
        return Data.unread(Problem(f"it is a script, and not read: {step}; {_PRINTED}"))
    words = [program, f"--config={name}", "--print-config=json"]
    try:
        done = subprocess.run(words, cwd=top, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpecguardError(f"{error}", path=name, help=_PRINTED, code="unreadable-file") from error
    if done.returncode:
        said = shortened(done.stderr.decode("utf-8", "replace").partition("Error: ")[2], 200)
        raise SpecguardError(
            f"commitlint does not take it: {said}", path=name, help=_PRINTED, code="unreadable-file"
        )
    return read_data(done.stdout.decode("utf-8", "replace"), "json")


def _config(made: Imported, value: dict[str, Any], origin: Callable[..., Origin]) -> _Config:
    """The rules that a configuration comes to; what else it says is left."""
    # What the program prints has all rules of what is extended, and its own plugins as an object.
    resolved = isinstance(value.get("plugins"), dict)
    rules: dict[str, _CommitRule] = {}
    extends = value.get("extends") or []
    for at, base in enumerate(extends if isinstance(extends, list) else [extends]):
        place = origin("extends", at)
        if base == _SHARED:
            rules |= {key: _CommitRule(key, *rule, place) for key, rule in _CONVENTIONAL.items()}
        elif not resolved:
            made.leave(place, "extends", f"{shortened(repr(base))} is not read; {_PRINTED}")
    configured = value.get("rules")
    for key, rule in configured.items() if isinstance(configured, dict) else ():
        rules.pop(key, None)
        place = origin("rules", key)
        read = _rule(key, rule, place)
        if read is None:
            shown = shortened(repr(rule))
            made.leave(place, key, f"{shown} is no level with a condition that can be read")
        elif read.level:
            rules[key] = read
    parsed = _is_parsed(value.get("parserPreset"), resolved=resolved)
    if not parsed:
        made.leave(
            origin("parserPreset"), "parserPreset", "messages are read as Conventional Commits have them"
        )
    for key in value:
        if key in ("ignores", "plugins") and value[key]:
            made.leave(origin(key), key, "it is code, which is not run")
        elif key not in (*_NOT_JUDGED, "ignores", "plugins", "parserPreset", "defaultIgnores"):
            made.leave(origin(key), key, "there is no setting for it")
    return _Config(Origin(origin().path, 0), rules, parsed, value.get("defaultIgnores") is not False)


def _rule(name: str, config: Any, origin: Origin) -> _CommitRule | None:
    """A rule by its level, condition and value; None where they are no such thing."""
    parts: list[Any] = config if isinstance(config, list) and config else [config]
    level, when, value = [*parts, *("always", None)[len(parts) - 1 :]][:3]
    if type(level) is not int or level not in (0, 1, 2) or (level and when not in ("always", "never")):
        return None
    return _CommitRule(name, level, when, value, origin)


def _is_parsed(preset: Any, *, resolved: bool) -> bool:
    """Whether messages are parsed as Conventional Commits are; an expression of one's own says otherwise."""
    if not isinstance(preset, dict):
        return preset is None or preset in _PARSERS
    options = preset.get("parserOpts")
    whole = options is None or (resolved and isinstance(options, dict) and "noteKeywords" in options)
    return preset.get("name") in _PARSERS and whole


def _message(made: Imported, config: _Config) -> None:
    """The rules about type, scope, subject and body."""
    table = "rules.commit-message"
    taken = _of_one_level(made, config, ("type-empty", "subject-empty", *_MESSAGE), table)
    form = [
        taken.pop(name)
        for name in ("type-empty", "subject-empty")
        if config.parsed and name in taken and taken[name].when == "never"
    ]
    if form:
        made.set(table, "conventional", True, *(rule.origin for rule in form))
    why = "without type-empty or subject-empty a message without it passes"
    left = []
    for rule in taken.values():
        key, read = _MESSAGE.get(rule.name, ("", None))
        value = read(rule.when, rule.value) if read and (form or key == "body") else None
        if value is None:
            left.append(rule)
        elif value:
            made.set(table, key, value, rule.origin)
    keys = made.tables.get(table, {})
    types = keys.get("types")
    if types and "type_case" not in keys and all(name == name.lower() for name in types.value):
        # A type is one of the list as it is written there.
        made.set(table, "type_case", "lower", *types.origins)
    _leave(made, left, "" if form else why if config.parsed else "the parser that tells it is not known here")
    if keys and config.ignores:
        made.set(table, "ignore", list(_IGNORED), config.origin)


def _form(made: Imported, config: _Config) -> None:
    """The rules about lengths, the full stop and the blank line."""
    table = "rules.commit-form"
    names = (
        "header-max-length", "subject-full-stop", "header-full-stop", "body-max-line-length",
        "footer-max-line-length", "body-leading-blank",
    )  # fmt: skip
    blank = config.rules.get("body-leading-blank")
    taken = _of_one_level(made, config, names, table)
    # Git takes white space at the end away, and the form has none at the beginning.
    config.rules.pop("header-trim", None)
    count = _count(taken.get("header-max-length"))
    longest = taken.pop("header-max-length") if count else None
    made.set(table, "subject_max", count, longest.origin if longest else config.origin)
    for name in ("subject-full-stop", "header-full-stop"):
        stop = taken.get(name)
        if stop and stop.when == "never" and stop.value in (None, "."):
            made.set(table, "trailing_dot", "forbid", taken.pop(name).origin)
    width, least = _count(taken.get("body-max-line-length")), _count(taken.get("footer-max-line-length"))
    # One width for both must not be less than either of them.
    if 0 < least <= width:
        body = taken.pop("body-max-line-length")
        made.set(table, "body_width", width, body.origin)
        why = "carried over, but lines without a space or indented as code may be wider"
        made.leave(body.origin, body.name, why)
        if least == width:
            taken.pop("footer-max-line-length")
    required = taken.pop("body-leading-blank", None)
    if required is None or required.when != "always":
        made.set(table, "blank_line", "optional", blank.origin if blank else config.origin)
    _leave(made, taken.values())


def _trailers(made: Imported, config: _Config) -> None:
    table = "rules.missing-trailer"
    for rule in _of_one_level(made, config, ("signed-off-by", "trailer-exists"), table).values():
        found = _TRAILER.fullmatch(rule.value) if isinstance(rule.value, str) else None
        if found and rule.when == "always":
            made.add(table, "require", [{"key": found[1]}], rule.origin)
        else:
            made.leave(rule.origin, rule.name, "only a trailer that must be there can be asked for")


def _of_one_level(
    made: Imported, config: _Config, names: Iterable[str], table: str
) -> dict[str, _CommitRule]:
    """The rules that go into one table: its findings are errors, or else all of them warnings."""
    found = {name: config.rules.pop(name) for name in names if name in config.rules}
    errors = {name: rule for name, rule in found.items() if rule.level == 2}
    if found and not errors:
        made.set(table, "severity", "warning", *(rule.origin for rule in found.values()))
    for name, rule in found.items() if errors else ():
        if name not in errors:
            made.leave(rule.origin, name, f"it only warns, and {table.partition('.')[2]} blocks")
    return errors or found


def _leave(made: Imported, rules: Iterable[_CommitRule], why: str = "") -> None:
    for rule in rules:
        made.leave(rule.origin, rule.name, why or _WHY.get(rule.name, "there is no setting for it"))


# Each gives the setting that a condition and a value come to: None is none, and what is empty is free.


def _types(when: str, value: Any) -> list[str] | None:
    texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return value if when == "always" and texts else None


def _scopes(when: str, value: Any) -> list[str] | None:
    return _types(when, value.get("scopes") if isinstance(value, dict) else value or [])


def _type_case(when: str, value: Any) -> str | None:
    return "lower" if when == "always" and value == "lower-case" else None


def _presence(when: str, _value: Any) -> str:
    return "required" if when == "never" else "forbidden"


def _subject_case(when: str, value: Any) -> str | None:
    """The case of the description's first letter."""
    cases = value if isinstance(value, list) else [value]
    if when == "never" and "sentence-case" in cases and set(cases) <= set(_CONVENTIONAL["subject-case"][2]):
        # A subject in any of these begins with a capital, which is all that sentence-case asks for.
        return "lower"
    return "upper" if when == "always" and cases == ["sentence-case"] else None


_MESSAGE: Final[Mapping[str, tuple[str, Callable[[str, Any], Any]]]] = {
    "type-enum": ("types", _types),
    "type-case": ("type_case", _type_case),
    "scope-enum": ("scopes", _scopes),
    "scope-empty": ("scope", _presence),
    "subject-case": ("description_case", _subject_case),
    "body-empty": ("body", _presence),
}
"""The keys of `rules.commit-message`, and how they are told."""

_WHY: Final = {
    "subject-case": "only sentence-case, and never sentence-case, can be asked for",
    "subject-exclamation-mark": "a breaking change may be marked in the subject",
    "type-enum": "types can only be listed that are allowed",
    "type-case": "types are as they are listed, or in lower case",
    "scope-enum": "scopes can only be listed that are allowed",
    "footer-leading-blank": "trailers are judged where one is required",
    "body-max-line-length": "one width holds for the whole message, and footers may be wider",
    "footer-max-line-length": "one width holds for the whole message",
    "header-full-stop": "only a dot can be forbidden",
    "subject-full-stop": "only a dot can be forbidden",
}


def _count(rule: _CommitRule | None) -> int:
    """The length that a rule sets; 0 for none, or for one without an end."""
    value = rule.value if rule and rule.when == "always" else None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= 1 << 30:
        return 0
    return int(value)
