"""A plan that is to be written, held to the rules that will judge it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specguard.artifacts.sections import describes
from specguard.documents.data import UnreadDocument, read_data
from specguard.documents.document import Document
from specguard.errors import SpecguardError
from specguard.plans.plan import Plan
from specguard.plans.task_shape import task_flaws

if TYPE_CHECKING:
    from specguard.plans.settings import PlanKind


def hold_to_rules(top: str, path: str, text: str, name: str, kind: PlanKind) -> None:
    """Refuse a plan that has not the shape of one, or whose tasks need each other in a way that cannot be.

    Args:
        top: the checkout's root.
        path: the plan's file, from there.
        text: what is to stand in it.
        name: the name of its kind.
        kind: its kind.

    Raises:
        SpecguardError: the first thing that is wrong.
    """
    folder = path.removesuffix(f"/{kind.plan}")
    data = read_data(text, "json")
    plan = Plan(name, kind, fields={}, folder=folder.encode(), path=path.encode(), data=data)
    if data.problem is not None:
        raise SpecguardError(f"no plan is made of it: {data.problem.message}", path=path, code="plan-unready")
    if kind.option:
        _check_option(top, f"{folder}/{kind.options}" if kind.options else "", plan, kind)
    for task in plan.tasks:
        for finding in task_flaws(task):
            raise SpecguardError(
                f"no plan is made of it: {finding.message}",
                path=path,
                line=finding.line,
                help=finding.help,
                code="plan-unready",
            )
    for finding in plan.broken():
        raise SpecguardError(
            f"no plan is made of it: {finding.message}",
            path=path,
            line=finding.line,
            help=finding.help,
            code="plan-unready",
        )


def _check_option(top: str, options: str, plan: Plan, kind: PlanKind) -> None:
    try:
        with open(os.path.join(top, options), encoding="utf-8") as stream:
            document = Document(stream.read()) if options else None
    except (OSError, UnicodeDecodeError, UnreadDocument):
        document = None
    there = [letter for letter in "ABCDEFGH" if document is not None and describes(document, letter)]
    if options and document is None:
        raise SpecguardError(
            f"the plan names the option that was chosen (`{kind.option}`), and no document describes any",
            path=options,
            help="write it first, with a heading such as 'Option A' for each",
            code="plan-unready",
        )
    shown = (
        f"--option {there[0]}" + (f" (or {', '.join(there[1:])})" if there[1:] else "")
        if there
        else "--option OPTION"
    )
    if not plan.option:
        raise SpecguardError(
            f"the plan must name the option that was chosen (`{kind.option}`)",
            path=options or None,
            help=shown,
            code="plan-unready",
        )
    if options and (document is None or not describes(document, plan.option)):
        raise SpecguardError(
            f"it describes no option {plan.option!r}", path=options, help=shown, code="plan-unready"
        )
