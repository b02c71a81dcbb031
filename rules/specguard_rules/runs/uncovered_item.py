"""RUN007: done items without evidence at the grade that the policy asks for."""

from __future__ import annotations

from specguard.rules import (
    Finding,
    MissingFact,
    Rule,
    best,
    manifests_in,
    shortened,
    spoken_for,
    texts_in,
)
from specguard_rules.runs._cited import item_under_way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import (
        Commit,
        Documents,
        Entry,
        IndexEntry,
        Listed,
        Plans,
        RunRecord,
        RunRecords,
        Sources,
        Specs,
        Stage,
    )
    from specguard_rules.artifacts._checklists import Checklists


class UncoveredItem(Rule):
    r"""A done item has no evidence that a reviewer can find, at the grade that the policy asks for.

    That something is done is said quickly. What shows it is graded: an agent says so (`claimed`), a runner
    saw it (`observed`), specguard ran it (`re-run`), CI did (`ci`). `grade` of `[runs]` is the least that
    counts for:

    - an item of a source (`source` of `[work.<kind>]`) with one of the kind's `closed` statuses, or a task of
      a plan with one of its `done` ones: the manifest of a run that the item names anywhere, or any run that
      is one of it;
    - an entry of the index of specs (`[specs]`) whose status says that it was done (`done`, `closed`,
      `completed` and the like; what was cancelled was not): the manifest that it names, or any run of it;
    - an item of a checklist (`[checklists]`) that is ticked: the manifest that it names.

    **A run proves something** where it succeeded. Its grade is the least that the results of its gates have;
    of an older layout `observed` where a log or a heartbeat stands beside its manifest, else `claimed`.
    Commands with exit codes that a plan repeats are claimed. What a person verified by hand, with a name and
    a time, is a person's word and no agent's, and counts.

    That evidence is missing altogether is told by [ART006](unproven-checkbox.md) for ticked items, and by
    [PLN003](unverified-done.md) for tasks of plans. **Judged** are the items that the change closes or ticks;
    with `--all` every one. Where runs are kept with `keep = "local"`, nobody can tell elsewhere, and the rule
    is indeterminate. A run that is under way is the evidence of its own item.

    How to put it right: let a run show it, and name its manifest; or take the status back.

    ```toml fails
    policy = '''
    [work.slice]
    source = "slices.json"
    branch = "slice-{id}"
    closed = ["done"]

    [runs]
    keep = "tree"
    grade = "observed"
    '''

    [[commits]]
    message = "docs: slices"

    [commits.files]
    ".runs/slice-s2/1/manifest.json" = '{"task_id": "s2", "status": "succeeded"}'
    "slices.json" = '''
    {"slices": [
      {"id": "s1", "status": "done"},
      {"id": "s2", "status": "done"},
      {"id": "s3", "status": "open"}]}
    '''

    [[expect]]
    code = "RUN007"
    path = "slices.json"
    line = 2
    message = "no run shows it"

    [[expect]]
    code = "RUN007"
    path = "slices.json"
    line = 3
    message = "is claimed, and not observed"
    ```

    ```toml passes
    policy = '''
    [work.slice]
    source = "slices.json"
    branch = "slice-{id}"
    closed = ["done"]

    [runs]
    keep = "tree"
    grade = "observed"
    '''

    [[commits]]
    message = "docs: slices"

    [commits.files]
    ".runs/slice-s1/1/manifest.json" = '{"task_id": "s1", "status": "succeeded"}'
    ".runs/slice-s1/1/runner.log" = "started\n"
    "slices.json" = '{"slices": [{"id": "s1", "status": "done"}]}'
    ```
    """

    code: ClassVar[str] = "RUN007"
    name: ClassVar[str] = "uncovered-item"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("runs.grade",)
    condition: ClassVar[str] = "every item that is done has evidence of the grade that is asked for"

    def check(
        self,
        run_records: RunRecords,
        checklists: Checklists,
        documents: Documents,
        start_documents: Documents,
        entries: Sequence[Entry],
        whole: bool,
        sources: Sources | None = None,
        plans: Plans | None = None,
        specs: Specs | None = None,
        commits: Sequence[Commit] | None = None,
    ) -> Iterator[Finding]:
        """Weigh the evidence of what is done."""
        missing: MissingFact | None = None
        own = item_under_way(commits, run_records)
        for listed in _closed(sources, start_documents, whole):
            if own == f"{listed.source.kind}-{listed.id}":
                continue
            try:
                planned = plans is not None and plans.at(listed.source.path) is not None
                yield from _of_item(listed, run_records, planned=planned)
            except MissingFact as fact:
                missing = missing or fact
        for entry in specs.done if specs is not None else ():
            try:
                yield from _of_entry(entry, specs, run_records)
            except MissingFact as fact:
                missing = missing or fact
        paths = documents.tree.paths() if whole else [one.path for one in entries if one.is_file]
        for position, _ in checklists.files.find_each(paths):
            path = paths[position]
            known = _ticked(start_documents, path) if not whole else {}
            document = documents.read(path)
            for item in document.ticked if document is not None else ():
                text = hash(item.text)
                known[text] = known.get(text, 0) - 1
                if known[text] >= 0:
                    continue
                try:
                    grade = best(manifests_in(item.names, path, checklists.proofs, run_records), "")
                except MissingFact as fact:
                    missing = missing or fact
                    continue
                flaw = _flaw(grade, run_records)
                # ART006 says where there is none.
                if grade and flaw:
                    yield _finding(
                        f"{shortened(item.words)!r} is ticked, and {flaw}", path, item.line, item.words
                    )
        if missing is not None:
            raise missing


def _of_item(listed: Listed, records: RunRecords, *, planned: bool) -> Iterator[Finding]:
    """What is missing for an item that is closed.

    Raises:
        MissingFact: the runs cannot be seen from here.
    """
    claimed, by_hand = spoken_for(listed.value)
    if by_hand:
        return
    kind = listed.source.kind
    own = [run for run in records.all if _is_of(run, kind, listed.id)] if _needs(claimed, records) else []
    cited = manifests_in(texts_in(listed.value), listed.source.path, None, records)
    grade = best([*cited, *own], "claimed" if claimed else "")
    flaw = _flaw(grade, records)
    if flaw and not (own or cited or records.in_tree or planned):
        raise records.unseen(f"a run of {listed}")
    # PLN003 says where a task of a plan has none.
    if flaw and (grade or not planned):
        what = f"{listed} is {listed.status}, and {flaw}"
        yield _finding(what, listed.source.path, listed.line, listed.id)


def _of_entry(entry: IndexEntry, specs: Specs | None, records: RunRecords) -> Iterator[Finding]:
    """What is missing for an entry of the index of specs that is done.

    Raises:
        MissingFact: the runs cannot be seen from here.
    """
    if specs is None:
        return
    # Who approved or reviewed the spec says nothing of what came of it.
    apart = (specs.settings.approvals, specs.settings.review)
    value = {key: said for key, said in entry.value.items() if key not in apart}
    claimed, by_hand = spoken_for(value)
    if by_hand:
        return
    path = specs.now.index_path
    own = [run for run in records.all if _is_of(run, "", entry.id)] if _needs(claimed, records) else []
    cited = manifests_in(texts_in(value), path, None, records)
    flaw = _flaw(best([*cited, *own], "claimed" if claimed else ""), records)
    if not flaw:
        return
    if not (own or cited or records.in_tree):
        raise records.unseen(f"a run of {entry.label}")
    status = entry.said(specs.settings.status)
    what = f"{entry.label} is {status.text if status else 'done'}, and {flaw}"
    yield _finding(what, path, entry.line, entry.label)


def _needs(claimed: bool, records: RunRecords) -> bool:
    """Whether what is claimed is not enough."""
    return not (claimed and records.settings.grade == "claimed")


def _flaw(grade: str, records: RunRecords) -> str:
    """Why evidence of a grade is not enough, as a clause; empty where it is."""
    from specguard.rules import reaches

    least = records.settings.grade
    if not grade:
        return "no run shows it"
    return "" if reaches(grade, least) else f"what shows it is {grade}, and not {least}"


def _finding(message: str, path: bytes, line: int | None, key: str) -> Finding:
    return Finding(
        message,
        help="Let a run show it and name its manifest, or take it back.",
        path=path,
        line=line,
        key=key[:120],
        setting="runs.grade",
    )


def _closed(sources: Sources | None, before: Documents, whole: bool) -> Iterator[Listed]:
    """The items that are closed; without `whole` those that were not before the change."""
    if sources is None or not (whole or sources.is_touched):
        return
    known: set[tuple[bytes, str]] = set()
    if not whole:
        earlier = type(sources)(sources.kinds, documents=before)
        known = {(one.path, item.id) for one in earlier.all for item in one.items if item.closed}
    for source in sources.judged:
        for item in source.items:
            if item.closed and (source.path, item.id) not in known:
                yield item


def _is_of(run: RunRecord, kind: str, item: str) -> bool:
    """Whether a run is one of an item.

    Args:
        run: the run.
        kind: the kind of the item; empty: of none.
        item: its id.
    """
    names = {item.casefold(), f"{kind}-{item}".casefold()} if kind else {item.casefold()}
    return bool(item) and run.item.casefold() in names and (not run.kind or not kind or run.kind == kind)


def _ticked(documents: Documents, path: bytes) -> dict[int, int]:
    """How often each ticked item, by its text's hash, was there before."""
    found: dict[int, int] = {}
    document = documents.read(path)
    for item in document.ticked if document is not None else ():
        text = hash(item.text)
        found[text] = found.get(text, 0) + 1
    return found
