"""Files that are all written, or none."""

from pathlib import Path

import pytest

from specguard.errors import SpecguardError
from specguard.reporters.file_writing import write_files


def there(top: Path) -> dict[str, str]:
    return {path.relative_to(top).as_posix(): path.read_text() for path in top.rglob("*") if path.is_file()}


def test_all_are_written_with_their_folders(tmp_path: Path) -> None:
    files = {"a/b/c.md": "c\r\n", "a/d.md": "d", "e.md": ""}
    write_files(str(tmp_path), files)
    assert {path: (tmp_path / path).read_bytes().decode() for path in files} == files
    assert set(there(tmp_path)) == set(files), "and nothing else"


@pytest.mark.parametrize("blocked", ["taken", "file/x.md", "link/x.md", "dangling"])
def test_where_one_cannot_be_none_is(tmp_path: Path, blocked: str) -> None:
    top, elsewhere = tmp_path / "top", tmp_path / "elsewhere"
    top.mkdir()
    elsewhere.mkdir()
    (top / "taken").write_text("mine")
    (top / "file").write_text("mine")
    (top / "link").symlink_to(elsewhere)
    (top / "dangling").symlink_to(elsewhere / "nothing")
    before = there(top)
    files = {"new/folder/a.md": "a", blocked: "b", "z.md": "z"}
    with pytest.raises(SpecguardError) as caught:
        write_files(str(top), files)
    assert caught.value.path == blocked
    assert there(top) == before
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError, FileExistsError(17, "File exists")])
def test_an_interruption_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException] | OSError
) -> None:
    import os

    makedirs = os.makedirs

    def interrupted(folder: str, *, exist_ok: bool) -> None:
        if folder.endswith("late"):
            raise stop
        makedirs(folder, exist_ok=exist_ok)

    monkeypatch.setattr(os, "makedirs", interrupted)
    with pytest.raises(SpecguardError if isinstance(stop, OSError) else stop):
        write_files(str(tmp_path), {"new/a.md": "a", "late/b.md": "b"})
    assert there(tmp_path) == {}


def test_what_would_not_be_utf_8_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(SpecguardError, match="it would not be UTF-8") as caught:
        write_files(str(tmp_path), {"new/a.md": "a", "new/b.md": "\udcff"})
    assert caught.value.path == "new/b.md"
    assert list(tmp_path.iterdir()) == []
