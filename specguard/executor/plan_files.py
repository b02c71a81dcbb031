"""The plans of a checkout, as files that may be written to."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

from specguard.documents.data import data_of
from specguard.documents.kinds import data_kind
from specguard.errors import SpecguardError
from specguard.model import path_text
from specguard.plans.marking import marked
from specguard.plans.plan import Plan
from specguard.plans.plans import plan_templates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from specguard.plans.settings import PlanKind
    from specguard.plans.task import Task


class PlanFile:
    """The file of a plan in a checkout.

    Args:
        file: its absolute path.
        plan: what it says.
        text: the same as it is written.

    Attributes:
        plan: the same.
    """

    def __init__(self, file: str, plan: Plan, text: str) -> None:
        self.file = file
        self.plan = plan
        self._text = text

    def mark(self, task: Task, *, status: str, evidence: Sequence[Any] = ()) -> None:
        """Give a task another status, and add to what it has for evidence; all else stays as it is written.

        Raises:
            SpecguardError: the plan is no JSON, or cannot be written.
        """
        self._text = marked(self._text, task, status=status, evidence=evidence)
        temporary = f"{self.file}.specguard"
        try:
            with open(temporary, "x", encoding="utf-8", newline="") as stream:
                stream.write(self._text)
            os.chmod(temporary, os.stat(self.file).st_mode & 0o777)
            os.replace(temporary, self.file)
        except OSError as error:
            raise SpecguardError(
                f"the plan cannot be written: {error.strerror}", path=self.file, code="unwritable-file"
            ) from error


def plan_files(kinds: Mapping[str, PlanKind], root: str, only: str = "") -> list[PlanFile]:
    """The plans of a checkout, by path; links lead to none.

    Args:
        kinds: the policy's kinds of plans by name.
        root: the checkout's root.
        only: one plan's file or folder, from the working directory or absolute; empty: all.

    Raises:
        SpecguardError: there is none, or a file cannot be read.
    """
    found: dict[str, PlanFile] = {}
    wanted = os.path.realpath(only) if only else ""
    for name, template in plan_templates(kinds):
        for path in sorted(
            glob.glob(template.render({}), root_dir=root, recursive=True, include_hidden=True)
        ):
            file = os.path.join(root, path)
            fields = template.read(os.fsencode(path))
            if fields is None or os.path.realpath(file) != os.path.join(os.path.realpath(root), path):
                continue
            if wanted and wanted not in (os.path.realpath(file), os.path.dirname(os.path.realpath(file))):
                continue
            found.setdefault(path, _read(file, os.fsencode(path), name, kinds[name], fields))
    if not found:
        tried = ", ".join(template.render({}) for _, template in plan_templates(kinds))
        missing = f"there is no plan here; tried: {tried}" if tried else "the policy describes no plans"
        raise SpecguardError(
            f"there is no plan {only}" if only else missing,
            help="name it with --plan" if tried else "describe plans in the policy: [plans.<name>]",
            code="unknown-name",
        )
    return list(found.values())


def _read(file: str, path: bytes, kind: str, settings: PlanKind, fields: Mapping[str, str]) -> PlanFile:
    try:
        with open(file, "rb") as stream:
            content = stream.read()
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecguardError(
            f"the plan cannot be read: {error}", path=file, code="unreadable-file"
        ) from error
    data = data_of(content, data_kind(path) or "json")
    if data.problem is not None:
        raise SpecguardError(
            f"the plan cannot be read: {data.problem.message}",
            path=path_text(path),
            line=data.problem.line,
            code="unreadable-file",
        )
    folder = path.removesuffix(b"/" + settings.plan.encode("utf-8"))
    return PlanFile(file, Plan(kind, settings, fields=fields, folder=folder, path=path, data=data), text)
