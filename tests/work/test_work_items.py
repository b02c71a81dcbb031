"""Which item the names of a change tell of, and how it resolves."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from specguard.change.tree import Tree
from specguard.errors import MissingFact, NotApplicable
from specguard.testing import Case, run_here
from specguard.work.item import Papers
from specguard.work.kinds import Names, WorkKind, identity, same_item
from specguard.work.named_items import Unresolved, Work
from specguard.work.stated_paths import allowed_paths
from tests.outcomes import ended, there
from tests.taking import grows_with_length
from tests.work.conftest import Grow

PHASE = WorkKind(
    pointer=["NEXT_PHASE.json"],
    number="next",
    fields={"plan_version": "plan_version"},
    document=["{plan_version}/phase-{number}.md"],
    branch="phase-{number}",
    commits=1,
    commit="feat(phase{number}): implement phase {number}",
    pull_request="Phase {number}",
    pull_request_body="Implements {document}. Tests: {gates}.",
)
TRACK = WorkKind(
    pointer=["NEXT_TRACK.json"],
    number="next_track",
    fields={"slug": ["slug", "tracks.{number}.slug"], "doc": ["doc", "tracks.{number}.doc"]},
    document=["{doc}", "tracks/track-{number}-*.md"],
    branch="track-{number}-{slug}",
    commit="chore(track{number}): {slug}",
    pull_request="Track {number}: {slug}",
)
KINDS = {"phase": PHASE, "track": TRACK}
POINTERS = {
    "NEXT_PHASE.json": '{"next": 12, "plan_version": "v1"}',
    "NEXT_TRACK.json": '{"next_track": 5, "slug": "add-cache", "tracks": '
    '{"6": {"slug": "more", "doc": "six.md"}}}',
    "v1/phase-12.md": "# Phase 12",
    "tracks/track-05-add-cache.md": "# Track 5",
    "six.md": "# Six",
}


def work(tree: Tree, *names: tuple[str, str], kinds: Mapping[str, WorkKind] = KINDS) -> Work:
    read = Names(kinds)
    namings = [naming for source, text in names if (naming := read.read(source, text)) is not None]
    return Work(kinds, lambda: tree, namings=namings)


def problem(found: Work) -> str:
    """Why no item is resolved."""
    assert isinstance(found.resolved, Unresolved)
    return found.resolved.problem


@pytest.mark.parametrize(
    ("source", "text", "item", "exact"),
    [
        ("branch", "phase-12", "phase 12", True),
        ("branch", "Phase_12-persistence", "phase 12", False),
        ("branch", "track-5", "track 5", False),
        ("commit", "feat(phase12): implement phase 12 (#7)", "phase 12", True),
        ("commit", "feat(track-05): x", "track 5", False),
        ("title", "Track 5: add-cache", "track 5", True),
        ("title", "phase 12 (persistence)", "phase 12", False),
    ],
)
def test_names_tell_of_items(source: str, text: str, item: str, exact: bool) -> None:
    naming = there(Names(KINDS).read(source, text))
    assert (naming.item, naming.exact) == (item, exact)


def test_other_names_tell_of_none() -> None:
    for source, text in (
        ("branch", "fix-phase-noise"),
        ("commit", "docs: plan phase 13"),
        ("commit", 'Revert "feat(phase12): implement phase 12"'),
        ("commit", "Merge branch 'phase-12'"),
        ("title", ""),
    ):
        assert Names(KINDS).read(source, text) is None


def test_an_id_is_more_than_its_number() -> None:
    for one, other, same in (
        ("PERF-005", "PERF-5", True),
        ("PERF-005", "ARCH-005", False),
        ("task_003", "3", True),
        ("12", "012", True),
        ("login", "login", True),
        ("login", "login-2", False),
    ):
        first, second = identity({"id": one}), identity({"id": other})
        assert same_item(*first, *second) is same_item(*second, *first) is same


def test_the_template_with_more_literal_text_wins_and_equal_ones_are_the_policy_s_mistake() -> None:
    kinds = {"a": WorkKind(branch="{x}-{number}"), "b": WorkKind(branch="task-{number}")}
    assert there(Names(kinds).read("branch", "task-3")).kind == "b"
    kinds["a"] = WorkKind(branch="task-{number}")
    with pytest.raises(MissingFact, match=r"work\.a\.branch and work\.b\.branch"):
        Names(kinds).read("branch", "task-3")


def test_no_name_or_no_kind_is_no_item(tree: Grow) -> None:
    files = tree(POINTERS)
    with pytest.raises(NotApplicable, match="names no work item"):
        work(files, ("branch", "work")).item  # noqa: B018 - the property raises
    with pytest.raises(NotApplicable, match="names no work item"):
        work(files, ("branch", "phase-12"), kinds={}).item  # noqa: B018


def test_an_item_has_exact_names(tree: Grow) -> None:
    item = work(tree(POINTERS), ("branch", "phase-012-x")).item
    assert item.branches == ["phase-12"]
    assert item.commit_messages == ["feat(phase12): implement phase 12"]
    assert item.titles == ["Phase 12"]
    assert item.body == "Implements v1/phase-12.md. Tests: none."
    assert item.document == b"v1/phase-12.md"
    assert there(item.commits).exactly == 1
    assert item.setting("branch") == "work.phase.branch"
    assert item.summary() == {"kind": "phase", "id": "12", "slug": None, "document": "v1/phase-12.md"}
    # Number formats allow several names, and the first is canonical.
    kind = WorkKind(branch="phase-{number}", commit="p{number}: {number}", number_format=["{n:02}", "{n}"])
    item = work(tree({}), ("branch", "phase-7"), kinds={"phase": kind}).item
    assert item.branches == ["phase-07", "phase-7"]
    assert item.commit_messages == ["p07: 07", "p7: 7"]


def test_a_slug_is_told_by_the_pointer_by_the_document_or_else_by_the_name(tree: Grow) -> None:
    files = tree(POINTERS)
    assert work(files, ("branch", "track-5-other")).item.branches == ["track-5-add-cache"]
    six = work(files, ("branch", "track-6-other")).item
    assert (six.branches, six.document) == (["track-6-more"], b"six.md")
    files = tree({**POINTERS, "NEXT_TRACK.json": '{"next_track": 5}'})
    assert work(files, ("commit", "feat(track-05): x")).item.branches == ["track-5-add-cache"]
    assert work(files, ("branch", "track-9-nine")).item.branches == ["track-9-nine"]


def test_a_field_that_nothing_tells_is_named(tree: Grow) -> None:
    track = work(tree({"NEXT_TRACK.json": '{"next_track": 9}'}), ("branch", "track-9"))
    slug = "'slug' or 'tracks.9.slug' for track 9, and none of the places for its document has it"
    assert problem(track) == f"NEXT_TRACK.json has no {slug}"
    phase = work(tree({"NEXT_PHASE.json": '{"next": 12}'}), ("branch", "phase-12"))
    assert problem(phase) == "NEXT_PHASE.json has no 'plan_version' for phase 12"


def test_a_broken_pointer_is_that_of_one_kind(tree: Grow) -> None:
    assert work(tree(POINTERS)).branches == ["phase-12", "track-5-add-cache"]
    files = tree({**POINTERS, "NEXT_TRACK.json": "broken"})
    assert str(work(files, ("branch", "phase-12")).item) == "phase 12"
    assert not work(files, ("branch", "track-5-add-cache")).resolved.resolved
    assert work(files).branches == ["phase-12", "track-{number}-{slug}"]


def test_documents_of_others_are_told_from_its_own(tree: Grow) -> None:
    item = work(tree(POINTERS), ("branch", "track-5-add-cache")).item
    paths = [
        b"tracks/track-5-x.md",
        b"tracks/track-05-add-cache.md",
        b"tracks/track-6-x.md",
        b"v2/phase-3.md",
    ]
    papers = Papers(KINDS).among([*paths, b"tracks/README.md"])
    assert [path for path in papers if not item.owns(path)] == [b"tracks/track-6-x.md", b"v2/phase-3.md"]
    assert papers[b"v2/phase-3.md"].setting == "work.phase.document.0"


def test_papers_are_told_from_paths() -> None:
    kind = WorkKind(
        pointer=["NEXT[1].json"],
        document=["{doc}", "p/phase-{number}.md"],
        siblings=["p/*.md", "{unknown}/*.txt"],
        index=["p/{version}/INDEX.md"],
        legacy=["old/{number:upper}.md"],
        branch="phase-{number}",
    )
    listed = WorkKind(source=["**/PHASE_{X}_SLICES.yaml"], branch="slice-{number}")
    paths = [
        b"NEXT[1].json", b"NEXT1.json", b"p/phase-7.md", b"p/notes.md", b"q/a.txt", b"p/q/x.md",
        b"p/v1/INDEX.md", b"old/7.md", b"a/PHASE_D_SLICES.yaml", b"src/a",
    ]  # fmt: skip
    found = Papers({"phase": kind, "slice": listed}).among(paths)
    assert {path: paper.role for path, paper in found.items()} == {
        b"NEXT[1].json": "pointer",
        b"p/phase-7.md": "document",
        b"p/notes.md": "document",
        b"q/a.txt": "document",
        b"p/v1/INDEX.md": "index",
        b"old/7.md": "document",
        b"a/PHASE_D_SLICES.yaml": "list",
    }


def test_a_source_gives_its_entry_s_fields(tree: Grow) -> None:
    kind = WorkKind(source=["plan.json"], items="tasks", number="id", branch="{id}", commit="{id}: {title}")
    files = tree({"plan.json": '{"tasks": [{"id": "task_003", "title": "parse"}]}'})
    found = work(files, ("branch", "task_003"), kinds={"task": kind})
    assert (found.item.number, found.item.commit_messages) == (3, ["task_003: parse"])
    missing = work(files, ("branch", "task_004"), kinds={"task": kind})
    assert problem(missing) == "plan.json has no task task_004"


def test_a_detached_head_leaves_the_item_unknown_which_is_no_pass(tmp_path: Path) -> None:
    case = Case.load(Path(__file__).parent.parent / "cases" / "work" / "phase-runner.toml")
    repository = case.build(tmp_path / "repository")
    repository.git("checkout", "-q", "--detach")
    outcome = ended(run_here("check", "--output-format=json", directory=repository.path), 2)
    assert {outcome.state(code) for code in ("WRK001", "WRK003", "PTH003")} == {"indeterminate"}
    outcome = ended(run_here("check", "--branch=phase-12", "--output-format=json", directory=repository.path))
    document = "docs/plan/v1.02/phases/phase-12.md"
    item = {"kind": "phase", "id": "12", "slug": None, "document": document}
    assert outcome.report["change"]["work_item"] == item


def test_thousands_of_choices_in_a_scope_are_not_written_out() -> None:
    def read(count: int) -> list[str]:
        scope = f"## Scope\n\n- `src/{{{'a,' * count}b}}{'x' * 5 * count}`\n- `lib/`\n"
        return [one.path for one in allowed_paths(scope, ["Scope"])]

    assert read(1_000) == ["", "lib/"]
    assert grows_with_length(lambda count: lambda: read(count), 125)
