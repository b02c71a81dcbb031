"""SPC001: an entry of the index, or a governed path, without its spec; a spec that no index knows."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Specs
    from specguard.specs.spec import Index, IndexEntry, Spec


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
    judges_parts: ClassVar[bool] = True
    tables: ClassVar[tuple[str, ...]] = ("specs.files", "specs.index", "specs.governs")
    condition: ClassVar[str] = (
        "every entry of the index and every governed path has its spec, and the reverse"
    )

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare the index with the files, and the governed paths with the specs."""
        index = specs.index
        if index is not None and (index.data is None or index.problem is not None):
            if index.data is not None or specs.judged or specs.touches_path(index.path):
                yield _unread(index)
                return
        elif index is not None:
            yield from _of_index(index, specs)
        for spec in specs.judged:
            yield from _of_spec(spec, specs)
        for link in specs.links():
            message = f"{path_text(link)} stands where a spec does, and is no regular file"
            step = "Make it a file of its own: what a link leads to is not judged as a spec."
            yield Finding(message, help=step, path=link, key="no file", setting="specs.files")
        for gone, left in specs.orphaned():
            message = (
                f"the spec {path_text(gone.path)} is taken away, and {path_text(left)}, which it governed, "
                "stays"
            )
            step = "Keep it, give it a terminal status first, or have another one govern the path."
            yield Finding(
                message, help=step, path=gone.path, side="base", key="taken away", setting="specs.files"
            )
        for pattern, files, asking in specs.unmet():
            wanted = " or ".join(files.patterns)
            message = f"{path_text(asking)} is governed by a spec under {wanted}, and there is none"
            step = "Write the spec, or correct the patterns in [specs.governs]."
            key, setting = f"governed by {pattern}", f"specs.governs.{pattern}"
            yield Finding(message, help=step, path=asking, key=key, setting=setting)


def _of_spec(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """What keeps a spec from being read, or from being known."""
    path, index = path_text(spec.path), specs.index
    if spec.problem is not None:
        partly = spec.read_in_part
        yield Finding(
            f"the spec {path} cannot be read{' as a whole' if partly else ''}: {spec.problem[0]}",
            help="Correct it, so that its review, status and approvals can be read.",
            path=spec.path,
            line=spec.problem[1],
            key="unreadable",
            severity="warning" if partly else None,
            setting="specs.files",
            same_as=(f"SPC002 no {specs.settings.review}", "SPC005 no status") if partly else (),
        )
    if index is not None and spec.entry is None:
        message = f"no entry of {path_text(index.path)} names the spec {path}"
        step = f"Add an entry with its id and path to {path_text(index.path)}."
        yield Finding(message, help=step, path=spec.path, key="unknown to the index", setting="specs.index")
    for said, why in specs.malformed(spec) if not specs.settings.governs else ():
        message = f"{path} says that it governs {said.text!r}, but {why}"
        step, key = "Write a path or pattern from the root.", f"governs {said.text}"
        yield Finding(message, help=step, path=spec.path, line=said.line, key=key)


def _unread(index: Index) -> Finding:
    """What makes the index as a whole unusable."""
    path = path_text(index.path)
    if index.problem is None:
        return _about(
            index, f"there is no index {path}", "Add it, or correct `index` in [specs].", "no index"
        )
    why, line = index.problem
    message = f"the index {path} cannot be read: {why}"
    return _about(
        index, message, "Correct it; until then nothing is known of what it says.", "unreadable", line
    )


def _of_index(index: Index, specs: Specs) -> Iterator[Finding]:
    """What is wrong with single entries, and which ids and files stand in two of them."""
    if specs.whole or specs.touches_path(index.path):
        for line, fault in index.faults:
            message = f"{fault}, in the index {path_text(index.path)}"
            step = "Write a table with an id, a path and a status."
            yield _about(index, message, step, f"fault: {fault}", line, "specs.entries")
    for entry in specs.entries:
        if not specs.whole and not specs.touches_entry(entry):
            continue
        missing = specs.missing(entry)
        for named in missing:
            message = f"the entry {entry.label} names {named.text}, but {named.problem}"
            step, key = "Add the file, or take the entry out.", f"{entry.label} {named.text}"
            yield _about(index, message, step, key, index.line(named.place))
        if not missing and not entry.files:
            message = f"the entry {entry.label} names no spec, and none has its id"
            key = f"{entry.label} without a path"
            yield _about(index, message, "Give it a `path`.", key, entry.line, "specs.entries")
    seen: dict[tuple[str, str], IndexEntry] = {}
    told: set[tuple[str, str]] = set()
    for entry in specs.entries:
        for what, name in specs.identities(entry):
            first = seen.setdefault((what, name), entry)
            if first is entry or (what, name) in told:
                continue
            if specs.whole or specs.touches_entry(first) or specs.touches_entry(entry):
                told.add((what, name))
                message = f"the {what} {name} stands in two entries, the first in line {first.line}"
                step = "Give each spec one entry, with an id of its own."
                yield _about(index, message, step, f"{what} {name} twice", entry.line)


def _about(
    index: Index, message: str, step: str, key: str, line: int | None = None, setting: str = "specs.index"
) -> Finding:
    return Finding(message, help=step, path=index.path, line=line, key=key, setting=setting)
