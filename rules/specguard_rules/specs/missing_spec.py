"""SPC001: an entry of the index, or a governed path, without its spec; a spec that no index knows."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Specs, Stage
    from specguard.specs.text import Index, IndexEntry


class MissingSpec(Rule):
    """The index, governed paths and spec files do not agree.

    Findings are an unreadable or missing index, entries without a file, ids or files that occur twice, and
    specs that no entry names. So are `[specs.governs]` paths without a spec, and removed specs whose files
    stay. Entries name files by `path`, `file`, `spec`, `doc`, `document`, or the spec's id.

    Why is this bad? A wrong index leads to the wrong document.

    How to fix it: add the file or entry, or remove what is left of the spec.

    ```text
    error: tasks/index.json:2: the entry 0003 names tasks/specs/0003-logs.md, but there is no such file
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    index = "tasks/index.json"
    '''

    [base.files]
    "tasks/index.json" = '{"specs": []}'

    [[commits]]
    message = "docs: plan the runs"

    [commits.files]
    "tasks/specs/0002-runs.md" = "# Runs"
    "tasks/index.json" = '''
    {"specs": [
      {"id": "0003", "path": "tasks/specs/0003-logs.md"}
    ]}
    '''

    [[expect]]
    code = "SPC001"
    path = "tasks/index.json"
    line = 2

    [[expect]]
    code = "SPC001"
    path = "tasks/specs/0002-runs.md"
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    index = "tasks/index.json"
    '''
    base = {files = {"tasks/index.json" = '{"specs": []}'}}

    [[commits]]
    message = "docs: plan the runs"

    [commits.files]
    "tasks/specs/0002-runs.md" = "# Runs"
    "tasks/index.json" = '{"specs": [{"id": "0002", "path": "tasks/specs/0002-runs.md"}]}'
    ```
    """

    code: ClassVar[str] = "SPC001"
    name: ClassVar[str] = "missing-spec"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    judges_parts: ClassVar[bool] = True
    tables: ClassVar[tuple[str, ...]] = ("specs.files", "specs.index", "specs.governs")
    condition: ClassVar[str] = (
        "every entry of the index and every governed path has its spec, and the reverse"
    )

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare the index with the files, and the governed paths with the specs."""
        index = specs.index
        if index is not None:
            broken = _problem(index, specs)
            if broken is not None:
                yield broken
                return
            if index.data is not None:
                yield from _of_index(index, specs)
        for spec in specs.judged:
            path = path_text(spec.path)
            problem = spec.problem
            if problem is not None:
                whole = " as a whole" if spec.read_in_part else ""
                yield Finding(
                    f"the spec {path} cannot be read{whole}: {problem[0]}",
                    help="Correct it, so that its review, status and approvals can be read.",
                    path=spec.path,
                    line=problem[1],
                    key="unreadable",
                    severity="warning" if spec.read_in_part else None,
                    setting="specs.files",
                    same_as=(f"SPC002 no {specs.settings.review}", "SPC005 no status")
                    if spec.read_in_part
                    else (),
                )
            if index is not None and spec.entry is None:
                message = f"no entry of {path_text(index.path)} names the spec {path}"
                step = f"Add an entry with its id and path to {path_text(index.path)}."
                yield Finding(
                    message, help=step, path=spec.path, key="unknown to the index", setting="specs.index"
                )
            if not specs.settings.governs:
                for said, why in specs.malformed(spec):
                    what = f"{path} says that it governs {said.text!r}, but {why}"
                    how = "Write a path or pattern from the root."
                    yield Finding(what, help=how, path=spec.path, line=said.line, key=f"governs {said.text}")
        for link in specs.links():
            yield Finding(
                f"{path_text(link)} stands where a spec does, and is no regular file",
                help="Make it a file of its own: what a link leads to is not judged as a spec.",
                path=link,
                key="no file",
                setting="specs.files",
            )
        for gone, left in specs.orphaned():
            yield Finding(
                f"the spec {path_text(gone.path)} is taken away, and {path_text(left)}, which it governed, "
                "stays",
                help="Keep it, give it a terminal status first, or have another one govern the path.",
                path=gone.path,
                side="base",
                key="taken away",
                setting="specs.files",
            )
        for pattern, files, asking in specs.unmet():
            wanted = " or ".join(files.patterns)
            yield Finding(
                f"{path_text(asking)} is governed by a spec under {wanted}, and there is none",
                help="Write the spec, or correct the patterns in [specs.governs].",
                path=asking,
                key=f"governed by {pattern}",
                setting=f"specs.governs.{pattern}",
            )


def _problem(index: Index, specs: Specs) -> Finding | None:
    """What makes the index as a whole unusable; None where nothing does, or where nobody needs one yet."""
    path = path_text(index.path)
    if index.data is None:
        if not specs.judged and not specs.touches_path(index.path):
            return None
        message = f"there is no index {path}"
        step = "Add it, or correct `index` in [specs]."
        return Finding(message, help=step, path=index.path, key="no index", setting="specs.index")
    if index.problem is None:
        return None
    said = f"the index {path} cannot be read: {index.problem[0]}"
    how = "Correct it; until then nothing is known of what it says."
    return Finding(
        said, help=how, path=index.path, line=index.problem[1], key="unreadable", setting="specs.index"
    )


def _of_index(index: Index, specs: Specs) -> Iterator[Finding]:
    """What is wrong with single entries."""
    if specs.whole or specs.touches_path(index.path):
        for line, fault in index.faults:
            message = f"{fault}, in the index {path_text(index.path)}"
            step = "Write a table with an id, a path and a status."
            yield Finding(
                message, help=step, path=index.path, line=line, key=f"fault: {fault}", setting="specs.entries"
            )
    for entry in specs.entries:
        if not specs.whole and not specs.touches_entry(entry):
            continue
        missing = specs.missing(entry)
        for named in missing:
            said = f"the entry {entry.label} names {named.text}, but {named.problem}"
            how = "Add the file, or take the entry out."
            key = f"{entry.label} {named.text}"
            yield Finding(
                said, help=how, path=index.path, line=index.line(named.place), key=key, setting="specs.index"
            )
        if not missing and not entry.files:
            yield Finding(
                f"the entry {entry.label} names no spec, and none has its id",
                help="Give it a `path`.",
                path=index.path,
                line=entry.line,
                key=f"{entry.label} without a path",
                setting="specs.entries",
            )
    yield from _twice(index, specs)


def _twice(index: Index, specs: Specs) -> Iterator[Finding]:
    """Ids and files that stand in two entries."""
    seen: dict[tuple[str, str], IndexEntry] = {}
    told: set[tuple[str, str]] = set()
    for entry in specs.entries:
        for what, name in specs.identities(entry):
            first = seen.setdefault((what, name), entry)
            pair: Sequence[IndexEntry] = (first, entry)
            if first is entry or (what, name) in told:
                continue
            if specs.whole or any(map(specs.touches_entry, pair)):
                told.add((what, name))
                yield Finding(
                    f"the {what} {name} stands in two entries, the first in line {first.line}",
                    help="Give each spec one entry, with an id of its own.",
                    path=index.path,
                    line=entry.line,
                    key=f"{what} {name} twice",
                    setting="specs.index",
                )
