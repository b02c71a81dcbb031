"""What rules found in a whole tree is kept, and a check that uses it says just what one says without it."""

import hashlib
import marshal
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specguard.engine import rule_runner
from specguard.testing import Case, Repository, Step, run_here
from specguard.testing import Outcome as Ran

KEPT = tomllib.loads(Path(__file__).with_name("kept.toml").read_text("utf-8"))
POLICY, FILES = KEPT["policy"], KEPT["files"]


def judge(repository: Repository, cache: Path | None, *args: str, **env: str) -> Ran:
    """Judge the whole tree with a cache in a folder, or with none."""
    place = "/dev/null/none" if cache is None else str(cache)
    return run_here("check", "--all", *args, directory=repository.path, env={"XDG_CACHE_HOME": place, **env})


ALL = (("--output-format=json",), ("--explain", "--statistics"))


def both(repository: Repository, cache: Path, *args: str, forms: Sequence[Sequence[str]] = ALL) -> Ran:
    """Judge without a cache, and with one twice, in some formats; all must say the same."""
    for form in forms:
        cold = judge(repository, None, *args, *form)
        for _ in range(2):
            warm = judge(repository, cache, *args, *form)
            assert (warm.exit_code, warm.stdout, warm.stderr) == (cold.exit_code, cold.stdout, cold.stderr)
    return cold


def kept_files(cache: Path) -> list[Path]:
    """The files with outcomes; those of policies have a format."""
    files = sorted((cache / "specguard" / "1").glob("*"))
    return [
        file for file in files if "format" not in marshal.loads(file.read_bytes().partition(b"\n")[2])["kept"]
    ]


def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rules that were run and not taken from the cache, as they are."""
    codes: list[str] = []
    original = rule_runner._run

    def run(rule: Any, facts: Any, result: Any) -> Any:
        codes.append(rule.code)
        return original(rule, facts, result)

    monkeypatch.setattr(rule_runner, "_run", run)
    return codes


def small(folder: Path, files: Mapping[str, str]) -> Repository:
    """A repository whose main has the policy and these files."""
    return Case(policy=POLICY, base=(Step("chore: base", files=files),), branch="main").build(folder)


@pytest.fixture
def tree(tmp_path: Path) -> Repository:
    return small(tmp_path / "repository", FILES)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


OTHER = f"# B\n\n```toml specguard\n{POLICY.replace('Risks', 'Dangers')}```\n"
EDITS = [("SPEC_AUTHORITY.md", OTHER), *((edit["path"], edit["text"]) for edit in KEPT["edits"])]


@settings(max_examples=6)
@given(st.lists(st.sampled_from(EDITS), min_size=1, max_size=4))
def test_a_warm_cache_says_what_none_says(edits: list[tuple[str, Any]]) -> None:
    """After each of some commits, with all that was kept of those before it."""
    with TemporaryDirectory() as folder:
        repository = small(Path(folder) / "repository", FILES)
        cache = Path(folder) / "cache"
        judge(repository, cache, "--today=2026-02-15")
        for number, (path, text) in enumerate(edits):
            if text is not False:
                repository.write(path, text)
            elif (repository.path / path).exists():
                repository.delete(path)
            repository.stage()
            repository.git("commit", "-q", "--allow-empty", "-m", f"chore: {number}")
            both(repository, cache, "--today=2026-02-15", forms=ALL[:1])
        both(repository, cache, "--today=2026-03-15", forms=ALL[1:])


def test_the_second_time_only_what_is_not_named_is_run(
    tree: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = ran(monkeypatch)
    judge(tree, cache)
    assert {"ART002", "ART010", "SPC003", "PTH004"} <= set(codes)
    codes.clear()
    judge(tree, cache)
    assert "PTH004" in codes, "it compares the policy with what is not in the tree"
    assert {code for code in codes if code.startswith(("ART0", "SPC", "PLN"))} <= {"ART017"}


def test_another_question_has_another_name(
    tree: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(tree, cache)
    codes = ran(monkeypatch)
    for other in (
        "--today=2030-01-01", "--branch=other", "--pr-title=A title", "--root",
        "--authority=SPEC_AUTHORITY.md", "--strict", "--extend-select=CMT001",
    ):  # fmt: skip
        codes.clear()
        judge(tree, cache, other)
        assert "ART002" in codes, other


def test_what_is_final_or_no_commit_or_no_whole_tree_is_judged_anew(tree: Repository, cache: Path) -> None:
    for words in (["--enforce", "--base=main"], ["--staged"], ["--worktree"]):
        judge(tree, cache, *words)
        assert kept_files(cache) == [], words
    run_here("check", directory=tree.path, env={"XDG_CACHE_HOME": str(cache)})
    assert kept_files(cache) == []


def test_a_time_in_the_future_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding that the time of the day made may be gone in an hour, so it is not kept."""
    notes = {"a/AGENT_1_NOTES.md": "# N\n\n- [2126-01-31 10:00] a\n"}
    repository = small(tmp_path / "repository", {**FILES, **notes})
    cache = tmp_path / "cache"
    assert "ART010" in judge(repository, cache, "--output-format=json").codes
    codes = ran(monkeypatch)
    assert "ART010" in judge(repository, cache, "--output-format=json").codes
    assert "ART010" in codes
    assert "ART002" not in codes


def test_a_local_run_is_looked_for_again(tmp_path: Path, cache: Path) -> None:
    repository = Case.from_toml(KEPT["local"], folder=tmp_path).build(tmp_path / "repository")
    assert "PLN002" in judge(repository, cache, "--output-format=json").codes
    repository.write(".runs/slice-d1/1/manifest.json", '{"status": "succeeded"}')
    assert "PLN002" not in judge(repository, cache, "--output-format=json").codes
    in_tree = Case.from_toml(KEPT["in_tree"], folder=tmp_path).build(tmp_path / "in_tree")
    assert "Done or ticked only by a claim: 1." in both(in_tree, cache, "--select=PLN002").stdout


def test_other_branches_are_asked_for_again(tmp_path: Path, cache: Path) -> None:
    repository = Case.from_toml(KEPT["stack"], folder=tmp_path).build(tmp_path / "repository")
    both(repository, cache, forms=ALL[:1])
    repository.git("branch", "-D", "slice-d1", "notes")
    assert {"ART009", "PLN002", "PLN010"} <= set(both(repository, cache, forms=ALL[:1]).codes)


def test_a_broken_file_is_a_miss(tree: Repository, cache: Path) -> None:
    first = judge(tree, cache, "--output-format=json")
    [file] = kept_files(cache)
    for damage in (
        b"",
        marshal.dumps({}),
        marshal.dumps({"files": [], "kept": {"ART002": 1}}),
        marshal.dumps({"kept": []}),
    ):
        digest = hashlib.sha1(damage, usedforsecurity=False).hexdigest().encode()
        for content in (damage, digest + b"\n" + damage):
            file.write_bytes(content)
            assert judge(tree, cache, "--output-format=json").stdout == first.stdout
    os.chmod(cache / "specguard" / "1", 0o755)
    assert judge(tree, cache, "--output-format=json").stdout == first.stdout
