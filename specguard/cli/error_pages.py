"""The pages of the kinds of errors, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.cli.error_kinds import error_kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from specguard.cli.error_kinds import ErrorKind

_INDEX = """\
# Errors

Where specguard can give no verdict, or a run ends early, it says so in one sentence, with the next step, and
with the name of the error in brackets behind it:

```text
specguard: error: HEAD has no commit yet [no-commit]
  next: commit first
```

The names never change. Reports in JSON have them as `code` of an error and as `error` of a rule that could
not be judged, `error.json` of a run as `error`. `specguard error NAME` shows a page in the terminal. Findings
are no errors: they have [rules](../rules/index.md). What is too large or takes too long is in
[limits](../limits.md).
"""


def error_pages() -> Mapping[str, str]:
    """Every page by its path below the documents' folder."""
    kinds = error_kinds()
    pages = {f"errors/{name}.md": error_page(kind) for each in kinds.values() for name, kind in each.items()}
    lines = _INDEX.split("\n")
    for title, each in kinds.items():
        lines += [f"## {title}", "", "| name | what has happened |", "| --- | --- |"]
        lines += [f"| [`{kind.name}`]({kind.name}.md) | {kind.title} |" for kind in each.values()]
        lines.append("")
    pages["errors/index.md"] = "\n".join(lines).rstrip("\n") + "\n"
    return pages


def error_page(kind: ErrorKind) -> str:
    """The page of one kind, ending in a newline."""
    return "\n".join(
        [
            f"# {kind.name}",
            "",
            f"**{kind.title}.** {kind.meaning}",
            "",
            "```text",
            f"specguard: error: {kind.example} [{kind.name}]",
            "```",
            "",
            f"Why it stops here: {kind.why}",
            "",
            f"How to mend it: {kind.remedy}",
            "",
        ]
    )
