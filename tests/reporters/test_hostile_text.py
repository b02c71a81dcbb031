"""Text from a change cannot speak as specguard, in any output of any command."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from specguard.approvals.log import read_log
from specguard.approvals.record import Approval
from specguard.testing import Outcome, Repository, run_here
from tests.reporters import published
from tests.reporters.published import obeyed, unseen
from tests.rows import rows

HOSTILE: dict[str, str] = dict(rows(__file__, "hostile"))

AUTHORITY = Path(__file__).with_name("hostile.md").read_text("utf-8")


def toml(text: str) -> str:
    """A text as TOML has it, all in ASCII."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def authority(quoted: str, prose: str) -> str:
    """The authority with a text, as TOML has it, in several places; a pattern has a little less of it."""
    pattern = json.dumps(re.sub(r"[\x00-\x1f\x7f-\x9f|]", "", f"x/{json.loads(quoted)}").replace("//", "/"))
    return AUTHORITY.format(quoted=quoted, pattern=pattern, prose=prose)


def lines_of(text: str) -> Iterator[str]:
    """The lines of an output, none of which holds what nobody sees or a log obeys."""
    for line in text.split("\n"):
        assert not unseen(line), ascii(line)
        yield line


def harmless(text: str) -> None:
    """That an output for people begins no line for a log, and has no verdict or next step but specguard's."""
    for line in lines_of(text):
        assert not obeyed(line), ascii(line)
        assert not re.match(r"(?i)\s*specguard\s*:\s*passed", line), ascii(line)
        assert not re.match(r"\s*next:? run pwn", line), ascii(line)
        assert len(line) < 6000


def harmless_commands(text: str) -> None:
    """The same of workflow commands: each is one of specguard's, with no more than its own properties."""
    for line in lines_of(text):
        if line.startswith("::"):
            command = re.match(r"::(error|warning|notice) ((?:file|line|endLine|title)=[^:,]*,?)+::", line)
            assert command, ascii(line)
            data = line[command.end() :]
            assert not any(re.match(r"next: run pwn|specguard: passed", one) for one in data.split("%0A"))
            assert not any(map(obeyed, data.split("%0A"))), ascii(line)
        else:
            harmless(line)


def harmless_page(text: str) -> None:
    """That a page has no markup and no mention but specguard's."""
    assert not unseen(text.replace("\n", ""))
    page = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)
    assert not re.search(r"<(img|a|strong>pwn|h\d>pwn)", page), page
    assert "@pwn" not in re.sub(r"<code>[^<]*</code>", "", page)
    for line in text.split("\n"):
        assert not re.match(r"(?i)\s*(specguard|next)\s*:", line), line


def names(text: str) -> list[bytes]:
    """File names that a text can be, or be in."""
    raw = text.encode()
    whole = [] if b"/" in raw or len(raw) > 200 else [raw]
    return [*whole, b"bad/" + raw.replace(b"/", b"_"), b"locked/" + raw.replace(b"/", b"_")]


def project_of(text: str, place: Path, *, mild: bool = False) -> Repository:
    """A repository whose change has a hostile text in everything that its author writes.

    With `mild` its authority has none; else that has it, too.
    """
    quoted = toml("plain" if mild else text)
    repository = Repository(place)
    prose = "that" if mild else " ".join(text.split())
    repository.commit("chore: base", files={"SPEC_AUTHORITY.md": authority(quoted, prose)})
    repository.branch("work")
    files: dict[str | bytes, str | bytes] = dict.fromkeys(names(text), f"{text}\npwn {text}\n")
    repository.commit(f"{text}\n\n{text}\n\nReviewed-by: {text}", files=files)
    texts: dict[str, Any] = {"reason": text, "ticket": text, "target": text, "repository": text}
    record = Approval(
        approver="plain" if mild else text, issued_at=datetime(2026, 1, 1, tzinfo=UTC),
        expires_at=datetime(2026, 1, 2, tzinfo=UTC), rules=["PTH002"], paths=[names(text)[-1]],
        findings=["0" * 64], scope="change", fingerprint="0" * 64, policy_id="0" * 64,
        work_item=("x", text), nonce="0" * 32, **texts,
    )  # fmt: skip
    more: dict[str | bytes, str | bytes] = {
        f".specguard/approvals/{record.id}.json": record.content,
        f".specguard/approvals/{text.replace('/', '_')}.json": "{}",
        "SPEC_AUTHORITY.md": authority(toml(f"other {text}"), "that"),
    }
    repository.commit("docs: approve", files=more)
    return repository


CLASSES = ("one behind blanks", "a terminal", "a separator", "a verdict of its own line")


@pytest.fixture(params=CLASSES)
def hostile(request: pytest.FixtureRequest) -> str:
    """One of each class, for what all reports have in common; `test_a_check_in_every_format` has all."""
    return HOSTILE[request.param]


def harmless_run(repository: Repository, *words: str) -> Outcome:
    """A command's outcome, of which everything that is printed is harmless."""
    outcome = run_here(*words, directory=repository.path)
    assert "internal error" not in outcome.stderr, (words, outcome)
    harmless(outcome.stdout)
    harmless(outcome.stderr)
    return outcome


def everything(repository: Repository, *words: str, **env: str) -> tuple[Outcome, dict[str, str]]:
    """A check of it in every format."""
    place = repository.path.parent
    page = place / "page.md"
    forms = ("text", "concise", "agent", "json", "markdown", *published.READ)
    outcome = run_here(
        "check", "--output-format=github", *(f"--output={form}={place}/{form}" for form in forms),
        f"--log-decisions={place}/log", *words,
        directory=repository.path, env={"GITHUB_STEP_SUMMARY": str(page), **env},
    )  # fmt: skip
    pages = {form: (place / form).read_text("utf-8") for form in forms if (place / form).exists()}
    pages["log"] = (place / "log").read_text("ascii")
    pages["summary"] = page.read_text("utf-8") if page.exists() else ""
    return outcome, pages


@pytest.mark.parametrize(
    ("name", "mild"), [*((name, False) for name in HOSTILE), *((name, True) for name in CLASSES)]
)
def test_a_check_in_every_format(name: str, mild: bool, tmp_path: Path) -> None:
    hostile = HOSTILE[name]
    repository = project_of(hostile, tmp_path / "project", mild=mild)
    (tmp_path / "body").write_text(hostile, "utf-8")
    asked = [f"--branch={hostile}", f"--pr-title={hostile}", f"--pr-body-file={tmp_path}/body"]
    outcome, pages = everything(repository, *asked, "--explain", "--statistics")
    assert outcome.exit_code in (1, 2), outcome
    report = json.loads(pages["json"])
    assert {"PTH001", "PTH002", "PTH004", "CMT002", "BRN001", "PRQ001", "CNT001", "APR001"} <= {
        finding["code"] for finding in report["findings"]
    }
    harmless_commands(outcome.stdout)
    harmless(outcome.stderr)
    for form in ("text", "concise", "agent"):
        harmless(pages[form])
    for form in ("summary", "markdown"):
        harmless_page(pages[form])
    for form, read in published.READ.items():
        read(pages[form])
    for form in ("json", "log"):
        assert pages[form].isascii()
        assert not any(map(obeyed, pages[form].splitlines()))
    assert json.loads(pages["log"])["states"]["PTH001"] == "failed"
    # It is shown, not swallowed.
    if mild:
        assert any(hostile in finding["message"] for finding in report["findings"])


def read_log_of(repository: Repository) -> Iterator[Approval]:
    log = read_log(b".specguard/approvals/", base=None, head=None, work_tree=str(repository.path))
    return (record for _, record in log.approvals)


COMMANDS = rows(__file__, "commands")


def test_other_commands(hostile: str, tmp_path: Path) -> None:
    repository = project_of(hostile, tmp_path / "project")
    [record] = read_log_of(repository)
    for words in COMMANDS:
        outcome = harmless_run(repository, *words.format(record.id).split())
        assert "there is no option" not in outcome.stderr, (words, outcome)


def test_what_was_asked_for(hostile: str, tmp_path: Path) -> None:
    repository = project_of("plain", tmp_path / "project")
    name = hostile.replace("/", "_")
    options = [f"--{option}={hostile}" for option in ("base", "select", "today")]
    options += [f"--{option}={name}" for option in ("authority", "patch", "pr-event")]
    override = [f"--override={hostile}", f"--approved-by={hostile}", f"--reason={hostile}", "--path=x"]
    for option in (*options, f"--range={hostile}..HEAD", f"--{hostile}"):
        harmless_run(repository, "check", option)
    for words in (["check", *override], ["why", hostile], ["rule", hostile], ["new", hostile], [hostile]):
        harmless_run(repository, *words)


WRONG = ["{0} = 1", "[{0}]\nx = 1", "[rules.{0}]\npaths = []", "base = {0}", "documents = [{0}]", "[{1}"]


def test_an_authority_that_is_wrong(hostile: str, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "project")
    for text in [*WRONG, "a = 1\n{0} = 1\n[rules.{0}]\n"]:
        policy = text.format(toml(hostile), " ".join(hostile.split()))
        document = f"# A\n\n```toml specguard\n{policy}\n```\n"
        repository.commit("chore: base", files={"SPEC_AUTHORITY.md": document})
        for command in ("check", "doctor"):
            assert harmless_run(repository, command).exit_code


def test_what_is_imported(hostile: str, tmp_path: Path) -> None:
    rules = {"type-enum": [2, "always", ["feat", hostile]], hostile: [2, "always", hostile]}
    repository = Repository(tmp_path / "project")
    repository.commit("chore: base", files={".commitlintrc.json": json.dumps({"rules": rules})})
    for words in (["import"], ["import", "--output-format=json"], ["import", "--write"], ["policy"]):
        harmless_run(repository, *words)


def test_a_branch_is_named_in_what_init_writes(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "project", branch="`\u202e@pwn`<b>##x")
    repository.commit("chore: base", files={"a": "a"})
    for words in (["init", "--print"], ["init"], ["doctor"], ["status"]):
        harmless_run(repository, *words)
    assert "`` `\\u202e@pwn`<b>##x ``" in (repository.path / "SPEC_AUTHORITY.md").read_text("utf-8")


def test_what_is_long_is_cut(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "project")
    repository.commit("chore: base", files={"SPEC_AUTHORITY.md": authority('"p"', "x")})
    repository.branch("work")
    deep = b"bad/" + b"/".join([b"d" * 200] * 20)
    # A path of 4023 bytes: longer ones no working tree can hold.
    oid = repository.blob("pwn\n")
    repository.git("update-index", "--add", "--cacheinfo", b"100644,%s,%s" % (oid.encode(), deep))
    repository.commit("x" * 100_000, stage=False)
    outcome, pages = everything(repository, f"--pr-title={'t' * 100_000}", f"--branch={'b' * 10_000}")
    assert outcome.exit_code == 1, outcome
    for page in (pages["text"], pages["concise"], pages["summary"]):
        assert max(map(len, page.splitlines())) < 2500
    assert max(map(len, outcome.stdout.splitlines())) < 10_000
    found = json.loads(pages["json"])["findings"]
    assert [one["location"]["path"] for one in found if one["code"] == "PTH001"] == [deep.decode()]
    for words in (["check", f"--base={'x' * 50_000}"], ["check", f"--select={'x' * 50_000}"], ["x" * 50_000]):
        said = run_here(*words, directory=repository.path).stderr
        assert max(map(len, said.splitlines())) < 2500
