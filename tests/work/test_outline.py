"""What a document says of paths: its scope, and what it asks to change."""

import pytest

from specguard.errors import MissingFact, NotApplicable
from specguard.work.item import WorkItem
from specguard.work.kinds import WorkKind
from specguard.work.stated_paths import asks_of
from tests.rows import rows
from tests.taking import grows_with_length
from tests.work.conftest import Grow, phase_12

KIND = WorkKind(document=["phase-{number}.md"], branch="phase-{number}")


def item(tree: Grow, text: str, kind: WorkKind = KIND) -> WorkItem:
    return phase_12(tree, text, kind)


@pytest.mark.parametrize(("text", "paths", "apart"), rows(__file__, "the_paths_that_a_scope_leaves_out"))
def test_the_paths_that_a_scope_leaves_out(tree: Grow, text: str, paths: list[str], apart: list[str]) -> None:
    scope = item(tree, f"# Phase 12\n\n## Scope\n\n{text}\n").scope
    assert (list(scope.paths.patterns), list(scope.excluded.patterns)) == (paths, apart)


@pytest.mark.parametrize(("text", "paths"), rows(__file__, "the_scope_that_a_document_lists"))
def test_the_scope_that_a_document_lists(tree: Grow, text: str, paths: list[str]) -> None:
    scope = item(tree, f"# Phase 12\n\n{text}\n").scope
    assert list(scope.paths.patterns) == paths
    assert scope.origin is not None
    assert scope.origin.path == "phase-12.md"


def test_no_scope_is_said(tree: Grow) -> None:
    for text in (
        "## Scope\n\nThe parser, and what belongs to it.",
        "## Scope\n\n- Add a parser\n- `parse()` returns a tree\n- see https://example.org/x.md",
        "## Not the scope\n\n- `src/`",
        "## Scope\n\n> - `src/`",
    ):
        with pytest.raises(NotApplicable, match="lists no paths under Scope or Files"):
            item(tree, text).scope  # noqa: B018 - the property raises


def test_a_scope_of_the_policy_that_nothing_fills_in_is_missing(tree: Grow) -> None:
    kind = WorkKind(document=["phase-{number}.md"], scope=["src/{unknown}/"], branch="phase-{number}")
    with pytest.raises(MissingFact, match="can be filled in for phase 12"):
        item(tree, "## Scope\n\n- `docs/`", kind).scope  # noqa: B018 - the property raises


def test_the_policy_s_scope_goes_first(tree: Grow) -> None:
    kind = WorkKind(
        document=["phase-{number}.md"], scope=["src/{number}/", "{unknown}/x"], branch="phase-{number}"
    )
    scope = item(tree, "## Scope\n\n- `docs/`", kind).scope
    assert scope.origin is None
    assert scope.paths.find(b"src/12/x.py") == 0
    assert scope.paths.find(b"docs/x") is None


@pytest.mark.parametrize(("text", "how"), rows(__file__, "what_a_document_asks_to_change"))
def test_what_a_document_asks_to_change(tree: Grow, text: str, how: str) -> None:
    found = {ask.path: ask.how for ask in asks_of(item(tree, f"# Phase 12\n\n{text}\n"))}
    assert found.get("docs/api/x.yaml", "") == how


def test_items_that_name_no_path_are_known(tree: Grow) -> None:
    for items, unread in (
        ("- `src/`\n- Unit tests for it", 6),
        ("- `src/`: so no crash is left, only an error", 0),
        ("- `src/`\n- No new dependencies\n- Do not touch the client\n- Docs: none", 0),
        ("- Sources:\n  - `src/`", 0),
    ):
        scope = item(tree, f"# P\n\n## Scope\n\n{items}\n").scope
        assert (list(scope.paths.patterns), scope.unread) == (["src/"], unread)
    # A sentence that begins with a bare path may mean more.
    scope = item(tree, "# P\n\n## Scope\n\n- bin/a.sh removes a file; the viewer is updated\n").scope
    assert (list(scope.paths.patterns), scope.unread) == (["bin/a.sh"], 5)


def test_asks_have_their_lines_and_say_what_is_allowed(tree: Grow) -> None:
    text = "# P\n\n1. We plan.\n   Update\n   `docs/a.md`.\n\n## Scope\n\n- `docs/b.md`\n"
    found = [(ask.path, ask.line, ask.how, ask.text) for ask in asks_of(item(tree, text))]
    assert found == [("docs/a.md", 5, "named", "Update docs/a.md."), ("docs/b.md", 9, "listed", "")]
    # A file at the root needs no slash in a code span.
    asks = asks_of(item(tree, "# P\n\n1. `LICENSE` gets a year\n2. See `NOTICE`, MAINTAINERS\n"))
    assert [(ask.path, ask.how) for ask in asks] == [("LICENSE", "task"), ("NOTICE", "named")]


@pytest.mark.parametrize("part", ["update ", "`a` ", "a/", "update the the ", "`x/y` ", "not any ", "a1b2c3"])
def test_a_hostile_document_takes_no_long_time(tree: Grow, part: str) -> None:
    text = "# _\n\n## Scope\n\n- _"
    assert grows_with_length(lambda n: lambda: asks_of(item(tree, text.replace("_", part * n))), 400)
