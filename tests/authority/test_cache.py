import hashlib
import marshal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from specguard.authority.cache import Cache
from specguard.authority.load import load_policy
from specguard.declaration.registry import Registry
from specguard.errors import SpecguardError
from tests.authority.conftest import Files

FILES = {
    "SPEC_AUTHORITY.md": '## Locked zones\n\n- a/\n\n```toml specguard\ndocuments = ["b.toml"]\n```\n',
    "b.toml": 'base = "main"\n',
}


@pytest.fixture
def loader(registry: Registry, tmp_path: Path) -> Any:
    """Loads a policy with a cache, and says how often it was compiled."""

    def load(files: Any = FILES, parts: Sequence[str] = ("sha1", "/x"), **options: Any) -> Any:
        compiled = 0

        def give(plugins: Sequence[str]) -> Registry:
            nonlocal compiled
            compiled += 1
            return registry

        environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        cache = Cache(environment, parts, work_tree=options.pop("outside", ""))
        tree: Any = Files(files, options)
        return load_policy(tree, registry=give, cache=cache), compiled

    return load


def stored(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "specguard" / "1").glob("*"))


def test_a_policy_is_compiled_once(loader: Any, tmp_path: Path) -> None:
    first, compiled = loader()
    assert compiled == 1
    second, compiled = loader()
    assert compiled == 0
    assert second.data == first.data
    (file,) = stored(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    # It is compiled anew when what it is made of changes.
    for changed in (
        {"SPEC_AUTHORITY.md": FILES["SPEC_AUTHORITY.md"] + "\n"},
        {"b.toml": 'base = "dev"\n'},
        {"specguard.toml": 'merge = "squash"\n'},
    ):
        assert loader({**FILES, **changed})[1] == 1
    assert loader(parts=["sha1", "/y"])[1] == 1
    for path in FILES:
        with pytest.raises(SpecguardError, match="not a regular file"):
            loader(**{path: 0o120000})


def sealed(body: bytes) -> bytes:
    """A body behind its right checksum."""
    return hashlib.sha1(body, usedforsecurity=False).hexdigest().encode() + b"\n" + body


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"a/", b"b/"),
        lambda data: b"",
        lambda data: b"\xff\xfe",
        lambda data: data.partition(b"\n")[0] + b"\n{}",
        lambda data: sealed(b"{}"),
        lambda data: sealed(marshal.dumps([])),
        lambda data: sealed(marshal.dumps({"files": [], "kept": {"documents": []}})),
        lambda data: sealed(marshal.dumps({"files": [], "kept": {"format": 2, "documents": [], "top": 3}})),
    ],
)
def test_a_broken_file_is_a_miss(loader: Any, tmp_path: Path, damage: Any) -> None:
    loader()
    (file,) = stored(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    policy, compiled = loader()
    assert compiled == 1
    assert policy.guards.find(b"a/x") is not None
    assert loader()[1] == 0


def test_a_folder_that_others_can_write_into_is_unused(loader: Any, tmp_path: Path) -> None:
    loader()
    folder = tmp_path / "cache" / "specguard" / "1"
    folder.chmod(0o770)
    assert loader()[1] == 1
    folder.chmod(0o700)
    assert loader()[1] == 0
    folder.symlink_to(folder.rename(tmp_path / "elsewhere"))
    assert loader()[1] == 1


def test_the_cache_is_never_in_the_working_tree(loader: Any, tmp_path: Path) -> None:
    loader(outside=str(tmp_path))
    assert not (tmp_path / "cache").exists()
    loader(outside=str(tmp_path / "repository"))
    assert stored(tmp_path)


def test_an_edited_plugin_of_one_module_is_a_miss(tmp_path: Path, monkeypatch: Any) -> None:
    cache = Cache({"HOME": str(tmp_path)}, [])
    monkeypatch.setattr(hashlib, "__file__", str(tmp_path / "plugin.py"))
    cache.write({}, {"x": 1}, ["hashlib"])
    (tmp_path / "plugin.py").write_text("")
    assert cache.read({}) is None


def test_without_a_home_or_a_folder_to_write_into_there_is_no_cache(tmp_path: Path) -> None:
    for environment in ({}, {"XDG_CACHE_HOME": "relative"}, {"HOME": "relative"}, {"HOME": __file__}):
        cache = Cache(environment, [])
        cache.write({}, {"rules": []}, ())
        assert cache.read({}) is None
    cache = Cache({"HOME": str(tmp_path)}, [])
    cache.write({}, {"rules": [], "x": 1}, ())
    assert cache.read({}) == {"rules": [], "x": 1}
    assert (tmp_path / ".cache" / "specguard" / "1").is_dir()


def test_the_oldest_of_too_much_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specguard.authority.cache.MAX_SIZE", 100_000)
    cache = Cache({"XDG_CACHE_HOME": str(tmp_path / "cache")}, [])
    for number in range(5):
        cache.write({"n": str(number)}, {"x": "x" * 20_000}, ())
    kept = [number for number in range(5) if cache.read({"n": str(number)})]
    assert kept in ([4], [3, 4], [2, 3, 4], [1, 2, 3, 4])
    assert sum(file.stat().st_size for file in stored(tmp_path)) <= 100_000
