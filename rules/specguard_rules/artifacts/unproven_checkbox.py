"""ART006: ticked checkboxes without the evidence that proves them."""

from __future__ import annotations

from specguard.rules import Finding, Rule, judge_each, path_text, shortened
from specguard_rules.file_selection import selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.documents.content import Ticked
    from specguard.rules import Claims, Documents, Entry, RunProof, Tree
    from specguard.runs.proof import Claim
    from specguard_rules.artifacts._tables import Checklists


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
            why = f"its evidence {flaw.run} {flaw.reason}"
            help = "Name a run of it that succeeded, or take the tick away."
            if not flaw.run:
                why = f"names no file that matches {', '.join(checklists.proofs.patterns)}"
                help = (
                    "Name the run's manifest in the item, by its path from the repository's root "
                    "(`specguard run gates` makes one), or take the tick away."
                )
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
