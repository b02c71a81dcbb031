"""The models that a command's words name."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

AGENTS: Final = frozenset(
    {"aider", "claude", "codex", "copilot", "crush", "gemini", "goose", "llm", "opencode", "qwen"}
)
"""Programs whose option `-m` names a model; of most others it means something else."""

UNNAMED: Final = frozenset(
    {
        "", "-", "default", "false", "inherit", "n/a", "na", "no", "none", "null", "optional", "required",
        "str", "string", "tba", "tbd", "text", "todo", "true", "unknown", "yes",
    }
)  # fmt: skip
"""What stands where no model is named, also in a table that describes what a field may be."""

LONGEST: Final = 300
"""A value of more characters is prose, and names no model."""

HOLE: Final = re.compile(r"[$<{]|\.{3}|\u2026")
"""What stands for a name that is filled in later."""

_OPTION: Final = re.compile(r"--(?:[a-z]+-)?model(?:-name|-id)?(?:=(?P<value>.*))?", re.DOTALL)


def forms_of(name: str) -> list[str]:
    """A model's name and how else it could be written: without a provider, with hyphens for spaces."""
    return list(dict.fromkeys((name, name.rpartition("/")[2], "-".join(name.lower().split()))))


def is_agent(words: Sequence[str]) -> bool:
    """Whether a command runs an agent, itself or through another program."""
    return any(word.rpartition("/")[2] in AGENTS for word in words[:4])


def models_in(words: Sequence[str]) -> Iterator[str]:
    """The models that a command's words name, in order."""
    agent = is_agent(words)
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        value: str | None = None
        if word.startswith("--"):
            option = _OPTION.fullmatch(word)
            if option is not None:
                value = following if option["value"] is None else option["value"]
        elif agent and word == "-m":
            value = following
        elif agent and word.startswith("-m") and len(word) > 3:
            value = word[2:].removeprefix("=")
        elif agent and word.startswith("model="):
            value = word[6:]
        name = None if value is None else model_named(value)
        if name is not None:
            yield name


def model_named(value: str) -> str | None:
    """The model that the value of an option or a variable names; None where it names none."""
    name = value.strip().strip("'\"")
    if name.casefold() in UNNAMED or name.startswith("-") or HOLE.match(name):
        return None
    return name[:LONGEST]
