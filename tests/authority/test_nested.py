"""Nested authorities: a monorepo of five packages, two of which guard more than the root does."""

import json
from pathlib import Path
from typing import Any

import pytest

from specguard.authority.load import load_policy
from specguard.declaration.registry import Registry
from specguard.errors import SeveralErrors
from specguard.integrations.lsp import flaws_of
from specguard.testing import Outcome, Repository, run_here
from tests.authority.conftest import Files, Load
from tests.integrations.hooks.asking import edit
from tests.outcomes import ended
from tests.rows import recorded, rows
from tests.scripts import play, scripts
from tests.threats.cases import threat

ROOT = recorded(__file__, "root")
A = "# Package A\n\n## Locked zones\n\n- `api/`: what others build on\n"
B = '# Package B\n\n```toml specguard\n[rules.forbidden-path]\npaths = ["**/*.pem"]\n```\n'

Found = tuple[str, str, "str | None", "int | None", "str | None"]


@pytest.fixture
def mono(repository: Repository) -> Repository:
    """`main` with five packages and two nested authorities, and `work` on top of it."""
    files = {f"packages/{name}/{path}": "x\n" for name in "abcde" for path in ("api/x", "y", "LICENSE")}
    nested = {"packages/a/SPEC_AUTHORITY.md": A, "packages/b/SPEC_AUTHORITY.md": B}
    repository.commit("docs: all", files={**files, **nested, "SPEC_AUTHORITY.md": ROOT})
    repository.branch("work")
    return repository


def land(mono: Repository, files: dict[str, str]) -> None:
    """Make it so on `main`."""
    mono.commit("docs: land", files=files)
    mono.ref("refs/heads/main")


def found(outcome: Outcome) -> list[Found]:
    """What is found: code, severity, path, line, and the line that decides."""
    rows = []
    for one in outcome.report["findings"]:
        at = one["authority"] and "{path}:{line}".format(**one["authority"])
        rows.append((one["code"], one["severity"], one["location"]["path"], one["location"]["line"], at))
    return sorted(rows, key=repr)


def judged(mono: Repository, folder: Path, files: dict[str, str | None]) -> list[Found]:
    """What is found of a change, which is the same staged, at a push and for a pull request."""
    for path, text in files.items():
        if text is None:
            mono.delete(path)
        else:
            mono.write(path, text)
    mono.stage()
    rows: list[list[Found]] = []

    def check(*words: str, stdin: str = "") -> None:
        outcome = run_here("check", *words, "--output-format=json", directory=mono.path, stdin=stdin)
        assert outcome.exit_code == any(one[1] == "error" for one in found(outcome)), outcome
        rows.append(found(outcome))

    check("--staged")
    mono.commit("feat: change")
    head = mono.oid()
    check("--push", stdin=f"refs/heads/work {head} refs/heads/work {'0' * 40}\n")
    ends = {"base": {"sha": mono.oid("main"), "ref": "main"}, "head": {"sha": head, "ref": "work"}}
    event = folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 1, "title": "feat: x", "body": "", **ends}}))
    check("--enforce", f"--pr-event={event}")
    assert rows[0] == rows[1] == rows[2]
    return rows[0]


def test_each_package_guards_what_is_its_own(mono: Repository, tmp_path: Path) -> None:
    refused = edit(mono, mono.path / "packages/a/api/x")
    assert refused.kind == "refuse"
    assert "packages/a/SPEC_AUTHORITY.md:5" in refused.refusal
    assert edit(mono, mono.path / "packages/c/api/x").kind == "pass"
    assert "loosens" in edit(mono, mono.path / "packages/a/SPEC_AUTHORITY.md", "# None\n").refusal
    assert edit(mono, mono.path / "packages/a/SPEC_AUTHORITY.md", f"{A}- `y`\n").kind != "refuse"
    assert "packages/a/SPEC_AUTHORITY.md:5" in run_here("why", "packages/a/api/x", directory=mono.path).stdout
    assert "PTH004" in run_here("why", "packages/c/SPEC_AUTHORITY.md", directory=mono.path).stdout
    printed = run_here("policy", directory=mono.path).stdout
    assert 'nested = ["packages/*"]' in printed
    assert "packages/b/**/*.pem" in printed
    assert "packages/b/SPEC_AUTHORITY.md:5" in printed
    changes: dict[str, str | None] = {f"packages/{name}/api/x": "z\n" for name in "abc"}
    changes |= {f"packages/{name}/k.pem": "k\n" for name in "abc"}
    assert judged(mono, tmp_path, changes) == [
        ("PTH001", "error", "packages/b/k.pem", None, "packages/b/SPEC_AUTHORITY.md:5"),
        ("PTH002", "error", "packages/a/api/x", None, "packages/a/SPEC_AUTHORITY.md:5"),
    ]


WRONG = {name: (text, line or None, said) for name, text, line, said in rows(__file__, "wrong")}


@pytest.mark.parametrize("case", WRONG)
def test_one_that_is_wrong_counts_for_nothing(load: Load, case: str) -> None:
    text, line, said = WRONG[case]
    nested = {"packages/a/SPEC_AUTHORITY.md": text, "packages/b/SPEC_AUTHORITY.md": B}
    policy = load(ROOT, files=nested)
    [flaw] = policy.disregarded
    assert (flaw.key, str(flaw.origin)) == ("", f"packages/a/SPEC_AUTHORITY.md{f':{line}' if line else ''}")
    assert said in flaw.message
    assert [guard.pattern for guard in policy.guards.all] == ["packages/b/**/*.pem", "packages/*/LICENSE"]


@threat("T76", "a nested authority that loosens, or reaches out of its folder", "exit 1: CFG004")
@pytest.mark.parametrize("case", ["a setting", "from the root", "empty"])
def test_one_that_is_wrong_stops_what_is_below_it_and_nobody_else(
    mono: Repository, tmp_path: Path, case: str
) -> None:
    text, line, said = WRONG[case]
    path = "packages/a/SPEC_AUTHORITY.md"
    land(mono, {path: text})
    wrong = ("CFG004", "error", path, line, "SPEC_AUTHORITY.md:6")
    assert judged(mono, tmp_path, {"packages/a/y": "z\n", "packages/b/y": "z\n"}) == [wrong]
    assert said in run_here("policy", directory=mono.path).stdout
    assert "counts for nothing" in run_here("why", "packages/a/y", directory=mono.path).stdout
    assert "counts for nothing" not in run_here("why", "packages/b/y", directory=mono.path).stdout
    assert "; does not count: 1 thing" in run_here("doctor", directory=mono.path).stdout
    assert f"note      {path}" in run_here("status", directory=mono.path).stdout
    assert edit(mono, mono.path / "packages/a/y").kind == "refuse"
    assert edit(mono, mono.path / "packages/b/y").kind != "refuse"
    mono.ref("refs/heads/main")
    forbidden = ("PTH001", "error", "packages/b/k.pem", None, "packages/b/SPEC_AUTHORITY.md:5")
    assert judged(mono, tmp_path, {"packages/b/k.pem": "k\n"}) == [forbidden]
    words = ("check", "--all", "--select=CFG004", "--output-format=json")
    assert found(ended(run_here(*words, directory=mono.path))) == [("CFG004", "warning", *wrong[2:])]
    mono.branch("below")
    mono.commit(files={"packages/a/y": "w\n"})
    assert found(run_here(*words, directory=mono.path)) == [wrong]


def test_one_that_is_wrong_is_put_right_by_a_change_of_it_alone(mono: Repository, tmp_path: Path) -> None:
    path = "packages/a/SPEC_AUTHORITY.md"
    land(mono, {path: WRONG["above"][0]})
    rows = judged(mono, tmp_path, {path: A})
    assert [(code, severity) for code, severity, *_ in rows] == [("CFG004", "warning"), ("PTH004", "warning")]
    said = "once it is on the base; make it a change of its own"
    assert said in run_here("check", directory=mono.path).stdout


def test_one_that_the_root_lets_break_is_told_at_the_root(mono: Repository, tmp_path: Path) -> None:
    land(mono, {"tools/t/SPEC_AUTHORITY.md": WRONG["above"][0]})
    root = ROOT.replace('["packages/*"]', '["packages/*", "tools/*"]')
    rows = judged(mono, tmp_path, {"SPEC_AUTHORITY.md": root})
    assert ("PTH004", "error", "SPEC_AUTHORITY.md", None, "SPEC_AUTHORITY.md:6") in rows
    assert "tools/t/SPEC_AUTHORITY.md:7" in run_here("check", "--base=main", directory=mono.path).stdout


def test_a_document_of_the_root_is_not_read_again_as_a_nested_one(mono: Repository, tmp_path: Path) -> None:
    path = "packages/a/SPEC_AUTHORITY.md"
    root = ROOT.replace('base = "main"\n', f'base = "main"\ndocuments = ["{path}"]\n')
    land(mono, {"SPEC_AUTHORITY.md": root})
    rows = judged(mono, tmp_path, {"api/x": "z\n", "packages/a/api/x": "z\n"})
    assert rows == [("PTH002", "error", "api/x", None, f"{path}:5")]
    assert "packages/a/api/" not in run_here("policy", directory=mono.path).stdout


def test_what_names_no_folders_is_an_error_of_the_root(load: Load) -> None:
    for value in ('["packages/**"]', '["!x"]', '"packages/*"', "[1]", '["a//b"]'):
        with pytest.raises(SeveralErrors) as caught:
            load(ROOT.replace('["packages/*"]', value))
        assert {one.place for one in caught.value.errors()} == {"SPEC_AUTHORITY.md:6"}
        assert ("has any depth" in caught.value.message) is ("**" in value)


def test_the_cache_knows_the_nested_documents(mono: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked() -> str:
        return run_here("policy", directory=mono.path).stdout

    assert "packages/a/api/" in locked()
    compiled: list[Any] = []
    monkeypatch.setattr(
        "specguard.authority.compile.compile_policy", lambda *words, **_: compiled.append(words)
    )
    assert "packages/a/api/" in locked()
    assert not compiled
    monkeypatch.undo()
    for files in ({"packages/a/SPEC_AUTHORITY.md": f"{A}- `y`\n"}, {"packages/e/SPEC_AUTHORITY.md": A}):
        land(mono, files)
        assert ("packages/a/y" if "packages/a/SPEC_AUTHORITY.md" in files else "packages/e/api/") in locked()
    mono.delete("packages/a/SPEC_AUTHORITY.md")
    land(mono, {})
    assert "packages/a/" not in locked()


def test_an_editor_shows_what_is_wrong_with_one(mono: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mono.path)
    path = mono.path / "packages/a/SPEC_AUTHORITY.md"
    assert flaws_of(str(path)) == []
    path.write_text(WRONG["above"][0])
    flaw = flaws_of(str(path))[0]
    assert (flaw.line, flaw.severity) == (7, "error")
    assert "reaches beyond packages/a/" in flaw.message


def test_without_any_no_folder_is_looked_into(registry: Registry) -> None:
    for settings, looked in (("", False), ('[authority]\nnested = ["p/*"]', True)):
        tree: Any = Files(
            {"SPEC_AUTHORITY.md": f"{B}```toml specguard\n{settings}\n```\n", "p/a/SPEC_AUTHORITY.md": A}
        )
        policy = load_policy(tree, registry=lambda _: registry)
        assert policy is not None
        assert (b"p" in tree.reads) is looked
        assert (policy.guards.find(b"p/a/api/x") is not None) is looked


@pytest.mark.parametrize("script", scripts(__file__))
def test_what_is_told_of_nested_ones(script: dict[str, Any], tmp_path: Path) -> None:
    play(script, tmp_path)
