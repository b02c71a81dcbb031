"""Texts of a change that imitate specguard, or that try to control a terminal, a runner or a page."""

import html
import json
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from specguard.declaration.registry import FORMATS as KNOWN
from specguard.testing import Outcome, Repository, run, run_here
from tests.cli.no_foo import install_plugin
from tests.integrations.hooks.asking import edit
from tests.outcomes import ended
from tests.reporters import published
from tests.rows import recorded
from tests.threats.cases import threat
from tests.threats.guarded import LOCKED, authority, check, errors, guarded

FORMATS = ("text", "concise", "github", "json", "markdown", *published.READ)
SETTINGS = """
[rules.commit-message]
conventional = true

[rules.branch-name]
pattern = "^feature/"

[rules.pull-request-title]
conventional = true
"""
COMMANDS = "::error file=x::pwn\r\n::stop-commands::t\n##[error]x\n::add-mask::a%0A::warning::b"
MARKUP = "</script><img src=x onerror=y> [x](javascript:z) ![i](//e) `c` | @team #12 **b** <!-- c"
ESCAPES = "\x1b[2J\x1b]8;;http://e\x07x\x1b]8;;\x07\x9b31m\x7f\u202e\u2066\u200b\u2028\u2029\ufeff\U000e0041"


def report(repo: Repository, form: str, *arguments: str, **env: str) -> Outcome:
    """Check the branch as a pull request, and report in a format."""
    # How an interpreter writes is told by its environment.
    runner = run if any(name.startswith("PYTHON") for name in env) else run_here
    return runner("check", f"--output-format={form}", *arguments, directory=repo.path, env=env)


def hostile(repo: Repository, text: str) -> list[str]:
    """Commit a change with this text everywhere; return the arguments that judge it as a pull request."""
    guarded(repo, SETTINGS)
    name = text.replace("/", "!")[:100]
    repo.commit(f"{text}\n\n{text}", files={f"locked/{name}": f"{text}\n", f"src/{name}.md": text})
    body = repo.path.parent / "body.md"
    body.write_text(text, encoding="utf-8")
    branch = re.sub(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{", "!", text)
    return [f"--branch={branch}", f"--pr-title={text}", f"--pr-body-file={body}"]


def printed_report(repo: Repository, words: list[str], form: str, **env: str) -> str:
    """Return the printed report, after asserting that every text is reported and the change fails."""
    outcome = report(repo, form, *words, **env)
    assert outcome.exit_code == 1, outcome
    for code in ("PTH002", "PTH005", "CMT002", "PRQ001"):
        assert code in outcome.stdout, outcome
    return outcome.stdout


@threat("T119", "commands to the platform's runner in names, messages and titles", "exit 1: PTH002, PTH005")
def test_commands_to_a_runner(repository: Repository) -> None:
    words = hostile(repository, COMMANDS)
    own = re.compile(r"::(error|warning|notice)( file=[^:,]*)?[^:]*title=[A-Z]{3}[0-9]{3} [a-z-]+::")
    for form in FORMATS:
        for line in re.split(r"[\r\n]", printed_report(repository, words, form)):
            # A runner obeys only commands at the beginning of a line.
            if line.lstrip().startswith(("::", "##[")):
                assert form == "github"
                assert own.match(line), line


@threat("T121", "HTML, Markdown and mentions in names, messages and titles", "exit 1: PTH002, PTH005")
def test_markup_on_a_page(repository: Repository, tmp_path: Path) -> None:
    words = hostile(repository, MARKUP)
    page = tmp_path / "summary.md"
    printed_report(repository, words, "github", GITHUB_STEP_SUMMARY=str(page))
    shown = MarkdownIt("gfm-like", {"linkify": False}).render(page.read_text(encoding="utf-8"))
    tags = set(re.findall(r"</?([a-z0-9]+)", shown))
    assert tags <= {"h2", "h3", "p", "ul", "li", "strong", "code", "br", "blockquote"}
    # What is looked for in the text of a page is not looked for in code.
    text = html.unescape(re.sub(r"<code>.*?</code>", "", shown, flags=re.DOTALL))
    assert "team" in text
    assert not re.search(r"@\w|#\d", text)


@threat("T121", "HTML in names and messages of a JSON report that a page takes in", "exit 1: PTH002, PTH005")
def test_markup_in_json(repository: Repository) -> None:
    words = hostile(repository, MARKUP)
    shown = printed_report(repository, words, "json")
    assert json.loads(shown)["exit_code"] == 1
    assert "</script>" not in shown
    assert "<!--" not in shown


@threat("T123", "escapes, marks of direction and characters without a width", "exit 1: PTH002, PTH005")
def test_escapes_to_a_terminal(repository: Repository, tmp_path: Path) -> None:
    words = hostile(repository, ESCAPES)
    page = tmp_path / "summary.md"
    shown = [printed_report(repository, words, form, GITHUB_STEP_SUMMARY=str(page)) for form in FORMATS]
    for text in (*shown, page.read_text(encoding="utf-8")):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
        assert not any(char in text for char in ESCAPES if not " " <= char <= "~")


@threat("T123", "names, messages and titles without an end", "exit 1: PTH002, CMT003")
def test_lines_without_an_end(repository: Repository) -> None:
    guarded(repository, SETTINGS)
    deep = "/".join(["d" * 200] * 15)
    repository.commit("x" * 60_000, files={f"locked/{deep}": "x\n"})
    for form in FORMATS:
        outcome = report(repository, form, f"--pr-title={'t' * 60_000}", f"--branch={'b' * 200}")
        assert outcome.exit_code == 1
        assert max(map(len, outcome.stdout.splitlines())) < 10_000
        assert len(outcome.stdout) < 200_000


@threat("T124", "characters that some readers take for the end of a line", "exit 1: CNT001")
def test_lines_are_those_of_git(repository: Repository) -> None:
    guarded(repository, '[[rules.forbidden-content.forbid]]\npattern = "EVIL"\n')
    text = "a\u2028b\u2029c\x0bd\x0ce\x1cf\x1dg\x1eh\x85i\rj\nEVIL\n"
    repository.commit("feat: x", files={"src/b": text})
    place = repository.git("grep", "-n", "EVIL", "work", "--", "src/b").split(":")[2]
    outcome = check(repository)
    [finding] = outcome.report["findings"]
    assert (finding["code"], finding["location"]["line"]) == ("CNT001", int(place)) == ("CNT001", 2)
    assert outcome.exit_code == 1


@threat("T124", "names that the output's encoding does not have", "exit 1: PTH002")
@pytest.mark.parametrize(
    ("form", "env"),
    [
        *((form, {"PYTHONIOENCODING": "ascii"}) for form in ("text", "github", "json", "html")),
        ("text", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ],
)
def test_an_output_without_letters(repository: Repository, form: str, env: dict[str, str]) -> None:
    guarded(repository)
    names = ["locked/caf\u00e9.md", "locked/\u65e5\u672c.md", "locked/\U0001f469.md"]
    repository.commit("feat: \u00e9", files=dict.fromkeys(names, "x\n"))
    outcome = report(repository, form, **env)
    assert outcome.exit_code == 1, outcome
    assert outcome.stdout.count("PTH002") >= 1
    assert outcome.stdout.isascii()
    assert not outcome.stderr


def plugin(place: Path, what: str) -> dict[str, str]:
    """Install a distribution with a rule that raises; return the variable that puts it on the path."""
    install_plugin(place, recorded(__file__, "crashing").replace("{what}", what))
    return {"PYTHONPATH": str(place)}


@pytest.fixture
def guarded_one(repository: Repository) -> Repository:
    """A guarded repository with a commit that alters a locked file."""
    guarded(repository)
    repository.commit("feat: x", files={"locked/p": "EVIL\n"})
    return repository


@pytest.fixture
def crashing(repository: Repository) -> Repository:
    """A guarded repository with a commit that alters a locked file, whose policy names a plugin."""
    text = authority().replace('"main"\n', '"main"\nplugins = ["acme"]\n')
    guarded(repository, files={"SPEC_AUTHORITY.md": text})
    repository.commit("feat: x", files={"locked/p": "EVIL\n"})
    return repository


@threat("T125", "a rule that crashes", "exit 2")
@pytest.mark.parametrize("what", ["MemoryError", "RecursionError", "GeneratorExit"])
def test_a_rule_that_crashes(crashing: Repository, tmp_path: Path, what: str) -> None:
    env = plugin(tmp_path, what)
    outcome = ended(check(crashing, env=env, installed=True), 2)
    # What the others found is there, and what it found itself before.
    assert errors(outcome) == {LOCKED}
    assert outcome.codes == ["AAA001", "PTH002"]
    assert (outcome.state("AAA001"), outcome.state("PTH002")) == ("indeterminate", "failed")
    # What it prints is part of no answer.
    assert edit(crashing, "locked/p", environment=env, installed=True).kind == "refuse"


@threat("T125", "a rule or a plugin that ends the process with 0", "exit 2")
@pytest.mark.parametrize(
    ("where", "words"),
    [("rule", ["check"]), ("rule", ["check", "--staged"]), ("module", ["--traceback", "check"])],
)
def test_a_plugin_that_wants_to_end_the_process(
    crashing: Repository, tmp_path: Path, where: str, words: list[str]
) -> None:
    env = plugin(tmp_path, "SystemExit(0)")
    if where == "module":
        (tmp_path / "acme_rules.py").write_text("raise SystemExit(0)\n")
    crashing.write("locked/q", "EVIL\n")
    crashing.stage()
    outcome = ended(run(*words, directory=crashing.path, env=env), 2)
    assert "SystemExit: 0" in str(outcome)


@threat("T125", "a report that crashes while it is made", "exit 2")
@pytest.mark.parametrize("form", FORMATS)
def test_a_report_that_crashes(
    guarded_one: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    def render(*arguments: object, **options: object) -> str:
        raise ValueError("x")

    monkeypatch.setattr(f"specguard.reporters.{KNOWN[form].target}".replace(":", "."), render)
    others = [other for other in FORMATS if other != form]
    files = [f"--output={other}={tmp_path}/{other}" for other in others]
    for before, word in (([], f"--output-format={form}"), (["--traceback"], f"--output={form}={tmp_path}/x")):
        crashes(run_here(*before, "check", word, *files, directory=guarded_one.path), bool(before))
        for other in others:
            assert "PTH002" in (tmp_path / other).read_text()
            (tmp_path / other).unlink()


def test_a_report_that_crashes_in_the_installed_command(guarded_one: Repository, tmp_path: Path) -> None:
    # A module that Python itself imports first stands for a mistake in the code that makes the report.
    module, _, function = f"specguard.reporters.{KNOWN['json'].target}".partition(":")
    (tmp_path / "sitecustomize.py").write_text(
        f"import {module}\n\ndef render(*arguments, **options):\n    raise RecursionError\n\n"
        f"{module}.{function} = render\n"
    )
    env = {"PYTHONPATH": str(tmp_path)}
    crashes(run("check", "--output-format=json", directory=guarded_one.path, env=env), shown=False)


def crashes(outcome: Outcome, shown: bool) -> None:
    assert outcome.exit_code == 2, outcome
    assert "internal error" in outcome.stderr
    assert ("Traceback" in outcome.stderr) == shown
