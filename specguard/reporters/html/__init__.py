"""The report as one page of HTML: nothing is loaded, and nothing of a change becomes markup.

Every text goes through `visible` and then jinja2's escaping, on its way out of any template. The page's
policy allows its own style and script alone, by their digests, so what got past both could still do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from functools import cache
from importlib.resources import files

from specguard import __version__
from specguard.reporters.escape import cut, cut_path, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from jinja2 import Environment
    from markupsafe import Markup

    from specguard.errors import SpecguardError
    from specguard.model import Judged, Verdict

LIMIT: Final = 8_000_000
"""How many characters the findings of a page come to at most; each rule has an equal part of them."""

MOST: Final = 50
"""So many verdicts are on a page, those that did not pass before others."""

_FEW: Final = 10
"""A rule with no more findings is open from the start."""

_ERRORS: Final = 200
_WORST: Final = ("indeterminate", "failed", "accepted", "passed")


def render(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as a page."""
    from specguard.reporters.html.views import kind_of, lead, subject, view, why, word

    shown = list(verdicts)
    if len(shown) > MOST:
        first = sorted(range(len(shown)), key=lambda at: _WORST.index(shown[at].outcome))[:MOST]
        shown = [shown[at] for at in sorted(first)]
    groups = _groups(shown)
    views = [view(verdict, number, groups[number - 1]) for number, verdict in enumerate(shown, 1)]
    worst = min(verdicts, key=lambda verdict: _WORST.index(verdict.outcome), default=None)
    one = verdicts[0] if len(verdicts) == 1 else None
    headline = word(worst) if worst is not None else "Nothing to judge"
    findings = [judged for verdict in shown for judged in verdict.findings]
    return _page(
        "report.html.j2",
        title=f"{headline}: {subject(one)}" if one else f"{headline}: {len(verdicts)} verdicts",
        headline=headline,
        outcome=worst.outcome if worst is not None else "passed",
        lead=lead(one) if one else f"{len(verdicts)} verdicts.",
        views=views,
        more=len(verdicts) - len(shown),
        kinds=sorted(Counter(map(kind_of, findings)).items()),
        rules=sorted({(judged.code, judged.name) for judged in findings}),
        total=sum(len(one["shown"]) + len(one["accepted"]) for some in groups for one in some),
        why=why,
        script=_asset("script.js"),
    )


def error_report(error: SpecguardError) -> str:
    """A page that says why there is no verdict."""
    each = error.each()
    errors = []
    for one in each[:_ERRORS]:
        line = f":{one.line}" if one.line else ""
        where = f"{cut_path(one.path)}{line}" if one.path else ""
        errors.append({"where": where, "message": cut(one.message), "help": cut(one.help)})
    return _page(
        "error.html.j2",
        title="No verdict",
        headline="No verdict",
        outcome="error",
        lead="Nothing was judged, so this is not a pass.",
        errors=errors,
        rest=max(0, len(each) - _ERRORS),
        script="",
    )


def _groups(verdicts: Sequence[Verdict]) -> list[list[dict[str, Any]]]:
    """The findings of each verdict by rule, each of which has an equal part of the page."""
    from specguard.reporters.html.views import Excerpts, group, item

    make = _environment().get_template("finding.html.j2").module.finding  # type: ignore[attr-defined]  # a macro
    room = LIMIT // max(1, sum(bool(result.findings) for one in verdicts for result in one.results))
    groups: list[list[dict[str, Any]]] = []
    for verdict in verdicts:
        excerpts, source = Excerpts(verdict.hunks), str(verdict.change.get("source"))
        # What fails stands first, each state in the order of the codes.
        failed_first = sorted(verdict.results, key=lambda result: result.state != "failed")
        groups.append([])
        for result in (one for one in failed_first if one.findings):
            made: list[tuple[Judged, str]] = []
            size = 0
            for judged in result.findings:
                markup = make(item(judged, excerpts.of(judged.finding)))
                size += len(markup)
                if size > room:
                    break
                made.append((judged, markup))
            groups[-1].append(group(result, source, made, opened=len(result.findings) <= _FEW))
    return groups


def _page(template: str, *, script: str, **values: Any) -> str:
    style = _asset("style.css")
    inline = {"style": style, "style_hash": _digest(style), "script": script, "script_hash": _digest(script)}
    own = {name: _own(text) for name, text in inline.items()}
    made: str = _environment().get_template(template).render(version=__version__, **own, **values)
    return made.rstrip("\n") + "\n"


def _own(text: str) -> Markup:
    """What this package wrote itself, as it is."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - no text of a change comes here


def _digest(text: str) -> str:
    """What a page's policy allows an inline text by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


@cache
def _asset(name: str) -> str:
    return (files("specguard.reporters.html") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup, escape

    def shown(value: Any) -> Any:
        """Every text of a template, but for markup, which is escaped already."""
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    def code(text: str) -> Markup:
        """A line of a file, in which tabs stay as they are."""
        return escape("\t".join(map(visible, text.split("\t"))))

    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = code
    return environment
