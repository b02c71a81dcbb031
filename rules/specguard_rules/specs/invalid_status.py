"""SPC005: a status that the policy does not know, or a move from one to another that it does not allow."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Specs, Stage
    from specguard.specs.spec import Spec
    from specguard.specs.text import WrittenValue


class InvalidStatus(Rule):
    """A spec's status is unknown, or reached by a forbidden transition.

    `statuses` in `[specs]` lists them, and `transitions` says which may follow which. Case, `_`, `-` and
    remarks in brackets do not matter. The status is in the index and the document: front matter, a field, or
    a section *Status*. It may not be removed. A new spec starts at the beginning, or at a status reachable
    without approval.

    Why is this bad? Tools and agents act on the status.

    How to fix it: write one of the statuses, and take each step by itself.

    See also: `unapproved-spec`

    ```text
    error: tasks/specs/0001-runs.md:2: the status of tasks/specs/0001-runs.md goes from in-progress to
      done, and no way leads there
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    statuses = ["planned", "in-progress", "review", "done"]
    transitions = {planned = ["in-progress"], in-progress = ["review"], review = ["done"]}
    '''

    [base.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: in-progress
    ---
    '''

    [[commits]]
    message = "docs: the runs are done"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: done
    ---
    '''
    "tasks/specs/0002-logs.md" = '''
    # Logs

    Status: nearly there
    '''

    [[expect]]
    code = "SPC005"
    path = "tasks/specs/0001-runs.md"
    line = 2
    message = "from in-progress to done"

    [[expect]]
    code = "SPC005"
    path = "tasks/specs/0002-logs.md"
    line = 3
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    statuses = ["planned", "in-progress", "done"]
    transitions = {planned = ["in-progress", "done"], in-progress = ["done"]}
    '''

    [base.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: in_progress
    ---
    '''

    [[commits]]
    message = "docs: the runs are done"

    [commits.files]
    "tasks/specs/0001-runs.md" = '''
    ---
    status: Done (2026-01-31)
    ---
    '''
    ```
    """

    code: ClassVar[str] = "SPC005"
    name: ClassVar[str] = "invalid-status"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("specs.statuses", "specs.transitions")
    condition: ClassVar[str] = (
        "every spec that is judged has a known status, and came to it by an allowed way"
    )

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Look at the status of each spec, and at what it was."""
        for spec in specs.judged:
            if not spec.statuses:
                yield from _without(spec, specs)
            for said in spec.statuses:
                if not specs.ways.known(said.text):
                    known = ", ".join(specs.settings.statuses)
                    written = f"is {shortened(said.text)!r}" if said.text else "is empty"
                    yield Finding(
                        f"the status of {path_text(spec.path)} {written}{_elsewhere(said, spec)}, "
                        "which the policy does not know",
                        help=f"Write one of: {known}.",
                        path=spec.path,
                        line=said.line_in(spec.path),
                        key=f"unknown status in {said.form}",
                        setting="specs.statuses",
                    )
                elif specs.touches(spec):
                    yield from _moved(spec, said, specs)
            yield from _several([said for said in spec.statuses if said.form != "index"], spec, specs)
            yield from _several([said for said in spec.statuses if said.form == "index"], spec, specs)


def _several(stated: Sequence[WrittenValue], spec: Spec, specs: Specs) -> Iterator[Finding]:
    """A finding where the document itself, or its entry, states two statuses."""
    other = next((said for said in stated if not specs.ways.same(said.text, stated[0].text)), None)
    if other is not None:
        yield Finding(
            f"{path_text(spec.path)} has two statuses: {stated[0].text[:60]!r} in {stated[0].place}, and "
            f"{other.text[:60]!r} in {other.place}",
            help="Leave the one that holds.",
            path=spec.path,
            line=other.line_in(spec.path),
            key=f"two statuses in {stated[0].form}",
            setting="specs.status",
        )


def _without(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """A finding where a spec has no status: where statuses are listed, or it had one before."""
    was = specs.before(spec) if specs.touches(spec) else None
    had = was.statuses[0].text if was is not None and was.statuses else ""
    if specs.settings.statuses or had:
        path, name, other = path_text(spec.path), specs.settings.status, spec.other_status
        message = f"{path} has no {name}" + (f", and had {had!r}" if had else "")
        known = ", ".join(specs.settings.statuses)
        place = f"under its key {name!r}" if spec.structured else "into its front matter"
        help = f"Write {place} one of: {known}." if known else f"Write it {place}."
        if spec.problem:
            message, help = f"the {name} of {path} cannot be read: {spec.problem[0]}", "Correct that."
        elif other is not None:
            message += f"; the one in line {other.line} stands below a heading, and is not about all of it"
        yield Finding(
            message,
            help=help,
            path=spec.path,
            line=spec.problem[1] if spec.problem else None,
            key="no status",
            setting="specs.statuses" if specs.settings.statuses else "specs.transitions",
            same_as=("SPC001 unreadable", f"SPC002 no {specs.settings.review}") if spec.problem else (),
        )


def _moved(spec: Spec, said: WrittenValue, specs: Specs) -> Iterator[Finding]:
    """A finding where a status is no step from what it was in the same place, or no beginning."""
    was = specs.before(spec)
    of_index = said.form == "index"
    before = [one for one in was.statuses if (one.form == "index") == of_index] if was is not None else []
    if was is not None and not before:
        # It stood in the other place before.
        before = list(was.statuses)
    old = before[0].text if before else ""
    path = path_text(spec.path)
    if not old or not specs.ways.known(old):
        if not specs.ways.may_begin(said.text):
            yield Finding(
                f"{path} begins as {said.text}{_elsewhere(said, spec)}, which needs steps before it",
                help="Begin with a status that follows no other: "
                f"{', '.join(specs.ways.first) or specs.settings.statuses[0]}.",
                path=spec.path,
                line=said.line_in(spec.path),
                key=f"begins in {said.form}",
                setting="specs.transitions",
            )
    elif not specs.ways.may_follow(old, said.text):
        after = specs.ways.after(old)
        yield Finding(
            f"the status of {path} goes from {old} to {said.text}{_elsewhere(said, spec)}, "
            "and no way leads there",
            help=f"Behind {old} comes {' or '.join(after)}." if after else f"Nothing comes behind {old}.",
            path=spec.path,
            line=said.line_in(spec.path),
            key=f"moved in {said.form}",
            setting="specs.transitions",
        )


def _elsewhere(said: WrittenValue, spec: Spec) -> str:
    return "" if said.path == spec.path else f" in {said.place}"
