"""ART006: ticked checkboxes without the evidence that proves them."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, judge_each, path_text, shortened
from specguard_rules.selected import selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.documents.content import Ticked
    from specguard.rules import Claims, Documents, Entry, RunProof, Stage, Tree
    from specguard.runs.proof import Claim
    from specguard_rules.artifacts._tables import Checklists


_ABSOLUTE: Final = re.compile(r"/|~/|[A-Za-z]:/")

MOST_PARTS: Final = 30
"""So many folders at the end of an absolute path are looked at."""


class UnprovenCheckbox(Rule):
    r"""A ticked checklist item has no evidence that holds.

    It must name an existing file that matches `evidence` of `[checklists]`, usually a run's manifest. The
    file's `status` is in `succeeded` of `[runs]`, and it belongs to no other item. `[x]`, an emoji tick and
    `**Status:** Completed` are ticks. Judged are items that the change ticks or rewrites, or whose evidence
    it changes; with `--all`, all. With `[runs] keep = "local"`, the rule is indeterminate without the runs,
    as in CI.

    Why is this bad? Agents tick what they believe.

    How to fix it: run it and name the manifest, or take the tick away.

    See also: `uncovered-item`

    ```text
    error: tasks/tasks-7.md:1: 'Build' is ticked and names no file that matches .runs/**/manifest.json
    ```

    ```toml fails
    policy = '''
    [checklists]
    files = ["tasks/tasks-*.md"]
    evidence = ".runs/**/manifest.json"

    [runs]
    keep = "tree"
    '''

    [[commits]]
    message = "docs: tick"

    [commits.files]
    ".runs/7/a/manifest.json" = '{"status": "failed"}'
    "tasks/tasks-7.md" = '''
    - [x] Build
    - [x] Lint: `.runs/7/a/manifest.json`
    - [x] Test
      - Evidence: `.runs/7/b/manifest.json`
    - [ ] Ship
    '''

    [[expect]]
    code = "ART006"
    line = 1
    message = "'Build' is ticked and names no file that matches .runs/**/manifest.json"

    [[expect]]
    code = "ART006"
    line = 2
    message = "did not succeed: its status is 'failed'"

    [[expect]]
    code = "ART006"
    line = 3
    message = ".runs/7/b/manifest.json does not exist"
    ```

    ```toml passes
    policy = '''
    [checklists]
    files = ["tasks/tasks-*.md"]
    evidence = ".runs/**/manifest.json"

    [runs]
    keep = "tree"
    '''
    base = {files = {"tasks/tasks-7.md" = "- [x] Before specguard\n- [ ] Build\n"}}

    [[commits]]
    message = "docs: tick"

    [commits.files]
    ".runs/7/a/manifest.json" = '{"status": "succeeded"}'
    "tasks/tasks-7.md" = '''
    - [x] Before specguard
    - [x] Build

      | Evidence |
      | --- |
      | `.runs/7/a/manifest.json` |
    '''
    ```
    """

    code: ClassVar[str] = "ART006"
    name: ClassVar[str] = "unproven-checkbox"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    judges_parts: ClassVar[bool] = True
    tables: ClassVar[tuple[str, ...]] = ("checklists.files",)
    condition: ClassVar[str] = "every item that is ticked names the run that proves it"

    def check(
        self, checklists: Checklists, claims: Claims, run_proof: RunProof, documents: Documents,
        entries: Sequence[Entry], head_files: Tree, whole: bool,
    ) -> Iterator[Finding]:  # fmt: skip
        """Look for the evidence of each item."""
        brought = head_files.paths() if whole else [entry.path for entry in entries if not entry.deleted]
        for path in documents.unread_links(checklists.files, brought):
            yield _unread(path, "it is no regular file", None)
        for path in selected(checklists.files, entries, head_files, whole=whole):
            document = documents.read(path)
            if document is not None and document.problem is not None:
                yield _unread(path, document.problem.message, document.problem.line)

        def unproven(one: tuple[Ticked, Claim]) -> Iterator[Finding]:
            item, claim = one
            flaw = run_proof.judge(claim)
            # RUN007 says what falls short of the grade.
            if flaw is None or flaw.bound:
                return
            why, help = (
                f"its evidence {flaw.run} {flaw.reason}",
                "Name a run of it that succeeded, or take the tick away.",
            )
            if not flaw.run:
                why, help = _uncited(item, claim.path, checklists, head_files)
            yield Finding(
                f"{shortened(item.words)!r} is ticked and {why}",
                help=help,
                path=claim.path,
                line=claim.line,
                key=claim.key,
                setting="checklists.evidence",
            )

        yield from judge_each(list(claims.ticks), unproven)


def _unread(path: bytes, why: str, line: int | None) -> Finding:
    message = f"the checklist {path_text(path)} cannot be read: {why}"
    step = "Make it a Markdown file in UTF-8: until then nobody can tell what is ticked in it."
    return Finding(message, help=step, path=path, line=line, key="unread", setting="checklists.files")


def _uncited(item: Ticked, path: bytes, checklists: Checklists, head_files: Tree) -> tuple[str, str]:
    """What keeps an item's names from being evidence, and the next step."""
    from specguard.rules import plain_path

    for name in item.names:
        end = _end(name, checklists)
        if end:
            return (
                f"names {shortened(name)}, which is no path from the repository's root",
                f"Write it as {end}.",
            )
        written = name.encode("utf-8", "surrogateescape")
        meant = [plain_path(written), plain_path(path.rpartition(b"/")[0] + b"/" + written)]
        # What is there from the root is not meant from the checklist's folder.
        there = [place for place in meant if place and head_files.find(place) is not None][:1]
        for place in there or meant:
            if place and not written.startswith(b"/") and checklists.proofs.find(place) is not None:
                return f"names {path_text(place)}, but a checklist proves nothing", "Name the run's manifest."
    wanted = ", ".join(checklists.proofs.patterns)
    return (
        f"names no file that matches {wanted}",
        "Name the run's manifest in the item (`specguard run gates` makes one), or take the tick away.",
    )


def _end(name: str, checklists: Checklists) -> str:
    """The end of an absolute path that would be evidence; empty where none would."""
    if not _ABSOLUTE.match(name):
        return ""
    parts = name.split("/")
    ends = ("/".join(parts[at:]) for at in range(max(1, len(parts) - MOST_PARTS), len(parts)))
    found = checklists.proofs.find
    return next((end for end in ends if found(end.encode("utf-8", "surrogateescape")) is not None), "")
