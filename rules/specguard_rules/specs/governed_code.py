"""Rules about specs and the code they govern: the index, changes without a spec, and contradictions."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Artifacts, Bookkeeping, Commit, Documents, Entry, Policy, PullRequest, Specs
    from specguard.specs.spec import Index, IndexEntry, Spec


class MissingSpec(Rule):
    """The index, governed paths and spec files do not agree.

    Findings are an unreadable or missing index, entries without a file or id, and ids or files that occur
    twice. So are specs that are unlisted or lose all text, and `[specs.governs]` paths without a spec.
    Entries name files by `path`, or several under `paths`.

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
    judges_parts: ClassVar[bool] = True
    tables: ClassVar[tuple[str, ...]] = ("specs.files", "specs.index", "specs.governs")
    condition: ClassVar[str] = "each entry of the index and each governed path has its spec, and the reverse"

    def check(self, specs: Specs) -> Iterator[Finding]:
        """Compare the index with the files, and the governed paths with the specs."""
        index = specs.now.index
        if index is not None and (index.data is None or index.problem is not None):
            if index.data is not None or specs.judged or specs.touches_path(index.path):
                yield _unread_index(index)
                return
        elif index is not None and specs.change.among_counted([index.path]):
            yield from _index_findings(index, specs)
        for spec in specs.counted:
            yield from _spec_findings(spec, specs)
        for link in specs.links():
            message = f"{path_text(link)} is in place of a spec, and is not a regular file"
            step = "Make it a file of its own: what a link leads to is not judged as a spec."
            yield Finding(message, step, link, key="no file", setting="specs.files")
        for spec in () if specs.settings.governs else specs.now.all:
            message = f"{path_text(spec.path)} says what it governs, and only the policy is read"
            step = f'Write in the policy, under [specs.governs]: "PATTERN" = ["{path_text(spec.path)}"].'
            for line in spec.governs_lines[:1]:
                yield spec.finding(message, step, "governs", line, "files", severity="warning")
        for pattern, files, path in specs.unmet():
            wanted = " or ".join(files.patterns)
            message = f"{path_text(path)} is governed by a spec under {wanted}, and there is none"
            step = "Write the spec where `files` of [specs] or the index has it, or correct [specs.governs]."
            key, setting = f"governed by {pattern}", f"specs.governs.{pattern}"
            yield Finding(message, step, path, key=key, setting=setting)


def _spec_findings(spec: Spec, specs: Specs) -> Iterator[Finding]:
    """Yield findings for a spec that cannot be read, or that the index does not name."""
    path, index = path_text(spec.path), specs.now.index
    if spec.problem is not None:
        message = f"the spec {path} cannot be read: {spec.problem.message}"
        step = "Correct it, so that its review, status and approvals can be read."
        found = spec.finding(message, step, "unreadable", spec.problem.line, "files")
        if spec.is_partly_readable:
            found.severity = "warning"
            found.same_as = f"SPC002 no {specs.settings.review}", "SPC005 no status"
        yield found
    elif spec.is_empty and specs.touches(spec) and (was := specs.before(spec)) and not was.is_empty:
        message, step = f"{path} has no text any more", "Put its text back, or remove it with its entry."
        yield spec.finding(message, step, "emptied", None, "files")
    if index is not None and spec.entry is None:
        message = f"no entry of {path_text(index.path)} names the spec {path}"
        step = f"Add an entry with its id and path to {path_text(index.path)}."
        yield spec.finding(message, step, "unknown to the index", None, "index")


def _unread_index(index: Index) -> Finding:
    """Build the finding for an index that is missing or cannot be read."""
    path = path_text(index.path)
    if index.problem is None:
        step = "Add it, or correct `index` in [specs]."
        return _index_finding(index, f"there is no index {path}", step, "no index")
    message = f"the index {path} cannot be read: {index.problem.message}"
    step = "Correct it; it says nothing until then."
    return _index_finding(index, message, step, "unreadable", index.problem.line)


def _index_findings(index: Index, specs: Specs) -> Iterator[Finding]:
    """Yield the flaws of single entries, and ids and files that occur in two of them."""
    for line, fault in index.faults if specs.change.whole or specs.touches_path(index.path) else ():
        message = f"{fault}, in the index {path_text(index.path)}"
        step = "Write a list of tables, each with an id, a path and a status."
        yield _index_finding(index, message, step, f"fault: {fault}", line, "specs.entries")
    has_ids = any(entry.id for entry in specs.now.entries)
    for entry in specs.now.entries:
        if not specs.change.whole and not specs.touches_entry(entry):
            continue
        for named in (one for one in entry.named_paths if one.problem):
            message = f"the entry {entry.label} names {shortened(named.text)}, but {named.problem}"
            step = "Correct the path, add the file (with -f if git ignores it), or take the entry out."
            yield _index_finding(index, message, step, f"{entry.label} {named.text}", named.line)
        if not entry.named_paths:
            key = f"{entry.label} without a path"
            message, step = f"the entry {entry.label} names no spec", "Give it a `path`."
            yield _index_finding(index, message, step, key, entry.line, "specs.entries")
        # An entry may be a path alone.
        if has_ids and not entry.id and len(entry.value) > 1:
            message = f"the entry {entry.label} has no id, as others have"
            step, key = "Give it an `id` of its own.", f"{entry.label} without an id"
            yield _index_finding(index, message, step, key, entry.line)
    seen: dict[tuple[str, str], IndexEntry] = {}
    reported: set[tuple[str, str]] = set()
    for entry in specs.now.entries:
        own = [("id", entry.id)] if entry.id else []
        own += [("spec", path_text(one.path)) for one in entry.named_paths if one.is_main and not one.problem]
        for what, name in own:
            first = seen.setdefault((what, name.casefold() if what == "id" else name), entry)
            judged = specs.change.whole or specs.touches_entry(first) or specs.touches_entry(entry)
            if judged and first is not entry and (what, name) not in reported:
                reported.add((what, name))
                message = f"the {what} {name} has two entries, the first in line {first.line}"
                step = "Give each spec one entry, with an id of its own."
                yield _index_finding(index, message, step, f"{what} {name} twice", entry.line)


def _index_finding(
    index: Index, message: str, step: str, key: str, line: int | None = None, setting: str = "specs.index"
) -> Finding:
    return Finding(message, step, index.path, line, key=key, setting=setting)


class MissingSpecChange(Rule):
    r"""Governed code changes without its spec, and nobody says why.

    A change under `code` in `[specs]` also changes a spec that governs the path, adds any with its required
    sections, or deletes spec and code. Renames, white space and bare review dates do not count. Or a commit
    or the pull request says why: `Spec-Impact: none (only names changed)`. Before a commit, in a
    queue or of a landed squash it is a warning.

    Why is this bad? The spec soon describes something else.

    How to fix it: change the spec, or state the reason.

    ```text
    error: src/a.py changed, and no spec did that governs it; what changed in tasks/specs/0001-runs.md
      does not count; 'Spec-Impact: none' is without a reason in brackets
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    code = ["src/**"]
    '''
    base = {files = {"src/a.py" = "a", "tasks/specs/0001-runs.md" = "# Runs"}}

    [[commits]]
    message = "feat: run\n\nSpec-Impact: none"
    files = {"src/a.py" = "b", "tasks/specs/0001-runs.md" = "# Runs\n\n"}

    [[expect]]
    code = "SPC007"
    path = "src/a.py"
    message = "without a reason"
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    code = ["src/**"]
    '''
    base = {files = {"src/a.py" = "a"}}
    commits = [{message = "feat: run\n\nSpec-Impact: none (a private name)", files = {"src/a.py" = "b"}}]
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    code = ["src/**"]
    governs = {"src/**" = ["tasks/specs/0001-*.md"]}
    '''
    base = {files = {"src/a.py" = "a", "tasks/specs/0001-runs.md" = "# Runs"}}
    commits = [{message = "feat: run", files = {"src/a.py" = "b", "tasks/specs/0001-runs.md" = "# All runs"}}]
    ```
    """

    code: ClassVar[str] = "SPC007"
    tables: ClassVar[tuple[str, ...]] = ("specs.code",)
    condition: ClassVar[str] = "governed code changes with its spec, or a trailer says why not"

    def check(
        self,
        entries: Sequence[Entry],
        specs: Specs,
        bookkeeping: Bookkeeping,
        commits: Sequence[Commit] | None = None,
        pull_request: PullRequest | None = None,
        artifacts: Artifacts | None = None,
    ) -> Iterator[Finding]:
        """Look for changed code, then for a changed spec, then for a reason."""
        settings = specs.settings
        governed = {path for spec in specs.altered for path in specs.governed_by(spec)}
        code = {*settings.code.among([entry.path for entry in entries])} - governed - specs.gone_with_specs
        changed = [one for one in entries if one.path in code and not specs.is_spec_path(one.path)]
        added = [_problem(spec, artifacts) for spec in specs.altered if specs.is_new(spec)] if changed else []
        if not changed or "" in added:
            return
        from specguard_rules.commits.trailers import gives_reason, trailers_of

        key = settings.trailer
        stated = [one.value for found in trailers_of(commits or (), pull_request) for one in found.of(key)]
        if any(gives_reason(bracketed_text(one)) for one in stated):
            return
        first, name = changed[0], path_text(changed[0].path)
        more = f" (and {len(changed) - 1} more like it)" if len(changed) > 1 else ""
        places = settings.spec_paths.patterns or settings.files.patterns
        below = " or ".join(place for place in places if place != settings.index)
        wanted = f"under {below}" if below else f"in {settings.index or '[specs] `files`'}"
        candidates = sorted((one.deleted, one.path) for one in entries if specs.is_spec_path(one.path))
        why = f"; what changed in {path_text(candidates[0][1])} does not count" if candidates else ""
        why = f"; the new {added[-1]}" if added else why
        known = " or ".join(path_text(one.path) for one, _ in list(specs.now.governing(first.path))[:3])
        message = f"{name}{more} changed, and no spec did that governs it{why}"
        message += f"; '{key}: {shortened(stated[0])}' is without a reason in brackets" if stated else ""
        how = "Let a spec govern it, in [specs.governs], by a change of its own"
        how = f"Change {known}, which governs it" if known else how
        is_lost = commits is not None and bookkeeping.lacks_texts
        where = (
            "the pull request, if it does not" if is_lost else "the last paragraph of a commit, all trailers"
        )
        step = f"{how}; or add one {wanted}. Or say why not in {where}: '{key}: none (REASON)'."
        found = Finding(message, step, first.path, side=first.side, setting="specs.code")
        found.key, found.severity = "no spec changed", "warning" if commits is None or is_lost else None
        yield found


def _problem(spec: Spec, artifacts: Artifacts | None) -> str:
    """Return the problem with a new spec, with its path; empty if there is none."""
    about = artifacts.contracted(spec.path) if artifacts else ()
    contracts = [artifact for artifact in about if artifact.contract.sections]
    for artifact in contracts:
        for flaw in artifact.flaws("missing-section", "empty-section"):
            return f"{path_text(spec.path)} does not count: {flaw.message}"
    return f"{path_text(spec.path)} has no text" if spec.is_empty and not contracts else ""


def bracketed_text(value: str) -> str:
    """Return the text in brackets after a word of a line; empty without brackets."""
    before, _, behind = value.partition("(")
    return behind.rpartition(")")[0] if any(map(str.isalnum, before)) else ""


class ContradictedAuthority(Rule):
    r"""A document contradicts a higher one on a declared key.

    `order` in `[authority]`, or the section *Conflict resolution*, lists documents, highest first. `keys`
    names what they must agree on: a field, front matter (`form = "front matter"`), or a line that matches a
    `pattern` with one group. The highest document with a key decides. Documents of one pattern have no order.
    Quotes and emphasis do not matter; case does.

    Why is this bad? An agent follows the document that it read last.

    How to fix it: correct the lower document, or change the higher one first.

    ```text
    error: work/AGENT_1_PLAN.md:3: says that canonical_root is '/api/orpc', and ARCHITECTURE.md:3, which
      goes before it, that it is '/api/v2'
    ```

    ```toml fails
    policy = '''
    [authority]
    order = ["ARCHITECTURE.md", "**/AGENT_*"]
    keys = [{name = "canonical_root"}]
    '''
    base = {files = {"ARCHITECTURE.md" = "# Architecture\n\nCanonical root: `/api/v2`\n"}}

    [[commits]]
    message = "docs: plan"

    [commits.files]
    "work/AGENT_1_PLAN.md" = '''
    # Plan

    - **canonical_root:** /api/orpc
    '''

    [[expect]]
    code = "SPC009"
    path = "work/AGENT_1_PLAN.md"
    line = 3
    message = "ARCHITECTURE.md:3"
    ```

    ```toml passes
    policy = '''
    [authority]
    order = ["ARCHITECTURE.md", "**/AGENT_*"]
    keys = [{name = "root", pattern = 'rooted at `([^`]+)`'}]
    '''
    base = {files = {"ARCHITECTURE.md" = "The API is rooted at `/api/v2`.\n"}}

    [[commits]]
    message = "docs: plan"
    files = {"work/AGENT_1_PLAN.md" = "All calls are rooted at `/api/v2`, as before.\n"}
    ```
    """

    code: ClassVar[str] = "SPC009"
    tables: ClassVar[tuple[str, ...]] = ("authority.keys",)
    condition: ClassVar[str] = "no document contradicts a higher one on a declared key"

    def check(
        self, policy: Policy, documents: Documents, entries: Sequence[Entry], whole: bool
    ) -> Iterator[Finding]:
        """Compare the statements of the documents in `order`."""
        for entry in entries:
            if entry.was_file and not (entry.deleted or entry.is_file) and policy.ranks.matches(entry.path):
                path, setting = entry.path, "authority.order"
                message = f"{path_text(path)}, which has a place in the order, is not a regular file any more"
                step = "Make it a file of its own: what a link leads to is not compared."
                yield Finding(message, step, path, key="no file", setting=setting)
        touched = {entry.path for entry in entries}
        for one in policy.contradictions(documents, lambda path: whole or path in touched):
            path, line, setting = one.lower.path, one.lower.line, f"authority.keys.{one.key}"
            step = f"Correct {path_text(path)}, or first {path_text(one.higher.path)}."
            yield Finding(one.message, step, path, line, key=one.name, setting=setting)
