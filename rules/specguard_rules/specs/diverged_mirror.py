"""SPC008: a document that repeats what the index says of a spec, and says something else."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Specs, Stage


class DivergedMirror(Rule):
    """A document gives a spec another status than the index.

    Documents are those in `mirrors` of `[specs]`, and the specs. A table row or list item with the spec's id
    or path gives its status, in the column `Status` or behind the name: `0002 Runs: done`. A ticked box is a
    terminal status. A mirror need not list every spec.

    Why is this bad? An agent may believe the wrong one.

    How to fix it: correct the wrong document. If there is an index, that is the mirror.

    ```text
    error: docs/STATUS.md:5: says that 0001 is 'Done', and tasks/index.json:1 that it is 'in-progress'
    ```

    ```toml fails
    policy = '''
    [specs]
    index = "tasks/index.json"
    mirrors = ["docs/STATUS.md"]
    '''

    [base.files]
    "tasks/specs/0001-runs.md" = "# Runs"
    "tasks/index.json" = '''
    {"specs": [{"id": "0001", "path": "tasks/specs/0001-runs.md", "status": "in-progress"}]}
    '''

    [[commits]]
    message = "docs: say where the work stands"

    [commits.files]
    "docs/STATUS.md" = '''
    # Status

    | Spec | Title | Status |
    | --- | --- | --- |
    | 0001 | Runs | Done |
    '''

    [[expect]]
    code = "SPC008"
    path = "docs/STATUS.md"
    line = 5
    message = "tasks/index.json:1"
    ```

    ```toml passes
    policy = '''
    [specs]
    index = "tasks/index.json"
    mirrors = ["docs/STATUS.md"]
    '''

    [base.files]
    "tasks/specs/0001-runs.md" = "# Runs"
    "tasks/index.json" = '''
    {"specs": [{"id": "0001", "path": "tasks/specs/0001-runs.md", "status": "in-progress"}]}
    '''

    [[commits]]
    message = "docs: say where the work stands"

    [commits.files]
    "docs/STATUS.md" = '''
    # Status

    - [Runs](../tasks/specs/0001-runs.md) - In progress
    '''
    ```
    """

    code: ClassVar[str] = "SPC008"
    name: ClassVar[str] = "diverged-mirror"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("specs.mirrors", "specs.index")
    condition: ClassVar[str] = "no document gives a spec another status than the index"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare the statuses in specs and mirrors with those that count."""
        for spec in specs.judged:
            own = [said for said in spec.statuses if said.form != "index"]
            index = [said for said in spec.statuses if said.form == "index"]
            if own and index and not specs.ways.same(own[0].text, index[0].text):
                yield Finding(
                    f"{path_text(spec.path)} says that it is {shortened(own[0].text)!r}, and "
                    f"{index[0].place} that it is {shortened(index[0].text)!r}",
                    help="Correct the one that is wrong.",
                    path=spec.path,
                    line=own[0].line,
                    key="own status",
                    setting="specs.index",
                )
        for unread in specs.mirrors.unread():
            message = f"{path_text(unread.path)}, which repeats statuses, cannot be read: {unread.why}"
            step = "Correct it; until then nobody can tell what it says."
            yield Finding(
                message, help=step, path=unread.path, line=unread.line, key="unread", setting="specs.mirrors"
            )
        for mirror, repeated in specs.mirrors.repeated():
            for one in repeated:
                yield Finding(
                    f"{path_text(mirror)} says that {one.name} is {one.shown}, and {one.counts.place} that "
                    f"it is {shortened(one.counts.text)!r}",
                    help=f"Write {shortened(one.counts.text)!r} here, or correct the other.",
                    path=mirror,
                    line=one.line,
                    key=f"status of {one.name}",
                    setting="specs.mirrors",
                )
