"""ART006: ticked checkboxes without the evidence that proves them."""

from __future__ import annotations

import re

from specguard.rules import Finding, MissingFact, Rule, path_text, shortened
from specguard_rules.selected import selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Documents, Entry, Runs, Stage, Ticked, Tree
    from specguard_rules.artifacts._checklists import Checklists


_ABSOLUTE: Final = re.compile(r"/|~/|[A-Za-z]:/")

MOST_PARTS: Final = 30
"""So many folders at the end of an absolute path are looked at."""


class UnprovenCheckbox(Rule):
    r"""A ticked item of a checklist names no evidence, or evidence that does not exist or did not succeed.

    An agent ticks what it believes. So an item that is ticked names the file that proves it, anywhere within
    the item, the blocks below it included: a file that matches `evidence` of `[checklists]`, as a rule the
    manifest of a run. It must exist, be JSON, YAML or TOML, and its `status` must be one of `succeeded` in
    `[runs]`. Of several that are named one is enough.

    **A checkbox cannot prove itself**: a checklist is no evidence, whatever `evidence` matches, and neither
    is any other document. What stands in a comment is not named; what stands below in an item that is not
    ticked is named for that one. Paths are read from the repository's root, and from the checklist's folder.

    **What counts as ticked**: `[x]` and `[X]` in items of any list and in rows of tables, and what a reader
    takes for it, such as a tick in the brackets, an emoji in place of them or a letter that looks like an x.

    A checklist that cannot be read, or is a link to what is no checklist, is a finding itself.

    **Judged** are the items that the change ticks or rewrites, and those that name a file that proved
    something before and is changed or removed: what was ticked before and stays as it is was judged then.
    With `--all` every item is.

    **Where runs are not in the judged tree**, as in continuous integration, nobody can tell: with
    `[runs] keep = "local"` (the default) the rule is indeterminate there, and reads runs in the working tree
    with `--staged` and `--worktree`. With `keep = "tree"` runs are committed, and what is not in the judged
    tree does not exist.

    How to put it right: run what the item asks for, and name the manifest in the item; or take the tick away.

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
        self,
        checklists: Checklists,
        documents: Documents,
        start_documents: Documents,
        runs: Runs,
        entries: Sequence[Entry],
        head_files: Tree,
        whole: bool,
    ) -> Iterator[Finding]:
        """Look for the evidence of each item."""
        missing: MissingFact | None = None
        known = {} if whole else _ticked_before(checklists, start_documents, entries)
        lost = set() if whole else _proofs_changed(checklists, runs.of(start_documents), entries)
        touched = selected(checklists.files, entries, head_files, whole=whole)
        brought = head_files.paths() if whole else [entry.path for entry in entries if not entry.deleted]
        for path in documents.unread_links(checklists.files, brought):
            yield _unread(path, "it is no regular file", None)
        for path in selected(checklists.files, entries, head_files, whole=True) if lost else touched:
            document = documents.read(path)
            if document is not None and document.problem is not None:
                yield _unread(path, document.problem.message, document.problem.line)
            for item in document.ticked if document else ():
                text = hash(item.text)
                old = path not in touched or known.get(text, 0) > 0
                known[text] = known.get(text, 0) - 1
                if old and not (lost and any(place in lost for place in _named(item, path))):
                    continue
                try:
                    why, help = _flaw(item, path, checklists, runs, head_files)
                except MissingFact as error:
                    missing = missing or error
                    continue
                if why:
                    yield Finding(
                        f"{shortened(item.words)!r} is ticked and {why}",
                        help=help,
                        path=path,
                        line=item.line,
                        key=item.words[:120],
                        setting="checklists.evidence",
                    )
        if missing is not None:
            raise missing


def _unread(path: bytes, why: str, line: int | None) -> Finding:
    return Finding(
        f"the checklist {path_text(path)} cannot be read: {why}",
        help="Make it a Markdown file in UTF-8: until then nobody can tell what is ticked in it.",
        path=path,
        line=line,
        key="unread",
        setting="checklists.files",
    )


def _ticked_before(checklists: Checklists, documents: Documents, entries: Sequence[Entry]) -> dict[int, int]:
    """How often each ticked item, by its text's hash, was there before in the checklists that are touched."""
    paths = [entry.path for entry in entries if not entry.added]
    found: dict[int, int] = {}
    for position, _ in checklists.files.find_each(paths):
        document = documents.read(paths[position])
        for item in document.ticked if document else ():
            text = hash(item.text)
            found[text] = found.get(text, 0) + 1
    return found


def _proofs_changed(checklists: Checklists, earlier: Runs, entries: Sequence[Entry]) -> set[bytes]:
    """The changed files that were proofs before: what proved nothing then has nothing to lose."""
    paths = [entry.path for entry in entries if not entry.added]
    found = {paths[position] for position, _ in checklists.proofs.find_each(paths)}
    manifests = ((path, earlier.manifest(path)) for path in found)
    return {path for path, manifest in manifests if manifest is not None and manifest.succeeded}


def _named(item: Ticked, path: bytes) -> Iterator[bytes]:
    """The paths of the tree that an item may name."""
    for name in dict.fromkeys(item.names):
        yield from _places(name, path)


def _flaw(item: Ticked, path: bytes, checklists: Checklists, runs: Runs, head_files: Tree) -> tuple[str, str]:
    """What is wrong with the evidence of an item, and the next step; empty where it is proven.

    Raises:
        MissingFact: nobody can tell from here.
    """
    from specguard.rules import data_kind

    wanted = ", ".join(checklists.proofs.patterns)
    why, help = (
        f"names no file that matches {wanted}",
        "Name the run's manifest in the item, or take the tick away.",
    )
    missing: MissingFact | None = None
    for name in dict.fromkeys(item.names):
        meant = list(_places(name, path))
        # What is there from the root is not meant from the checklist's folder.
        there = [place for place in meant if head_files.find(place) is not None][:1]
        places = [place for place in there or meant if checklists.proofs.find(place) is not None]
        if not places:
            end = _end(name, checklists)
            if end:
                why = f"names {shortened(name)}, which is no path from the repository's root"
                help = f"Write it as {end}."
            continue
        place = places[0]
        shown = path_text(place)
        if place == path or checklists.files.find(place) is not None:
            why, help = f"names {shown}, but a checklist proves nothing", "Name the run's manifest."
            continue
        try:
            manifest = runs.manifest(place)
        except MissingFact as error:
            missing = missing or error
            continue
        if manifest is not None and manifest.succeeded:
            return "", ""
        help = "Run it again and name the new manifest, or take the tick away."
        if manifest is None:
            said = "does not exist" if head_files.find(place) is None else "is no regular file"
            why = f"its evidence {shown} {said}"
        elif data_kind(place) is None:
            why, help = f"its evidence {shown} is no manifest, which is JSON, YAML or TOML", "Name the run's."
        elif manifest.problem:
            why = f"its evidence {shown} cannot be read: {manifest.problem}"
        elif manifest.status:
            why = f"its evidence {shown} did not succeed: its status is {shortened(manifest.status)!r}"
        else:
            why = f"its evidence {shown} does not say that it succeeded: it has no status"
    if missing is not None:
        raise missing
    return why, help


def _places(name: str, path: bytes) -> Iterator[bytes]:
    """The paths of the tree that a name in a checklist may mean: from the root, and from its own folder."""
    from specguard.rules import plain_path

    written = name.encode("utf-8", "surrogateescape")
    folder = path.rpartition(b"/")[0]
    if written.startswith(b"/"):
        # An absolute path is no path of the tree.
        return
    found = map(plain_path, (written, folder + b"/" + written))
    yield from dict.fromkeys(place for place in found if place)


def _end(name: str, checklists: Checklists) -> str:
    """The end of an absolute path that would be evidence; empty where none would."""
    if not _ABSOLUTE.match(name):
        return ""
    parts = name.split("/")
    ends = ("/".join(parts[at:]) for at in range(max(1, len(parts) - MOST_PARTS), len(parts)))
    found = checklists.proofs.find
    return next((end for end in ends if found(end.encode("utf-8", "surrogateescape")) is not None), "")
