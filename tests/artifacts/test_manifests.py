from collections.abc import Callable, Mapping, Sequence

import pytest

from specguard.artifacts.cleanup_manifests import leftovers, read_manifest
from specguard.artifacts.contracts import Contract
from specguard.change.tree import Documents
from specguard.documents.document import Document
from specguard.errors import NotApplicable
from tests.artifacts.conftest import Make
from tests.rows import rows
from tests.taking import grows_with_length

Judge = Callable[..., list[str]]

MANIFEST = Contract(path="**/*CLEANUP_MANIFEST.*", agrees_with="deletions")
GONE = ["old/a.md", "old/b.md", "c.py", "my file.txt"]
BASE = {**dict.fromkeys(GONE, "x"), "kept.py": "x", "old.md": "x"}


@pytest.fixture
def disagree(artifacts: Make) -> Judge:
    def judge(
        text: str,
        *,
        path: str = "CLEANUP_MANIFEST.md",
        base: Mapping[str, str] = BASE,
        delete: Sequence[str] = GONE,
        closure: Sequence[str] = (),
    ) -> list[str]:
        contract = Contract(path=f"**/{path}", agrees_with="deletions", closure=list(closure))
        found = artifacts({"cleanup": contract}, {path: text}, base=base, delete=delete)
        start = Documents(found.change.start_files)
        return [finding.message for finding in found.disagreements(found.entries, start)]

    return judge


@pytest.mark.parametrize("text", rows(__file__, "agrees"))
def test_it_agrees(disagree: Judge, text: str) -> None:
    assert not disagree(text)


ALL = "- old/: stale\n- c.py: unused\n- `my file.txt`: a note\n"


@pytest.mark.parametrize(("text", "said"), rows(__file__, "disagrees"))
def test_it_does_not_agree(disagree: Judge, text: str, said: str) -> None:
    messages = disagree(text)
    assert any(message.startswith(said) for message in messages), messages
    assert len(messages) == (2 if text.startswith("- `**`") else 1)


def test_nothing_may_be_listed(artifacts: Make) -> None:
    text = "| Path | Action | Why |\n|---|---|---|\n| a.md | finalize | x |\n\n## Deletions\n\n- `none`\n"
    found = artifacts({"cleanup": MANIFEST}, {"CLEANUP_MANIFEST.md": text, "a.md": "x"})
    assert not list(found.disagreements(found.entries, found.documents))


def test_what_was_listed_before_is_left_alone(disagree: Judge) -> None:
    before = "- gone.py: unused\n- kept.py: unused\n"
    messages = disagree(f"{before}{ALL}", base={**BASE, "CLEANUP_MANIFEST.md": before})
    assert messages == ["kept.py is listed as removed, and kept.py is still there"]


def test_paths_may_be_seen_from_the_manifest(disagree: Judge) -> None:
    base = {"p/a.md": "x", "p/sub/b.md": "x", "a.md": "x"}
    text = "- a.md: stale\n- sub/*.md: stale\n"
    assert not disagree(text, path="p/MANIFEST.md", base=base, delete=["p/a.md", "p/sub/b.md"])


def test_another_change_has_another_manifest(artifacts: Make) -> None:
    found = artifacts(
        {"cleanup": MANIFEST}, {}, base={**BASE, "CLEANUP_MANIFEST.md": "x"}, delete=GONE, whole=True
    )
    with pytest.raises(NotApplicable):
        list(found.disagreements(found.entries, found.documents))


def test_it_says_of_a_closed_folder_what_is_meant(disagree: Judge) -> None:
    base = {"p/a.md": "x", "p/b.md": "x"}
    text = "- a.md: the plan\n- b.md: a draft\n"
    assert disagree(text, path="p/MANIFEST.md", base=base, delete=["p/b.md"], closure=["p/"]) == [
        "it is not said whether a.md, which is still there, was to be removed"
    ]


CLOSED = Contract(path="docs/{x}/MANIFEST.md", closure=["docs/{x}/", "out/**/{x}-*/"])
FILES = dict.fromkeys(
    ["docs/c/a.md", "docs/c/sub/b.md", "docs/d/a.md", "out/1/c-2/log", "out/1/d-2/log"], "x"
)


@pytest.mark.parametrize(("text", "left"), rows(__file__, "closed"))
def test_a_closed_folder_holds_what_is_listed(artifacts: Make, text: str, left: list[str]) -> None:
    found = artifacts({"cleanup": CLOSED}, {**FILES, "docs/c/MANIFEST.md": text})
    assert sorted({(one.path or b"").decode() for one in leftovers(found.judged[0])}) == left


def test_reasons_and_fates_are_read() -> None:
    text = (
        "- a/b.py:12: moved to c\n- `x.py`, `y.py`: retained - used\n- https://x.org/a.md: x\n- words alone\n"
    )
    found = read_manifest(Document(text).blocks)
    assert [(one.path, one.line, one.state) for one in found] == [
        ("a/b.py", 1, "removed"),
        ("x.py", 2, "kept"),
        ("y.py", 2, "kept"),
    ]


@pytest.mark.parametrize("part", ["- a.py: x\n", "| a.py | x |\n|-|-|\n", "a.py, ", "- ", "- `", "- [a]("])
def test_long_lists_take_no_time(artifacts: Make, part: str) -> None:
    def reading(size: int) -> Callable[[], object]:
        files = {"CLEANUP_MANIFEST.md": part * (size // len(part))}
        artifact = artifacts({"cleanup": MANIFEST}, files).judged[0]
        assert artifact.document
        return lambda: artifact.listed

    assert grows_with_length(reading, 3_000)
