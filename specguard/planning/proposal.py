"""The folder with which a change begins, in OpenSpec's form, with `TODO:` for all that a person must say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.errors import SpecguardError
from specguard.planning.folders import CHANGES, KEBAB, MAIN, SourceFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date


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
    _check(slug, "a change")
    if slug == "archive":
        raise SpecguardError(
            "'archive' is where OpenSpec keeps old changes", help="give it another name", code="usage"
        )
    if capabilities and not specs:
        raise SpecguardError(
            "--capability and --no-specs cannot be given together",
            help="a change without deltas has none",
            code="usage",
        )
    named = list(dict.fromkeys(capabilities or [slug])) if specs else []
    for capability in named:
        for part in capability.split("/"):
            _check(part, "a capability")
    there = {one for one in named if SourceFolder(top, f"{MAIN}/{one}", "openspec").has("spec.md")}
    folder = f"{CHANGES}/{slug}"
    files = {
        f"{folder}/.openspec.yaml": f"schema: spec-driven\ncreated: {today}\n"
        + ("" if specs else "skip_specs: true\n"),
        f"{folder}/proposal.md": "\n".join(_proposal(named, there)),
        f"{folder}/tasks.md": _TASKS,
    }
    for capability in named:
        files[f"{folder}/specs/{capability}/spec.md"] = _spec(known=capability in there)
    return files


def _check(name: str, what: str) -> None:
    if not KEBAB.fullmatch(name):
        near = "-".join(part for part in "".join(c if c.isalnum() else " " for c in name.lower()).split())
        raise SpecguardError(
            f"{name!r} is no name of {what}",
            help=f"did you mean {near!r}?"
            if KEBAB.fullmatch(near)
            else "use small letters, digits and single hyphens",
            code="usage",
        )


def _proposal(capabilities: Sequence[str], there: set[str]) -> Iterator[str]:
    yield from ("# Proposal", "", "## Why", "")
    yield "TODO: what is wrong today, and why it matters now (50 to 1000 characters)"
    yield from ("", "## What Changes", "", "- TODO: what will be different", "")
    if capabilities:
        yield from ("## Capabilities", "")
        for title, some in (
            ("New", [one for one in capabilities if one not in there]),
            ("Modified", [one for one in capabilities if one in there]),
        ):
            if some:
                yield from (f"### {title} Capabilities", "")
                yield from (f"- `{one}`: TODO: what of it" for one in some)
                yield ""
    yield from ("## Impact", "", "TODO: the code, interfaces and people that it touches", "")


def _spec(*, known: bool) -> str:
    purpose = (
        ""
        if known
        else "## Purpose\n\nTODO: what it is for, in a sentence or two (50 characters or more)\n\n"
    )
    return f"# Spec Delta\n\n{purpose}{_REQUIREMENT}"


_REQUIREMENT = """## ADDED Requirements

### Requirement: TODO: its name

TODO: what the system SHALL do

#### Scenario: TODO: its name

- **WHEN** TODO: what happens
- **THEN** TODO: what is seen
"""

_TASKS = """# Tasks

Each box becomes one task of the plan. Below a box, further in, stands what the plan says of it:
`- verify: COMMAND` what shows that it is done, once for each command; `- files: PATH, PATH` what it may
touch; `- done: TEXT` what holds then; `- depends: 1.1, 1.2` what must be done before, or `none`. Without
`depends` a task waits for the one above it.

## 1. TODO: what these tasks are about

- [ ] 1.1 TODO: what is done
  - verify: TODO: the command that fails as long as it is not done
  - files: TODO: the files and folders that it touches
  - done: TODO: what holds when it is done
"""
