"""The report as one HTML page that loads nothing, and in which no text of a change becomes markup.

Every text passes `visible` and then jinja2's escaping when a template prints it. The page's content security
policy allows only its own style, by its digest. Text that got past both could therefore still do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, Final, NamedTuple

from jinja2 import Environment
from markupsafe import Markup, escape

from specguard import __version__
from specguard.errors import SpecguardError
from specguard.model import OUTCOMES, STATES, Finding, Judged, Verdict, path_text
from specguard.reporters import text, wording
from specguard.reporters.escape import cut, cut_path, templates, visible

LIMIT: Final = 8_000_000
"""The most characters of a page's findings; each rule with findings gets an equal share."""

ITEMS_SHOWN: Final = 200
"""The most notes, or rules that lack the same fact, that are listed."""

_STATES: Final = ("failed", "indeterminate", "warned", "approved", "baselined", "passed")
"""The states of rules that judged something, the most important first."""


def render(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as an HTML page."""
    budget = LIMIT // max(1, sum(bool(result.findings) for one in verdicts for result in one.results))
    worst = max(verdicts, key=lambda verdict: OUTCOMES.index(verdict.outcome), default=None)
    return page(
        "report.html",
        worst=worst,
        verdicts=verdicts,
        headline_of=_headline,
        subject_of=_subject,
        groups_of=lambda verdict: list(_groups(verdict, budget)),
        states=sorted(STATES, key=(*_STATES, *STATES).index),
        most=ITEMS_SHOWN,
    )


def error_report(error: SpecguardError) -> str:
    """Return a page with the errors that prevented a verdict."""
    return page("error.html", errors=error.errors())


def page(template: str, **values: Any) -> str:
    """Return a page with specguard's style and content security policy.

    Args:
        template: a template of this folder that extends `page.html`.
        values: its variables, with `title`, `headline`, `outcome` and `lead` unless it sets these itself.
    """
    content = (files("specguard.reporters") / "templates" / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
    # This text is specguard's own; the page's policy allows it by its digest.
    values |= {"style": Markup(content), "style_hash": Markup(f"sha256-{digest}")}  # noqa: S704
    return _environment().get_template(template).render(version=__version__, **values).rstrip("\n") + "\n"


@cache
def _environment() -> Environment:
    def escape_text(value: Any) -> Any:
        """Return a template's text as visible characters; markup, which is already escaped, stays."""
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    def code(line: str) -> Markup:
        """Return a line of a file, in which tabs are kept."""
        return escape("\t".join(map(visible, line.split("\t"))))

    environment = templates("specguard.reporters", {"code": code}, autoescape=True, finalize=escape_text)
    environment.globals.update(said=text, wording=wording, kind_of=text.kind_of, message_of=_message)
    return environment


def _headline(verdict: Verdict) -> str:
    """Return the verdict in one or a few words."""
    end = text.outcome_text(verdict)
    return "No full verdict" if end == "indeterminate" else end.capitalize()


def _subject(verdict: Verdict) -> str:
    """Return the judged change, for a heading."""
    branch = verdict.change.get("branch")
    name = cut_path(str(branch)) if branch else str(verdict.change.get("head") or "")[:12]
    judged = text.subject_of(verdict)
    return f"{name}: {judged}" if name else judged.capitalize()


def _groups(verdict: Verdict, budget: int) -> Iterator[dict[str, Any]]:
    """Yield the findings of each rule as markup, up to `budget` characters for a rule."""
    render_finding = _environment().get_template("finding.html").module.finding  # type: ignore[attr-defined]  # a macro
    # Each file is read through once, however many findings it has.
    lines_of = cache(lambda path: changed_lines(verdict.hunks.get(path, ())))
    # Failed rules come first, then the others, both in the order of their codes.
    for result in sorted(verdict.results, key=lambda result: result.state != "failed"):
        found = result.findings
        shown: list[str] = []
        accepted: list[str] = []
        size = 0
        for judged in found:
            changed = lines_of(judged.finding.path)
            markup = render_finding(judged, excerpt(changed, judged.finding), len(changed))
            size += len(markup)
            if size > budget:
                break
            (accepted if judged.state == "baselined" else shown).append(markup)
        if found:
            yield {
                "result": result,
                "kinds": Counter(map(text.kind_of, found)),
                "shown": shown,
                "accepted": accepted,
                "left_out": len(found) - len(shown) - len(accepted),
            }


def _message(judged: Judged) -> str:
    """Return a finding's message, without the path at its start, which is shown before it."""
    path, message = judged.finding.path, visible(text.shown_message(judged))
    return message if path is None else message.removeprefix(f"{visible(cut_path(path_text(path)))} ")


LINES: Final = 8
"""The most lines of a finding that are shown, or of its file's changed lines if it names no line."""

_LONGEST_LINE: Final = 240


class Line(NamedTuple):
    """A line that a change adds or removes.

    Attributes:
        added: True if the line is added, False if it is removed.
        number: its number in the file on that side, from 1.
        raw: the line.
        hunk: the position of its hunk.
    """

    added: bool
    number: int
    raw: bytes
    hunk: int

    @property
    def text(self) -> str:
        """The line as text, cut if it is long; bytes that are not UTF-8 are surrogate escapes."""
        # Cut the bytes first, since a line may have millions of them.
        return cut(self.raw[: 4 * _LONGEST_LINE + 4].decode("utf-8", "surrogateescape"), _LONGEST_LINE)


def excerpt(changed: Mapping[tuple[bool, int], Line], finding: Finding) -> list[Line]:
    """Return the lines that a finding is about; none if the change does not touch them.

    Args:
        changed: the lines of the finding's file that the change adds or removes, by the side and number.
        finding: the finding.
    """
    added, first = finding.side != "base", finding.line
    if not first:
        return list(islice(changed.values(), LINES))
    if (begin := changed.get((added, first))) is None:
        return []
    last = min(finding.end_line or first, first + LINES - 1)
    near = (changed.get((added, number)) for number in range(first, last + 1))
    return [line for line in near if line and line.hunk == begin.hunk]


def changed_lines(hunks: Sequence[Any]) -> dict[tuple[bool, int], Line]:
    """Return the lines of a file's hunks by their side and number; removed ones before added ones."""
    return {(line.added, line.number): line for line in _lines(hunks)}


def _lines(hunks: Sequence[Any]) -> Iterator[Line]:
    """Yield the lines of a file's hunks; in each hunk removed lines come before added ones."""
    for at, hunk in enumerate(hunks):
        yield from (Line(False, hunk.old_start + n, raw, at) for n, raw in enumerate(hunk.removed))
        yield from (Line(True, hunk.new_start + n, raw, at) for n, raw in enumerate(hunk.added))
