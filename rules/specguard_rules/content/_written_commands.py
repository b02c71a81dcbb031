"""The commands that a file holds: a shell script, a makefile, a CI file or a Markdown document."""

from __future__ import annotations

import re

from specguard_rules.content._ci_files import steps
from specguard_rules.content._markdown_code import markdown_commands
from specguard_rules.content._scripts import language
from specguard_rules.content._shell import commands
from specguard_rules.content._yaml_nodes import YamlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from specguard_rules.content._shell import Command

_MAKEFILE: Final = re.compile(rb"(?:^|/)(?:GNU)?[Mm]akefile(?:\.[^/]*)?$|\.mk$")


def written_commands(path: bytes, data: bytes) -> Iterator[Command]:
    """The commands of a file, with their lines in it; none for a file that is not one of these."""
    text = data.decode("utf-8", "surrogateescape")
    if path.endswith((b".md", b".markdown", b".mdx")):
        yield from markdown_commands(text)
    elif path.endswith((b".yml", b".yaml")):
        yield from _ci_commands(data, text)
    elif _MAKEFILE.search(path):
        # A recipe's line begins with a tab, and may with marks for make itself.
        recipe = re.sub(r"^(?!\t).*$", "", text, flags=re.MULTILINE)
        yield from commands(re.sub(r"^\t[@+-]*", "", recipe, flags=re.MULTILINE))
    elif language(path, data) == ".sh":
        yield from commands(text)


def _ci_commands(data: bytes, text: str) -> Iterator[Command]:
    try:
        parts = {id(part): part for step in steps(data) for part in step.script}
    except YamlError:
        # What cannot be read as YAML is read as lines: better a command too many than one unseen.
        yield from commands(text)
        return
    for part in parts.values():
        for command in commands(part.text):
            lines = command.end_line - command.line
            command.line = part.text_line(command.line - 1)
            command.end_line = command.line + lines if part.style == "|" else part.end_line
            yield command
