"""Why a rule has a say, for people and programs: its settings, the authority's words, who may approve."""

from __future__ import annotations

from specguard.documents.toml import toml_value
from specguard.model import path_text
from specguard.reporters.approvals import shell_word
from specguard.reporters.escape import cut, cut_path, visible
from specguard.reporters.manual import prose, remedy
from specguard.reporters.policy import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Final

    from specguard.engine.why import Explained
    from specguard.model import Origin
    from specguard.reporters.policy import Setting

    Quoted = Callable[[Sequence[Origin | None]], Sequence[str]]
    """Gives the words of the authority at some lines."""

SHOWN: Final = 20
"""So many settings are shown before the rest is counted."""


def as_data(found: Explained, quoted: Quoted) -> dict[str, Any]:
    """It as JSON can hold it.

    Args:
        found: the rule, and what it makes of a path.
        quoted: gives the words of the authority.
    """
    rule = found.rule
    own = of_rule(found)
    quotes = quoted([one.origin for one in own])
    path_quotes = quoted([one.origin for one in found.governing])
    return {
        "code": rule.code,
        "name": rule.name,
        "plugin": rule.plugin,
        "summary": _summary(found),
        "severity": rule.severity,
        "stages": list(rule.stages),
        "judges": not found.idle,
        "reason": found.idle or None,
        "condition": found.condition,
        "settings": [
            {
                "key": one.key,
                "value": one.value,
                "authority": {"path": one.origin.path, "line": one.origin.line or None},
                "quote": quote,
            }
            for one, quote in zip(own, quotes, strict=True)
        ],
        "kinds": list(found.kinds),
        "path": path_text(found.path) if found.path else None,
        "governing": [
            {**one.data, "quote": quote} for one, quote in zip(found.governing, path_quotes, strict=True)
        ],
        "approvable": rule.approvable,
        "approvers": list(found.approvers),
        "persons": found.persons if found.approvers else 0,
        "fixes": rule.load().fixes or None,
        "next": [*filter(None, [remedy(found.text)]), *_commands(found)],
    }


def as_text(found: Explained, quoted: Quoted) -> str:
    """It for a person, ending in a newline; what is given is the same as for `as_data`."""
    rule = found.rule
    lines = [
        f"{rule.code} {rule.name} ({rule.severity}): {_summary(found)}",
        "",
        f"  judged at    {', '.join(rule.stages)}",
        f"  passes when  {visible(cut(found.condition))}",
    ]
    if found.idle:
        lines.append(f"  but          {found.idle}, so it has nothing to judge")
    if found.path:
        name = visible(cut_path(path_text(found.path)))
        lines += ["", f"{name}:" if found.governing else f"no line of the policy names {name} for this rule"]
        said = [(f"{one.effect}: {visible(cut(one.pattern))}", one.origin) for one in found.governing]
        lines += _cited(said, quoted)
    if not found.governing or found.rule.load().tables:
        own = of_rule(found)
        lines += ["", "settings:" if own else "the policy has no settings of its own for it"]
        lines += _cited([(_shown(one), one.origin) for one in own[:SHOWN]], quoted)
        if len(own) > SHOWN:
            lines.append(f"  and {len(own) - SHOWN} more; specguard policy has them all")
        if found.kinds:
            tables = ", ".join(f"[work.{name}]" for name in found.kinds)
            lines.append(f"what a work item has, it goes by: {visible(cut(tables))}")
    lines += ["", _approval(found), "", "next:"]
    lines += [f"  {visible(line)}" for line in filter(None, [remedy(found.text), *_commands(found)])]
    return "\n".join(lines) + "\n"


def of_rule(found: Explained) -> Sequence[Setting]:
    """What the policy sets for a rule: in its own table and those that it needs, then beside these.

    Beside `specs.review` stands how long a review holds, and what specs govern.
    """
    tables = [["rules", found.rule.name], *(table.split(".") for table in found.rule.load().tables)]
    beside = [table[:1] for table in tables[1:] if len(table) > 1 and table[0] == "specs"]
    given = settings(found.policy)
    return [
        *(one for one in given if _is_of(one, tables)),
        *(one for one in given if _is_of(one, beside) and not _is_of(one, tables)),
    ]


def _is_of(setting: Setting, tables: Sequence[Sequence[str]]) -> bool:
    return any(_is_below([str(part) for part in setting.path], table) for table in tables)


def _is_below(key: Sequence[str], table: Sequence[str]) -> bool:
    return len(key) >= len(table) and all(
        wanted in ("*", part) for part, wanted in zip(key, table, strict=False)
    )


def _shown(setting: Setting) -> str:
    return visible(cut(f"{setting.key} = {toml_value(setting.value)}"))


def _cited(said: Sequence[tuple[str, Origin | None]], quoted: Quoted) -> Iterator[str]:
    """Lines, each with where it is written, and the words that stand there where they are others."""
    quotes = quoted([origin for _, origin in said])
    before: Origin | None = None
    for (text, origin), quote in zip(said, quotes, strict=True):
        yield f"  {text}" + (f"  ({visible(cut_path(str(origin)))})" if origin else "  (by default)")
        if quote and origin != before and not text.endswith(quote):
            yield f"    > {visible(cut(quote))}"
        before = origin


def _summary(found: Explained) -> str:
    return " ".join(prose(found.text).split("\n\n", 1)[0].split())


def _approval(found: Explained) -> str:
    if not found.rule.approvable:
        return "no approval can lift what it finds"
    if not found.approvers:
        return "the policy names nobody who may approve what it finds"
    people = [visible(name) for name in found.approvers]
    who = f"{', '.join(people[:-1])} or {people[-1]}" if len(people) > 1 else people[0]
    signed = ", signed" if found.rule.signed else ""
    many = f"; it takes {found.persons} persons" if found.persons > 1 else ""
    return f"{who} may approve what it finds{signed}, in a change that others made{many}"


def _commands(found: Explained) -> Iterator[str]:
    """The commands that are the next step."""
    code, stages = found.rule.code, found.rule.stages
    if not found.idle and "staged" in stages:
        yield f"specguard check --worktree --select {code}"
    elif not found.idle and "range" in stages:
        yield f"specguard check --select {code}"
    if not found.idle and found.rule.load().fixes:
        yield f"specguard check --fix --select {code}"
    if found.approvers and found.path:
        yield (
            f"specguard approve {code} --path {shell_word(found.path)} "
            f'--approved-by {shell_word(found.approvers[0])} --reason "..."'
        )
    yield f"specguard rule {code}"
