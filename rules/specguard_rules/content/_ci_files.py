"""The steps of CI files: GitHub workflows, composite actions and GitLab's `.gitlab-ci.yml`.

Which of them a file is shows in its structure, not in its name. Anchors, merge keys and tags are read, which
CI files have and which `documents` refuses.
"""

from __future__ import annotations

from specguard.rules import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

MAX_BYTES: Final = 1 << 20
"""A file of more bytes is not read."""

MAX_DEPTH: Final = 50
"""How deep mappings and lists may be nested."""

EXTENDS_DEPTH: Final = 11
"""GitLab's own limit of nesting for `extends`."""

_GITLAB_KEYWORDS: Final = frozenset(
    [
        "after_script", "before_script", "cache", "default", "image", "include", "pages:deploy", "services",
        "spec", "stages", "types", "variables", "workflow",
    ]
)  # fmt: skip
"""Keys at the top of `.gitlab-ci.yml` that are no jobs (docs.gitlab.com/ci/yaml)."""


class YamlError(ValueError):
    """A file that cannot be read.

    Attributes:
        line: where, from 1; None where it is no line's fault.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


class Node:
    """A value of YAML; one that an alias stands for is shared.

    Attributes:
        line: where it begins, from 1.
        end_line: where it ends.
        text: what a scalar says, as it is written.
        literal: whether that is a block whose lines are its own (`|`).
        tag: its tag.
        items: the values of a list.
        fields: the values of a mapping, those that are merged into it too.
        key_lines: the lines of their keys.
        scalar: whether it is neither a list nor a mapping.
    """

    def __init__(self, found: Any) -> None:
        self.scalar = found.id == "scalar"
        self.line: int = found.start_mark.line + 1
        self.end_line: int = found.end_mark.line + 1
        self.text: str = found.value if self.scalar else ""
        self.literal = self.scalar and found.style == "|"
        self.tag: str = found.tag
        self.items: list[Node] = []
        self.fields: dict[str, Node] = {}
        self.key_lines: dict[str, int] = {}

    def get(self, *keys: str) -> Node | None:
        """The value at a key, through mappings."""
        node: Node | None = self
        for key in keys:
            node = node.fields.get(key) if node is not None else None
        return node

    def string(self, *keys: str) -> str:
        """The text of the scalar at a key; empty where there is none."""
        node = self.get(*keys)
        return node.text if node is not None else ""

    def text_line(self, number: int) -> int:
        """The file's line of a line of the text, which counts from 0."""
        return self.line + 1 + number if self.literal else self.line


def read(data: bytes) -> Node:
    """The last document of a YAML file.

    Raises:
        YamlError: it is none, or says what a reader could take for two things.
    """
    import yaml

    if len(data) > MAX_BYTES:
        raise YamlError(f"it has {len(data)} bytes; {MAX_BYTES} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise YamlError("it is not UTF-8") from None
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
    return _node(last or yaml.compose("''"), {})


def _node(found: Any, known: dict[int, Node | None]) -> Node:
    node = Node(found)
    if id(found) in known:
        shared = known[id(found)]
        if shared is None:
            raise YamlError("a value holds itself", node.line)
        return shared
    known[id(found)] = None
    if found.id == "sequence":
        node.items = [_node(item, known) for item in found.value]
    elif found.id == "mapping":
        merged: list[Node] = []
        for key, value in found.value:
            inner = _node(value, known)
            name = key.value if key.id == "scalar" else ""
            if key.tag == "tag:yaml.org,2002:merge":
                merged += inner.items or [inner]
            elif name in node.fields:
                raise YamlError(f"the key {name!r} is there twice", key.start_mark.line + 1)
            else:
                node.fields[name] = inner
                node.key_lines[name] = key.start_mark.line + 1
        # What a mapping has itself comes before what is merged into it, and earlier before later.
        for other in merged:
            node.fields = other.fields | node.fields
            node.key_lines = other.key_lines | node.key_lines
    known[id(found)] = node
    return node


class Step(Record):
    """What one shell of a CI job runs, or an action that it uses.

    Attributes:
        job: the job's name; empty in a composite action.
        contained: whether the job runs in a container; None where an included file may say so.
        variables: the variables that are set for the step.
        script: the texts that are run one after the other in one shell; none for a step that uses an action.
        uses: the action that a step uses.
        inputs: the name, text and line of each of its inputs.
        shell: what reads the script, such as `bash` or `python`; empty for the default.
        folder: the working directory, relative to the repository's root; empty for the root.
    """

    job: str
    contained: bool | None
    variables: Mapping[str, str]
    script: Sequence[Node] = ()
    uses: str = ""
    inputs: Sequence[tuple[str, str, int]] = ()
    shell: str = ""
    folder: str = ""


def steps(data: bytes) -> Iterator[Step]:
    """The steps of a CI file, in its order.

    Raises:
        YamlError: the file cannot be read, see `read`.
    """
    top = read(data)
    if not top.fields:
        raise YamlError("it is no mapping", top.line)
    jobs = top.get("jobs")
    if jobs is not None:
        for name, job in jobs.fields.items():
            yield from _github(name, job.get("steps"), job, top)
    elif top.get("runs") is not None:
        # Where a composite action runs is its caller's affair; it may be a job without a container.
        yield from _github("", top.get("runs", "steps"))
    else:
        yield from _gitlab(top)


def _variables(*nodes: Node | None) -> dict[str, str]:
    """The variables of several tables, a later one over an earlier."""
    # GitLab also has `NAME: {value: TEXT, description: TEXT}`.
    return {
        name: value.text or value.string("value")
        for node in nodes
        if node is not None
        for name, value in node.fields.items()
    }


def _github(name: str, items: Node | None, *holders: Node) -> Iterator[Step]:
    """The steps of a job or an action; what a step does not say itself, the job and the file say."""
    tables = [holder.get("env") for holder in reversed(holders)]
    defaults = [node for holder in holders if (node := holder.get("defaults", "run")) is not None]
    for item in items.items if items is not None else ():
        run, inputs = item.get("run"), item.get("with")
        given = inputs.fields.items() if inputs is not None else ()
        lines = inputs.key_lines if inputs is not None else {}
        places = [item, *defaults]
        yield Step(
            job=name,
            contained=any(holder.get("container") is not None for holder in holders[:1]),
            variables=_variables(*tables, item.get("env")),
            script=[run] if run is not None else [],
            uses=item.string("uses"),
            inputs=[(key, value.text, lines[key]) for key, value in given],
            shell=next(filter(None, (place.string("shell") for place in places)), ""),
            folder=next(filter(None, (place.string("working-directory") for place in places)), ""),
        )


def _gitlab(top: Node) -> Iterator[Step]:
    common = top.get("default")
    for name, job in top.fields.items():
        # A hidden job (`.name`) runs only where another one extends it.
        if name in _GITLAB_KEYWORDS or name.startswith(".") or not job.fields:
            continue
        chain = [job, *_extended(top, job)]
        inherited = [*chain, *([common] if common is not None else []), top]
        contained: bool | None = any(node.get("image") is not None for node in inherited)
        if not contained and top.get("include") is not None:
            contained = None
        variables = _variables(top.get("variables"), *(node.get("variables") for node in reversed(chain)))
        # The first two are one shell, with one set of variables.
        for keys in (("before_script", "script"), ("after_script",)):
            script: list[Node] = []
            for key in keys:
                holders = chain if key == "script" else inherited
                node = next((found for holder in holders if (found := holder.get(key)) is not None), None)
                script += _texts(top, node, set())
            yield Step(name, contained, variables, script)


def _extended(top: Node, job: Node) -> list[Node]:
    """The jobs that a job extends, nearest first, as far as they are in the same file."""
    found: list[Node] = []
    waiting = [job]
    for _ in range(EXTENDS_DEPTH):
        extends = [node for one in waiting if (node := one.get("extends")) is not None]
        # Of several a later one overrides an earlier.
        names = [one.text for node in extends for one in reversed(node.items or [node])]
        waiting = [node for name in names if (node := top.get(name)) is not None and node not in found]
        found += waiting
    return found


def _texts(top: Node, node: Node | None, seen: set[int]) -> Iterator[Node]:
    """The texts of a script: one, a list of them, or lists within it and `!reference`s, each read once."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if node.scalar:
        yield node
    elif node.tag == "!reference":
        yield from _texts(top, top.get(*(item.text for item in node.items)), seen)
    for item in node.items if node.tag != "!reference" else ():
        yield from _texts(top, item, seen)
