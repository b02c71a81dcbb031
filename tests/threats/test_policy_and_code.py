"""Changes that add their own code, or texts that are made to break their readers."""

import subprocess
import sys
from pathlib import Path

import pytest

from specguard.testing import Case, Repository, Step
from specguard.testing.repository import clean_environment
from tests.outcomes import ended
from tests.rows import recorded
from tests.threats.cases import threat
from tests.threats.guarded import (
    LOCKED,
    authority,
    check,
    errors,
    fails,
    guarded,
    passes,
    undecided,
    variables_of_git,
)

AUTHORITY = "SPEC_AUTHORITY.md"


@pytest.fixture
def repo(repository: Repository) -> Repository:
    guarded(repository)
    return repository


# The code


EVIL = "import os\nopen(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'RAN'), 'w').close()\n"
MODULES = {
    f"{name}.py": EVIL
    for name in (
        "specguard", "specguard_rules", "re2", "click", "yaml", "pydantic", "json", "re", "rich", "pluggy",
        "sitecustomize", "usercustomize", "detect_secrets", "encodings/__init__", "markdown_it/__init__",
    )
}  # fmt: skip
"""Modules that specguard or Python would run if anything of the tree were imported."""


def python(repo: Repository, program: str) -> str:
    """Return the output of a program that searches for modules in the repository's root first."""
    words = [sys.executable, "-c", program]
    return subprocess.check_output(words, cwd=repo.path, env=clean_environment(), text=True).strip()


@threat("T77", "modules in the tree that are called as those that specguard imports", "exit 0")
def test_modules_of_the_tree_are_not_imported(repo: Repository) -> None:
    repo.commit("feat: x", files=MODULES)
    # A Python that looks there first does import them, so the case is a real one.
    python(repo, "import yaml")
    assert [path.name for path in repo.path.glob("RAN")] == ["RAN"]
    (repo.path / "RAN").unlink()
    for words in ([], ["--staged"], ["--enforce", "--base=main"]):
        passes(check(repo, *words, installed=True))
    passes(check(repo, env={"PYTHONSAFEPATH": "1"}, installed=True))
    assert not list(repo.path.rglob("RAN"))


@threat("T78", "an entry point in the tree, which the change's policy names", "exit 1: PTH002, PTH004")
def test_an_entry_point_of_the_tree_is_not_loaded(repo: Repository) -> None:
    # The distribution lies as it does where it is installed.
    installed = recorded(__file__, "entry_point")
    text = authority().replace('base = "main"', 'base = "main"\nplugins = ["specguard-evil"]')
    repo.commit("feat: x", files={**installed, "specguard_evil.py": EVIL, AUTHORITY: text})
    found = "import importlib.metadata; print(importlib.metadata.version('specguard-evil'))"
    assert python(repo, found) == "1.0"
    fails(check(repo, installed=True), ("PTH002", AUTHORITY), ("PTH004", AUTHORITY))
    assert not list(repo.path.rglob("RAN"))
    # And where the base names it, it is missing.
    undecided(check(repo, "--base=work", installed=True), "specguard-evil")
    assert not list(repo.path.rglob("RAN"))


@threat("T78", "a plugin that is installed from the judged checkout", "exit 2")
@pytest.mark.parametrize("module", ["specguard_evil", "specguard_evil.plugin"])
def test_a_plugin_of_the_checkout_is_not_loaded(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    points = {"specguard_evil-1.0.dist-info/entry_points.txt": f"[specguard]\nevil = {module}\n"}
    text = authority().replace('base = "main"', 'base = "main"\nplugins = ["specguard-evil"]')
    file = f"{module.replace('.', '/')}.py"
    files = {**recorded(__file__, "entry_point"), **points, file: EVIL, AUTHORITY: text}
    repo.commit("feat: x", files=files)
    monkeypatch.syspath_prepend(repo.path)
    undecided(check(repo, "--enforce", "--base=work"), f"'specguard-evil' is in the judged tree, as {file}")
    assert not list(repo.path.rglob("RAN"))


@threat("T79", "another repository in the environment, where the verdict is the last word", "exit 1: PTH002")
@threat("T79", "variables of git that lead elsewhere or run something", "exit 1: PTH002")
def test_variables_of_git(repo: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit("chore: base", files={AUTHORITY: "# Nothing\n"})
    repo.commit("feat: x", files={"locked/p": "EVIL\n"})
    ran = tmp_path / "ran"
    env = {
        "GIT_DIR": str(other.git_dir),
        "GIT_WORK_TREE": str(other.path),
        "GIT_INDEX_FILE": str(other.git_dir / "index"),
        **variables_of_git(ran, other.git_dir / "objects"),
    }
    fails(check(repo, "--enforce", "--base=main", env=env), LOCKED)
    place = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    fails(check(repo, env={name: value for name, value in env.items() if name not in place}), LOCKED)
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        fails(check(repo, "--enforce", "--base=main", env={name: env[name]}), LOCKED)
    assert not ran.exists()


# What is made to break its reader


CONTRACT = '[artifacts.plan]\npath = "plan/*"\n'
NINE = "".join(f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]\n" for level in range(1, 9))
BOMBS = {
    **recorded(__file__, "bombs"),
    "aliases.yaml": f"l0: &l0 [lol]\n{NINE}",
    "deep.yaml": "[" * 500 + "]" * 500,
    "deep.json": "[" * 100_000,
}


@threat("T80", "YAML, JSON or TOML that bursts, nests without end or says one thing twice", "exit 1: ART013")
def test_an_artifact_that_breaks_its_reader(repository: Repository) -> None:
    guarded(repository, CONTRACT)
    repository.commit("docs: plan", files={f"plan/{name}": text for name, text in BOMBS.items()})
    fails(check(repository), *(("ART013", f"plan/{name}") for name in BOMBS))
    assert not (repository.path / "RAN").exists()


def test_what_is_not_utf8_or_too_long_hides_nothing(tmp_path: Path) -> None:
    index = '{"specs": [{"id": "0001", "path": "specs/1.md", "status": "planned"}]}'
    head: dict[str | bytes, str | bytes] = {
        "m/latin.md": b"- 0001: done \xe9\n",
        "docs/latin.md": b"- Scenario: x \xe9\n",
        ".runs/1/x.md": b"model: gpt-5 \xe9\n",
        ".runs/2/x.json": b'{"model": "gpt-5 %s"}' % (b"x" * 400),
    }
    repo = Case(
        policy=recorded(__file__, "unreadable"),
        base=[Step(files={"specs/1.md": "# Runs\n", "index.json": index})],
        commits=[Step(files=head)],
    ).build(tmp_path / "repository")
    fails(
        check(repo, "--select=SPC008,ART020,PLN006"),
        ("SPC008", "m/latin.md"),
        ("ART020", "docs/latin.md"),
        ("PLN006", ".runs/1/x.md"),
        ("PLN006", ".runs/2/x.json"),
    )


@threat("T82", "a text that an expression would take for ever to match", "exit 0")
def test_expressions_take_linear_time(repository: Repository) -> None:
    expressions = (r"(a+)+$", r"^(a|a)*$", r"(.*)*x", r"\s+$")
    forbid = "".join(f"[[rules.forbidden-content.forbid]]\npattern = '{one}!'\n\n" for one in expressions)
    guarded(repository, f"{forbid}[rules.pull-request-title]\npattern = '^(([a-z])+.)+[A-Z]([a-z])+$'\n")
    repository.commit("feat: x", files={"src/b": "a" * 100_000 + "\n" + " " * 100_000 + "x\n"})
    passes(check(repository, f"--pr-title={'a' * 100_000}", "--ignore=PRQ001"))
    outcome = check(repository, f"--pr-title={'a' * 100_000}")
    assert errors(outcome) == {("PRQ001", None)}


@threat("T80", "a policy of the base that nests without end or says one thing twice", "exit 2")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 3000 + "]" * 3000, "nested more than 50 levels deep"),
        (".".join(["a"] * 5000) + " = 1", "nested more than 50 levels deep"),
        ("[" + ".".join(["a"] * 5000) + "]", "nested more than 50 levels deep"),
        ("a = " + "{a = " * 60 + "1" + "}" * 60, "nested more than 50 levels deep"),
        (f"[rules.oversized-change]\nlines = {'9' * 5000}", "a number that is too long"),
        (f"[rules.oversized-change]\nlines = 0x{'f' * 9000}", "a number that is too long"),
    ],
)
def test_settings_that_break_their_reader(repo: Repository, text: str, said: str) -> None:
    document = f"```toml specguard\n{text}\n```\n"
    repo.commit("feat: x", files={AUTHORITY: document})
    outcome = check(repo)
    assert errors(outcome) == {("PTH002", AUTHORITY), ("PTH004", AUTHORITY)}
    assert said in outcome.stdout
    assert outcome.exit_code == 1
    # And in the base it is an error like any other, with its place.
    outcome = ended(check(repo, "--base=work"), 2)
    assert said in outcome.stderr
    assert "internal error" not in outcome.stderr


@pytest.mark.parametrize(
    "text",
    [
        ">" * 20000 + " x\n",
        "- " * 5000 + "x\n",
        "".join(f"{'  ' * depth}- x\n" for depth in range(500)),
        "> - " * 70 + "x\n",
    ],
)
def test_prose_that_breaks_its_reader(repo: Repository, text: str) -> None:
    repo.commit("feat: x", files={AUTHORITY: f"{authority()}\n{text}"})
    fails(check(repo), ("PTH002", AUTHORITY), ("PTH004", AUTHORITY))
    outcome = ended(check(repo, "--base=work"), 2)
    assert "the authority cannot be read: lists and quotes are nested too deeply" in outcome.stderr


def test_many_settings_take_a_reader_no_square_of_time(repo: Repository) -> None:
    paths = ", ".join(f"'p{number}/'" for number in range(20_000))
    titles = "\n".join(f"t{number} = 'nothing'" for number in range(3_000))
    text = f"```toml specguard\n[rules.locked-path]\npaths = [{paths}]\n[authority.sections]\n{titles}\n```\n"
    unknown = "".join(f"k{number} = 1\n" for number in range(20_000))
    for more in (f"You must not change {'nothing ' * 40_000}\n", f"```toml specguard\n{unknown}```\n"):
        repo.commit("feat: x", files={AUTHORITY: f"{text}\n{more}"})
        assert ("PTH004", AUTHORITY) in errors(check(repo))
