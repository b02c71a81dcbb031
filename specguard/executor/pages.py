"""Pages of Markdown, made from the templates beside this module."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from specguard.reporters.escape import legible, markdown_code, markdown_span, markdown_text, visible

if TYPE_CHECKING:
    from jinja2 import Environment

_MINUTE: Final = 60
_HOUR: Final = 3600
_BLANK: Final = re.compile(r"\n{3,}")


def page(name: str, **values: Any) -> str:
    """A page.

    Args:
        name: its template, such as `brief.md`.
        values: what the template names. Text from outside goes through one of the filters there: `code`,
            `text`, `fenced`; on a page for agents, who read the text itself, through `span` and `plain`.
    """
    made: str = _environment().get_template(name).render(**values)
    return _BLANK.sub("\n\n", made).strip("\n") + "\n"


def duration(seconds: float) -> str:
    """A duration for a person: `2 h`, `1 min 30 s`, `0.4 s`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    parts = [(whole // _HOUR, "h"), (whole % _HOUR // _MINUTE, "min"), (whole % _MINUTE, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def fenced(text: str, indent: int = 0) -> str:
    """A text of several lines as a fenced block, which nothing in it can end."""
    lines = legible(text).rstrip("\n").split("\n")
    longest = max((len(run) for line in lines for run in re.findall("~+", line)), default=0)
    fence = "~" * max(3, longest + 1)
    return "\n".join(" " * indent + line for line in (f"{fence}text", *lines, fence))


def command(text: str, indent: int = 0) -> str:
    """A command as a code span, or as a fenced block where it has several lines."""
    whole = text.strip()
    return markdown_span(whole) if "\n" not in whole else f"\n{fenced(whole, indent)}\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("specguard.executor") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda name: (folder / f"{name}.j2").read_text(encoding="utf-8")),
        # These are pages of Markdown: the filters escape what must not be markup there.
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        code=markdown_code,
        text=markdown_text,
        span=markdown_span,
        plain=visible,
        fenced=fenced,
        command=command,
        duration=duration,
    )
    return environment
