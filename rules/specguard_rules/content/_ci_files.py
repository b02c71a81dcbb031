"""The steps of CI files: GitHub workflows, composite actions and GitLab's `.gitlab-ci.yml`.

Which of them a file is shows in its structure, not in its name. Anchors, merge keys and tags are read, which
CI files have and which `documents` refuses.
"""

from __future__ import annotations

from specguard.rules import Record
from specguard_rules.content._shell import commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final, Self

    from specguard_rules.content._shell import Command

MAX_BYTES: Final = 1 << 20
"""A file of more bytes is not read."""

MAX_DEPTH: Final = 50
"""How deep mappings and lists may be nested."""

EXTENDS_DEPTH: Final = 11
"""GitLab's own limit of nesting for `extends`."""

_GITLAB_KEYWORDS: Final = frozenset([
    "after_script", "before_script", "cache", "default", "image", "include", "pages:deploy", "services",
    "spec", "stages", "types", "variables", "workflow",
])  # fmt: skip
"""Keys at the top of `.gitlab-ci.yml` that are no jobs (docs.gitlab.com/ci/yaml)."""


class YamlError(ValueError):
    """A file that cannot be read; its second argument is the line, None where it is no line's fault."""


class Text(str):
    """A scalar as it is written.

    Attributes:
        line: where it begins, from 1.
        end_line: where it ends.
        literal: whether it is a block whose lines are its own (`|`).
    """

    __slots__ = ("end_line", "line", "literal")

    line: int
    end_line: int
    literal: bool

    def __new__(cls, found: Any) -> Self:
        """The text of a scalar node of YAML."""
        text = super().__new__(cls, found.value)
        text.line, text.end_line = found.start_mark.line + 1, found.end_mark.line + 1
        text.literal = found.style == "|"
        return text

    def commands(self) -> list[Command]:
        """The commands of a script, with the file's lines."""
        found = commands(self, self.line + self.literal)
        for command in found if not self.literal else ():
            command.line, command.end_line = self.line, self.end_line
        return found


class Reference(list[object]):
    """The keys of one of GitLab's `!reference`s."""


def read(data: bytes) -> Any:
    """The last document of a YAML file: mappings, lists and `Text`; what an alias stands for is shared.

    Raises:
        YamlError: it is none, or says what a reader could take for two things.
    """
    import yaml

    if len(data) > MAX_BYTES:
        raise YamlError(f"it has {len(data)} bytes; {MAX_BYTES} are read", None)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise YamlError("it is not UTF-8", None) from None
    # YAML 1.1 breaks lines at more characters than git and YAML 1.2 do; a lone carriage return breaks them in
    # both versions of YAML, but in no editor's line numbers.
    text = text.replace("\r\n", "\n").translate({0x85: " ", 0x2028: " ", 0x2029: " "})
    if "\r" in text:
        line = text[: text.index("\r")].count("\n") + 1
        raise YamlError("it has a carriage return without a newline", line)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        event: Any
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                # What composes nodes would run out of its stack.
                line = event.start_mark.line + 1
                raise YamlError(f"it is nested deeper than {MAX_DEPTH} levels", line)
        # GitLab takes the first of two documents for a header.
        *_, last = [None, *yaml.compose_all(text, Loader=loader)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "it is no YAML"
        raise YamlError(str(reason), mark.line + 1 if mark else None) from None
    return _value(last or yaml.compose("''"), {})


def _value(found: Any, known: dict[int, Any]) -> Any:
    if id(found) in known:
        if known[id(found)] is None:
            raise YamlError("a value holds itself", found.start_mark.line + 1)
        return known[id(found)]
    known[id(found)] = None
    made: Any = {}
    if found.id == "scalar":
        made = Text(found)
    elif found.id == "sequence":
        items = [_value(item, known) for item in found.value]
        made = Reference(items) if found.tag == "!reference" else items
    else:
        merged: list[Any] = []
        for key, value in found.value:
            inner = _value(value, known)
            name = key.value if key.id == "scalar" else ""
            if key.tag == "tag:yaml.org,2002:merge":
                merged += inner if isinstance(inner, list) else [inner]
            elif name in made:
                raise YamlError(f"the key {name!r} is there twice", key.start_mark.line + 1)
            else:
                made[name] = inner
        # What a mapping has itself comes before what is merged into it, and earlier before later.
        for other in merged:
            made = {**fields(other), **made}
    known[id(found)] = made
    return made


def fields(value: Any, *keys: str) -> dict[str, Any]:
    """The mapping at a key, through mappings; empty where there is none."""
    found = _at(value, *keys)
    return found if isinstance(found, dict) else {}


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any, *keys: str) -> str:
    found = _at(value, *keys)
    return found if isinstance(found, Text) else ""


class Step(Record):
    """What one shell of a CI job runs, or an action that it uses.

    Attributes:
        job: the job's name; empty in a composite action.
        contained: whether the job runs in a container; None where an included file may say so.
        variables: the variables that are set for the step.
        script: the texts that are run one after the other in one shell; none for a step that uses an action.
        uses: the action that a step uses.
        inputs: the texts of its inputs, by name.
        shell: what reads the script, such as `bash` or `python`; empty for the default.
        folder: the working directory, relative to the repository's root; empty for the root.
    """

    job: str
    contained: bool | None
    variables: Mapping[str, str]
    script: Sequence[Text] = ()
    uses: str = ""
    inputs: Mapping[str, Any] = {}
    shell: str = ""
    folder: str = ""


def steps(top: Any) -> Iterator[Step]:
    """The steps of a CI file, in its order; none where it is no mapping."""
    if _at(top, "jobs") is not None:
        for name, job in fields(top, "jobs").items():
            yield from _github(name, _at(job, "steps"), job, top)
    elif _at(top, "runs") is not None:
        # Where a composite action runs is its caller's affair; it may be a job without a container.
        yield from _github("", _at(top, "runs", "steps"))
    else:
        yield from _gitlab(fields(top))


def _variables(*tables: Any) -> dict[str, str]:
    """The variables of several tables, a later one over an earlier."""
    # GitLab also has `NAME: {value: TEXT, description: TEXT}`.
    return {
        name: _text(value) or _text(value, "value")
        for table in tables
        for name, value in fields(table).items()
    }


def _github(name: str, items: Any, *holders: Any) -> Iterator[Step]:
    """The steps of a job or an action; what a step does not say itself, the job and the file say."""
    tables = [_at(holder, "env") for holder in reversed(holders)]
    for item in items if isinstance(items, list) else ():
        places = [item, *(_at(holder, "defaults", "run") for holder in holders)]
        run = _at(item, "run")
        yield Step(
            job=name,
            contained=any(_at(holder, "container") is not None for holder in holders[:1]),
            variables=_variables(*tables, _at(item, "env")),
            script=[run] if isinstance(run, Text) else [],
            uses=_text(item, "uses"),
            inputs=fields(item, "with"),
            shell=next(filter(None, (_text(place, "shell") for place in places)), ""),
            folder=next(filter(None, (_text(place, "working-directory") for place in places)), ""),
        )


def _gitlab(top: dict[str, Any]) -> Iterator[Step]:
    for name, job in top.items():
        # A hidden job (`.name`) runs only where another one extends it.
        if name in _GITLAB_KEYWORDS or name.startswith(".") or not fields(job):
            continue
        chain = [job, *_extended(top, job)]
        inherited = [*chain, _at(top, "default"), top]
        contained: bool | None = any(_at(holder, "image") is not None for holder in inherited)
        if not contained and "include" in top:
            contained = None
        variables = _variables(_at(top, "variables"), *(_at(one, "variables") for one in reversed(chain)))
        # The first two are one shell, with one set of variables.
        for keys in (("before_script", "script"), ("after_script",)):
            script: list[Text] = []
            for key in keys:
                holders = chain if key == "script" else inherited
                found = (_at(holder, key) for holder in holders)
                script += _texts(top, next((one for one in found if one is not None), ()), set())
            yield Step(name, contained, variables, script)


def _extended(top: dict[str, Any], job: Any) -> list[Any]:
    """The jobs that a job extends, nearest first, as far as they are in the same file."""
    found: list[Any] = []
    waiting = [job]
    for _ in range(EXTENDS_DEPTH):
        extends = [_at(one, "extends") for one in waiting]
        # Of several a later one overrides an earlier.
        names = [name for one in extends for name in (reversed(one) if isinstance(one, list) else [one])]
        waiting = [top[name] for name in names if isinstance(name, Text) and name in top]
        waiting = [one for one in waiting if not any(one is known for known in found)]
        found += waiting
    return found


def _texts(top: dict[str, Any], value: Any, seen: set[int]) -> Iterator[Text]:
    """The texts of a script: one, a list of them, or lists within it and `!reference`s, each read once."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Text):
        yield value
    elif isinstance(value, Reference):
        yield from _texts(top, _at(top, *map(_text, value)), seen)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(top, item, seen)
