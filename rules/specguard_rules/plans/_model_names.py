"""Where files name models: fields, data, and the words of commands."""

from __future__ import annotations

import re

from specguard.rules import model_words
from specguard_rules.content._commands import written_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.documents.data import Data
    from specguard.documents.document import Document
    from specguard.rules import Documents
    from specguard_rules.content._shell import Command

WORDS: Final = 4
"""A name of a model has at most so many words: `Gemini 3 Pro preview`."""

_VARIABLE: Final = re.compile(r"(?:[A-Z0-9]+_)*MODEL(?:_NAME|_ID)?")
_DECLARES: Final = frozenset({"declare", "export", "local", "readonly", "setenv"})
_BETWEEN: Final = re.compile(r"\s*[,;|\n]\s*|\s+(?:and|or|then|with|/|\+|->)\s+")
_REMARK: Final = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_PAIR: Final = re.compile(
    r"(?P<key>\b[A-Za-z][A-Za-z_ -]{0,40})[\"'`*]{0,3}\s{0,8}[:=]\s{0,8}"
    r"(?:[\"'](?P<quoted>[^\"'\n]{0,300})|(?P<bare>[^\s\"',\]}]{1,300}))"
)
_OWN_NAMES: Final = frozenset({"name", "id", "slug", "model"})
_LIKE_A_MODEL: Final = re.compile(
    r"(?:[\w.-]+/)?(?:claude|codex|codestral|command|deepseek|devstral|gemini|gemma|glm|gpt|grok|haiku|kimi"
    r"|llama|mistral|mixtral|opus|phi|qwen|sonnet|o[0-9])[\w.:@-]*",
    re.IGNORECASE,
)


class Named:
    """A model that a file names.

    Attributes:
        name: as it is written.
        forms: the name and how else it could be written: without a provider, with hyphens for spaces.
        line: its line, from 1; None where it cannot be told.
        sure: whether it can be nothing else; otherwise it may be a model of data.
        words: whether it is a few words without a digit, which name a model only where one is denied.
        told: whether it is used; False where a document only speaks of a command.
    """

    __slots__ = ("forms", "line", "name", "sure", "told", "words")

    def __init__(
        self, name: str, line: int | None, *, sure: bool, words: bool = False, told: bool = True
    ) -> None:
        self.name = name
        self.forms = model_words.forms_of(name)
        self.line = line
        self.sure = sure
        self.words = words
        self.told = told


def in_document(document: Document, fields: Sequence[str], people: Sequence[str]) -> Iterator[Named]:
    """The models in a Markdown document's front matter and fields."""
    if document.problem is not None:
        return
    for field in document.fields(*fields):
        yield from _names(field.value, field.line, prose=field.form != "front matter")
    for field in document.fields(*people):
        yield from (one for one in _names(field.value, field.line, prose=True) if is_no_person(one.name))


def in_data(data: Data, fields: Sequence[str], people: Sequence[str]) -> Iterator[Named]:
    """The models in structured data: the values of keys, at any depth."""
    wanted = {_normal(name) for name in fields}
    who = {_normal(name) for name in people}
    for path, value in _values(data.value, ()):
        keys = [_normal(part) for part in path if isinstance(part, str)]
        name = keys[-1] if keys else ""
        if name in wanted:
            yield from _names(value, data.line(path), prose=False)
        elif name in _OWN_NAMES and keys[-2:-1] and keys[-2] in wanted:
            # It may be a model of data, which has a name, too.
            named = _names(value, data.line(path), prose=False)
            yield from (one for one in named if is_no_person(one.name))
        elif name in who:
            named = _names(value, data.line(path), prose=True)
            yield from (one for one in named if is_no_person(one.name))


def in_text(content: bytes, fields: Sequence[str]) -> Iterator[Named]:
    """The models in text that should be data and cannot be read as such, or is data line by line.

    A key stands before a colon or an equals sign, its value up to the next quotation mark, comma or bracket.
    """
    wanted = {_normal(name) for name in fields}
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), start=1):
        for found in _PAIR.finditer(line):
            if _normal(found["key"]) not in wanted:
                continue
            if (found["bare"] or "").startswith("*"):
                # An alias may stand for anything.
                yield Named(found["bare"], number, sure=True)
            else:
                yield from _names(found["quoted"] or found["bare"] or "", number, prose=False)


def in_commands(path: bytes, content: bytes, documents: Documents) -> Iterator[Named]:
    """The models that the commands of a file name: a script, a CI file, code in Markdown, `verify` of a plan.

    Raises:
        MissingFact: the file is data that cannot be read.
    """
    if b"model" in content.lower() or b"-m" in content:
        for command in written_commands(path, content, documents):
            yield from _in_command(command)


def is_model(name: str) -> bool:
    """Whether a text is written as models' names are: a family, and what tells its members apart."""
    return len(name.split()) <= WORDS and _LIKE_A_MODEL.fullmatch("-".join(name.split())) is not None


def is_no_person(name: str) -> bool:
    """Whether what stands for a person is a model's name: `Codex` is an agent's, `gpt-5` is a model's."""
    return is_model(name) and any(char.isdigit() for char in name)


def _normal(text: str) -> str:
    """A name for comparison: case, `_`, `-` and spaces do not count."""
    return re.sub(r"[\s_-]+", "", text).casefold()


def _values(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every text of some data, with its place."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _values(one, (*path, key))
    elif isinstance(value, list):
        for position, one in enumerate(value):
            yield from _values(one, (*path, position))
    elif isinstance(value, str):
        yield path, value


def _names(value: str, line: int | None, *, prose: bool) -> Iterator[Named]:
    """The models that a value names; of running text words without a digit may mean anything else."""
    if len(value) > model_words.LONGEST:
        # Prose, unless it begins as a model's name.
        value = value[: model_words.LONGEST].split()[0] if value.split() else ""
        if prose or not is_no_person(value):
            return
    for piece in _BETWEEN.split(value):
        name = _REMARK.sub("", piece).strip().strip("`'\"*_.")
        hole = model_words.HOLE.match(name)
        if hole and is_no_person(name.strip("<>{}$")):
            name, hole = name.strip("<>{}$"), None
        if name.casefold() in model_words.UNNAMED or hole:
            continue
        digits = any(char.isdigit() for char in name)
        yield Named(name, line, sure=digits or is_model(name), words=prose and " " in name and not digits)


def _in_command(command: Command) -> Iterator[Named]:
    for name, value in command.assigned:
        if _VARIABLE.fullmatch(name):
            yield from _named(value, command.line, command.told)
    if command.program in _DECLARES:
        for word in command.words[1:]:
            name, _, value = word.partition("=")
            if _VARIABLE.fullmatch(name):
                yield from _named(value, command.line, command.told)
    for model in model_words.models_in(command.words):
        yield Named(model, command.line, sure=True, told=command.told)
    for inner in command.inner:
        yield from _in_command(inner)


def _named(value: str, line: int | None, told: bool) -> Iterator[Named]:
    name = model_words.model_named(value)
    if name is not None:
        yield Named(name, line, sure=True, told=told)
