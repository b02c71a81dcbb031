"""Changes that are filled in, as a person does it."""

import datetime
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from specguard.planning.creation import proposal_files

TODAY = datetime.date(2026, 1, 31)
WORDS: dict[str, str] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
"""What stands for each `TODO:`, by how its hint begins."""


def filled(text: str) -> str:
    """A file with something said for each `TODO:` of it."""
    names = iter(["The cart keeps things", "One thing", "A third name"])

    def said(match: re.Match[str]) -> str:
        hint = match[1]
        if hint == "its name":
            return next(names)
        return next(words for begin, words in WORDS.items() if hint.startswith(begin))

    return re.sub(r"TODO: (.*)", said, text)


def change(top: Path, slug: str, *, capabilities: Sequence[str] = ("cart",), fill: bool = True) -> None:
    """Write a change, filled in or not."""
    files = proposal_files(str(top), slug, capabilities, today=TODAY)
    write(top, {path: filled(text) if fill else text for path, text in files.items()})


def write(top: Path, files: Mapping[str, str | None]) -> None:
    """Write files, and remove those for which there is no text."""
    for path, text in files.items():
        place = top / path
        if text is None:
            place.unlink()
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


REQUIREMENT = """### Requirement: {name}

The shop SHALL do it.

#### Scenario: One thing

- **WHEN** something is put into it
- **THEN** the cart shows it
"""


def requirement(name: str) -> str:
    """A requirement with one scenario."""
    return REQUIREMENT.format(name=name)
