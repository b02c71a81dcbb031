"""Skeletons of new artifacts: everything that a contract requires, except what a person has to write."""

from __future__ import annotations

import json
import shlex

from specguard.artifacts.files import alternatives, join_path, unique_path
from specguard.documents.data import data_kind, value_at
from specguard.documents.document import Document
from specguard.documents.fields import normal_name, normal_title
from specguard.errors import SpecguardError
from specguard.model import TYPE_CHECKING, Record, path_text
from specguard.work.kinds import LIST_KEYS, TASK_KEYS, PlanKind, WorkKind
from specguard.work.name_templates import Template, path_template

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any, Final

    from specguard.artifacts.contracts import Contract
    from specguard.documents.data import Kind


class Skeletons(Record, frozen=False):
    """Writes the initial files that contracts require.

    Args:
        contracts: the policy's contracts, by name.
        kinds: the policy's kinds of work items; a structured artifact may be the `source` of one.
        schema: returns the value of a JSON Schema by its path; None if it is not available.
        plans: the policy's kinds of plans, by name.
        exists: True if a path is taken.
        now: the current time in UTC.

    Attributes:
        planned: the texts of the files to write, by their paths from the root.
        unnamed: required names that only a person can choose.
    """

    contracts: Mapping[str, Contract]
    kinds: Mapping[str, WorkKind]
    schema: Callable[[str], Any]
    plans: Mapping[str, PlanKind]
    exists: Callable[[bytes], bool]
    now: datetime
    planned: dict[bytes, str] = {}
    unnamed: list[str] = []

    def files(self, name: str, path: bytes, fields: Mapping[str, str]) -> Mapping[bytes, str]:
        """Plan an artifact with its companions, or the members of a pass; existing files are kept.

        Args:
            name: the contract's name.
            path: the path of the artifact.
            fields: the values of its placeholders, and of those that only its companions have.

        Returns:
            The texts of the files to write, by path.
        """
        contract = self.contracts[name]
        if contract.root:
            for member in contract.members:
                self._plan_companion(path, [member], fields)
        else:
            self._plan_file(path, fields)
        return self.planned

    def _plan_file(self, path: bytes, known: Mapping[str, str]) -> None:
        """Plan a file and its companions, unless it exists."""
        if path in self.planned or self.exists(path):
            return
        read = [(one, path_template(one.path).read(path)) for one in self.contracts.values() if one.path]
        found = [(contract, fields) for contract, fields in read if fields is not None]
        self.planned[path] = self._text(path, [contract for contract, _ in found])
        for contract, fields in found:
            for companion in contract.companions:
                self._plan_companion(path.rpartition(b"/")[0], alternatives(companion), {**known, **fields})

    def _plan_companion(self, folder: bytes, templates: Sequence[str], fields: Mapping[str, str]) -> None:
        """Plan the first alternative with a unique path, unless one of them exists."""
        found = (unique_path(path_template(text), folder, fields) for text in templates)
        paths = [path for path in found if path is not None]
        if not paths:
            shown = " or ".join(path_template(text).show(fields) for text in templates)
            self.unnamed.append(f"{shown} in {path_text(folder) or 'the root'}")
        elif not any(path in self.planned or self.exists(path) for path in paths):
            self._plan_file(paths[0], fields)

    def _text(self, path: bytes, contracts: Sequence[Contract]) -> str:
        kind = data_kind(path)
        if kind is not None:
            return self._structured(path, contracts, kind)
        name = path.rpartition(b"/")[2].decode("utf-8", "replace")
        words = (name.rpartition(".")[0] or name).replace("-", " ").replace("_", " ").split()
        lines = [f"# {' '.join(words) or TODO}", ""]
        for contract in contracts:
            lines += _markdown(contract, self.kinds, self.now)
        if len(lines) == 2:
            lines += [TODO, ""]
        return "\n".join(lines)

    def _structured(self, path: bytes, contracts: Sequence[Contract], kind: Kind) -> str:
        examples = [example(self.schema(one.schema)) for one in contracts if one.schema]
        value = next((one for one in examples if one != TODO), self._tasks(path) or self._items(path))
        names = [name for contract in contracts for name, _ in _fields(contract, self.kinds)]
        for name in names if isinstance(value, dict) else ():
            value.setdefault(name, TODO)
        return _format(value, kind)

    def _tasks(self, path: bytes) -> Any:
        """Return a plan with one task if the path is the file of one; else an empty table."""
        for kind in self.plans.values():
            if kind.task_file.read(path) is not None:
                template = Template(kind.id_format)
                task: dict[str, Any] = {name: [TODO] if name in LIST_KEYS else TODO for name in TASK_KEYS}
                task["id"] = template.render(dict.fromkeys(template.names, "001"))
                task |= {"status": kind.statuses[0], "depends_on": []}
                required = {kind.key_of(name): one for name, one in task.items() if name in kind.required}
                return nest_keys({**({kind.option: TODO} if kind.option else {}), kind.tasks: [required]})
        return {}

    def _items(self, path: bytes) -> dict[str, Any]:
        """Return a table that lists one work item if the path is the source of a kind; else an empty one."""
        lists = {"acceptance": [TODO], "depends_on": [], "files": [TODO], "gates": [TODO]}
        for name, kind in self.kinds.items():
            if kind.read_source(path) is not None:
                entry = {kind.paths_of(one)[0]: lists.get(one, TODO) for one in ("title", *kind.required)}
                return {kind.items or f"{name}s": [nest_keys({kind.number: 1, **entry})]}
        return {}


def locate(
    name: str, contract: Contract, values: Mapping[str, str], folder: bytes, path: bytes | None
) -> tuple[bytes, dict[str, str]]:
    """Return the path of a new artifact, and the values of its placeholders.

    Args:
        name: the contract's name.
        contract: its contract.
        values: the values of placeholders, by name.
        folder: the folder that replaces a leading `**/`, from the root; empty for the root.
        path: the path, if the user chooses it.

    Raises:
        SpecguardError: a value is missing or unknown, or the path does not match the contract.
    """
    text = contract.path or contract.root
    template = path_template(text)
    known = template.names | {one for member in contract.members for one in path_template(member).names}
    # Placeholders of companions need no value: a person names such a companion later.
    companions = [text for companion in contract.companions for text in alternatives(companion)]
    allowed = known | {one for text in companions for one in path_template(text).names}
    for unknown in sorted(values.keys() - allowed):
        has = f"it has {', '.join(sorted(allowed))}" if allowed else "it has none"
        raise unfilled(f"{name} has no placeholder {unknown!r}", has)
    by_path = path is not None
    missing = sorted(known - values.keys() - (template.names if by_path else set()))
    if missing:
        known_values = [f"{one}={shlex.quote(value)}" for one, value in values.items() if one != "date"]
        command = " ".join(["specguard new", name, *known_values, *(f"{one}=..." for one in missing)])
        raise unfilled(f"{name} is {text}, and no value is given for {', '.join(missing)}", command)
    if path is None:
        rest = text.removeprefix("**/")
        plain = path_template(rest).exact_path(values)
        if plain is None:
            message = f"{name} is {text}, and no values are given for its wildcards"
            raise unfilled(message, f"name the file yourself: specguard new {name} --path ...")
        path = join_path(folder, plain) if rest != text else plain
    fields = template.read(path)
    if (
        fields is None
        or any(fields[one].casefold() != values[one].casefold() for one in fields.keys() & values.keys())
        or any(part.lower() in {b"", b".", b"..", b".git"} for part in path.split(b"/"))
        or any(byte < 32 or byte == 127 for byte in path)
    ):
        message = f"{path_text(path)} is no {name}, which is {text}"
        step = "a value is a part of a name, without a slash; a number has only digits"
        raise unfilled(message, "--path begins in the folder that you are in" if by_path else step)
    return path, {**values, **fields}


def unfilled(message: str, help: str) -> SpecguardError:
    """Return the error of a template whose placeholders have no values, or wrong ones."""
    return SpecguardError(message, help=help, code="unfilled-template")


def _markdown(contract: Contract, kinds: Collection[str], now: datetime) -> Iterator[str]:
    """Yield the lines that a contract requires in a Markdown document, below its title."""
    fields = list(_fields(contract, kinds))
    for name, value in fields:
        yield f"- [ ] {name}" if contract.fields.get(name) == "ticked" else f"- {name}: {value}"
    if fields:
        yield ""
    for title in _titles(contract):
        yield from (f"## {title}", "", TODO, "")
    if contract.timestamps:
        yield from ("## Log", "", f"- {now:%Y-%m-%d %H:%M} UTC: begun", "")


def _titles(contract: Contract) -> list[str]:
    """Return the titles of the required sections, and of those for what else a contract requires."""
    titles = [contract.evidence.section or "Evidence"] if contract.evidence else []
    titles += [contract.findings.section or "Findings"] if contract.findings else []
    titles += [f"Option {option}" for option in contract.options]
    titles += ["Inputs"] if contract.inputs or contract.records else []
    titles += ["Removed"] if contract.agrees_with else []
    titles += ["Kept"] if contract.closure else []
    required = set(map(normal_title, contract.sections))
    return [*contract.sections, *(one for one in dict.fromkeys(titles) if normal_title(one) not in required)]


def _fields(contract: Contract, kinds: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the required fields, each with a placeholder for its value.

    Args:
        contract: the contract.
        kinds: the policy's kinds of work items.
    """
    for name, allowed in contract.fields.items():
        values = [allowed] if isinstance(allowed, str) else allowed
        yield name, TODO if values in (["any"], ["date"]) else f"{TODO} ({' or '.join(values)})"
    named = {normal_name(name) for name in contract.fields}
    if contract.author_not and contract.author and named.isdisjoint(map(normal_name, contract.author)):
        yield contract.author[0], TODO
    # An artifact names the item whose owner must not be its author.
    kind = contract.author_not.partition(".")[0]
    stated = named | set(map(normal_name, path_template(contract.path).names))
    if kind in kinds and stated.isdisjoint(map(normal_name, (kind, f"{kind}s", f"{kind} id"))):
        yield kind, TODO


def _format(value: Any, kind: Kind) -> str:
    """Return a value as the text of a file in its format."""
    if kind == "json":
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if kind == "toml":
        from specguard.documents.toml import toml_key, toml_value

        pairs = value.items() if isinstance(value, dict) else ()
        return "".join(f"{toml_key(key)} = {toml_value(one)}\n" for key, one in pairs if one is not None)
    import yaml

    # A number of a schema keeps its digits in a class that YAML does not know.
    plain = json.loads(json.dumps(value))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=False)


TODO: Final = "TODO"

DEEPEST: Final = 12
"""The maximum depth of a created value."""


def example(schema: Any, root: Any = None, above: tuple[str, ...] = ()) -> Any:
    """Return a value for a JSON Schema: required properties, or else all of them; lists have one element.

    Patterns, alternatives and references to other files are ignored. The check reports them.

    Args:
        schema: the schema.
        root: the whole schema, to which `$ref` refers; `schema` by default.
        above: the references around this value, since a schema may refer to itself.
    """
    if not isinstance(schema, dict) or len(above) > DEEPEST:
        return TODO
    root, inside = schema if root is None else root, (*above, "")
    if isinstance(reference := schema.get("$ref"), str):
        start, *keys = reference.split("/")
        inner = value_at(root, tuple(keys)) if start == "#" and reference not in above else None
        return example(inner, root, (*above, reference))
    kinds, properties = schema.get("type"), schema.get("properties")
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = kinds[0] if isinstance(kinds, list) and kinds else kinds
    if isinstance(properties, dict) and kind in ("object", None):
        required = schema.get("required")
        names = required if isinstance(required, list) and required else properties
        return {name: example(properties.get(name), root, inside) for name in names if isinstance(name, str)}
    if "items" in schema and kind in ("array", None):
        return [example(schema["items"], root, inside)]
    if kind in ("integer", "number"):
        return least if isinstance(least := schema.get("minimum"), int) else 0
    simple: dict[Any, Any] = {"boolean": False, "object": {}, "array": []}
    return simple.get(kind, TODO) if isinstance(kind, str) else TODO


def add_heading(text: str, contract: Contract, title: str) -> str:
    """Add a heading at the end of a document.

    Args:
        text: the document.
        contract: its contract.
        title: one of the contract's sections.

    Returns:
        The document; unchanged if the section exists already, or if the new heading would be invisible.
    """
    old, titles = Document.of(text.encode("utf-8", "surrogateescape")), (title, *contract.aliases_of(title))
    if old.problem is not None or old.section(*titles) is not None:
        return text
    end = "\r\n" if "\r\n" in text else "\n"
    after = f"{end}{end}".join([*filter(None, [text.rstrip()]), f"## {title}", TODO]) + end
    document = Document.of(after.encode())
    is_seen = len(document.sections) == len(old.sections) + 1 and document.section(*titles) is not None
    return after if is_seen else text


def nest_keys(values: Mapping[str, Any]) -> Any:
    """Return values under dotted keys as nested tables; a value with an empty key replaces the table."""
    table: dict[str, Any] = {}
    for key, value in values.items():
        if not key:
            return value
        inner, parts = table, key.split(".")
        for part in parts[:-1]:
            if not isinstance(inner.get(part), dict):
                # A table replaces a text at the same key.
                inner[part] = {}
            inner = inner[part]
        inner[parts[-1]] = value
    return table
