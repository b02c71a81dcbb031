"""What planning begins with: the planner's brief, the folder of a change, and how such files are written.

A change has OpenSpec's form, with `TODO:` for all that a person must say.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from importlib.resources import files
from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.planning.sources import CHANGES, KEBAB, MAIN, SourceFolder
from specguard.work.name_templates import PathTemplate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from typing import Final

    from specguard.authority.policy import Policy
    from specguard.plans.settings import PlanKind
    from specguard.work.kinds import WorkKind

BRIEF: Final = "PLANNER.md"
"""What the planner's brief is called, in the folder above those of the plans."""


def plans_folder(kind: PlanKind) -> str:
    """The folder above those of a kind's plans: what stands before the first placeholder; empty: the root."""
    return kind.folder.partition("{")[0].rpartition("/")[0]


def planner_brief(policy: Policy) -> str:
    """What the planning agent is told of a policy, for all kinds of plans that this describes."""
    works: Mapping[str, WorkKind] = policy.declared("work_kinds")
    models = policy.declared("models")

    def items(kind: PlanKind) -> Iterator[tuple[str, str, str, str]]:
        path = PathTemplate(f"{kind.folder}/{kind.plan}")
        for name, work in works.items():
            if any(PathTemplate(source) == path for source in work.sources):
                unit = "a commit" if kind.unit == "commit" else "a change"
                yield name, unit, _first(work.branch), _first(work.commit)

    return _rendered(
        "planner.md",
        stages=policy.declared("wave_settings").stages,
        contracts=policy.declared("contracts"),
        kinds=policy.declared("plan_kinds"),
        items=items,
        models=models,
        roles=[(role, models.of(role)) for role in ("researcher", "reviewer", "coder")],
    )


def proposal_files(
    top: str, slug: str, capabilities: Sequence[str], *, specs: bool, today: date
) -> Mapping[str, str]:
    """The files of a change, by their paths from the root.

    Args:
        top: the checkout's root, whose capabilities are looked at: one that has a specification is modified.
        slug: the change's name.
        capabilities: what it is about, as `cart` or `shop/cart`; none: the slug.
        specs: whether it changes any behaviour; without, it says so in place of deltas.
        today: the UTC date.

    Raises:
        SpecguardError: a name is none that OpenSpec takes.
    """
    _check_name(slug, "a change")
    if slug == "archive":
        help = "give it another name"
        raise SpecguardError("'archive' is where OpenSpec keeps old changes", help=help, code="usage")
    if capabilities and not specs:
        raise SpecguardError(
            "--capability and --no-specs cannot be given together",
            help="a change without deltas has none",
            code="usage",
        )
    named = list(dict.fromkeys(capabilities or [slug])) if specs else []
    for capability in named:
        for part in capability.split("/"):
            _check_name(part, "a capability")
    there = [one for one in named if SourceFolder(top, f"{MAIN}/{one}", "openspec").has("spec.md")]
    new = [one for one in named if one not in there]
    folder, skips = f"{CHANGES}/{slug}", "" if specs else "skip_specs: true\n"
    return {
        f"{folder}/.openspec.yaml": f"schema: spec-driven\ncreated: {today}\n{skips}",
        f"{folder}/proposal.md": _rendered("proposal.md", new=new, modified=there),
        f"{folder}/tasks.md": _rendered("tasks.md"),
        **{f"{folder}/specs/{one}/spec.md": _rendered("spec.md", known=one in there) for one in named},
    }


def write_files(top: str, contents: Mapping[str, str], *, over: str = "") -> None:
    """Write files below a root, with the folders that they are in; when one cannot be, none is.

    Args:
        top: the root.
        contents: their texts, by their paths from the root.
        over: the one of them that may take the place of a regular file.

    Raises:
        SpecguardError: one is there, is in a folder that is a link, cannot be written, or would not be UTF-8.
    """
    for path, text in contents.items():
        _check_place(top, path, text, over=path == over)
    begun: list[str] = []
    path = ""
    try:
        # What takes a place comes last, since it is not taken back.
        for path in sorted(contents, key=lambda one: one == over):
            place = os.path.join(top, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            replaced = path == over and os.path.lexists(place)
            target = f"{place}.{os.getpid()}" if replaced else place
            with open(target, "xb") as stream:
                begun.append(target)
                stream.write(contents[path].encode("utf-8"))
            if replaced:
                os.chmod(target, os.stat(place).st_mode & 0o777)
                os.replace(target, place)
    except BaseException as error:
        # An interruption leaves nothing behind either.
        for place in begun:
            with suppress(OSError):
                os.unlink(place)
        if not isinstance(error, OSError):
            raise
        there = isinstance(error, FileExistsError)
        said = "it is there already" if there else f"it cannot be written: {error.strerror}"
        raise SpecguardError(said, path=path, help="nothing was written", code="unwritable-file") from error


def _check_place(top: str, path: str, text: str, *, over: bool) -> None:
    place, folder = os.path.join(top, path), os.path.dirname(path)
    if os.path.realpath(os.path.dirname(place)) != os.path.normpath(
        os.path.join(os.path.realpath(top), folder)
    ):
        raise SpecguardError(
            "its folder is a link, or in one",
            path=path,
            help="put a folder of its own there; nothing was written",
            code="outside-repository",
        )
    if os.path.lexists(place) and not (over and os.path.isfile(place) and not os.path.islink(place)):
        said = "it is there already, and is never overwritten"
        raise SpecguardError(said, path=path, help="nothing was written", code="never-overwritten")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        help = "give names and texts in UTF-8"
        raise SpecguardError("it would not be UTF-8", path=path, help=help, code="usage") from error


def _check_name(name: str, what: str) -> None:
    if not KEBAB.fullmatch(name):
        near = "-".join(re.findall(r"[^\W_]+", name.lower()))
        use = f"did you mean {near!r}?" if KEBAB.fullmatch(near) else "use small letters, digits and hyphens"
        raise SpecguardError(f"{name!r} is no name of {what}", help=use, code="usage")


def _rendered(name: str, **values: object) -> str:
    from jinja2 import Environment, StrictUndefined

    text = (files("specguard.planning") / "templates" / f"{name}.j2").read_text(encoding="utf-8")
    # A page of Markdown, of the policy's own words and of names that were checked.
    environment = Environment(
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(text).render(values)


def _first(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else next(iter(value), "")
