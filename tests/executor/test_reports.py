"""The brief that an agent reads, and the report that people read, of runs on real repositories."""

import shutil
from pathlib import Path

from specguard.executor.agent import brief_text, write_brief
from specguard.executor.commit import hash_tree
from specguard.executor.report import RunReport, command, fenced, write_report
from specguard.executor.run import Run
from specguard.runs.manifests import Judgement, PullRequest
from tests.executor.one_run import ran
from tests.executor.places import Setting, work
from tests.executor.test_gates import GATES, gate

DOCUMENTED = GATES.removesuffix("```\n") + gate("unit", "make test\nmake lint\n") + "```\n"
DOCUMENT = """# Cookies `and` *more*

## Scope

- `src/`

## Gates

- `pytest -q tests/cookies`
"""


def test_the_brief_says_what_to_do_and_what_not(tmp_path: Path) -> None:
    setting = Setting(tmp_path, {"SPEC_AUTHORITY.md": DOCUMENTED, "docs/phase-12.md": DOCUMENT})
    with setting.run(place=False) as run:
        run.manifest.branch = "phase-12"
        text = brief_text(run)
    assert text.startswith("# phase 12\n")
    for line in (
        "Do what `docs/phase-12.md` asks for; read it first. It is in this folder.",
        "- `locked/`: locked, by `SPEC_AUTHORITY.md:7`",
        "- `NEXT_PHASE.json`: it names the current item, and stays as it is",
        "- `docs/phase-{number}.md`: the documents of other items",
        "Change nothing but these paths, by `docs/phase-12.md:5`:",
        "- `src/`",
        "- Branch: `phase-12`",
        "- Commit: `feat(phase12): implement phase 12`",
        "- Pull request: `Phase 12`",
        "- `pytest` of `docs/phase-12.md:9`: `pytest -q tests/cookies`",
        "  make lint",
        "- You may be asked 3 times in all. The whole run may take 1m00s, gates included.",
        "- This folder may grow by 1 MiB, and of your output 64 MiB are kept; more of either ends the run.",
    ):
        assert line in text.split("\n"), f"{line}\n\n{text}"
    assert "locked-path" not in text
    assert "SPECGUARD_STOP.md" in text
    assert "Do not commit, push" in text
    assert "{{" not in text
    assert "\n\n\n" not in text


def test_an_item_without_a_document_has_a_brief_and_it_keeps_no_secrets(tmp_path: Path) -> None:
    """It is text for who reads it as it is."""
    with Setting(tmp_path).run(place=False) as run:
        run.manifest.branch = "phase-12"
        text = brief_text(run)
        assert "`NEXT_PHASE.json` names this item, and there is no further document of it." in text
        assert "No gates are named." in text
        assert "None" not in text
        run.options = type(run.options)(
            environment={**run.options.environment, "SHOP_TOKEN": "correct-horse-battery"},
            commands=("curl -H correct-horse-battery x", "ls scripts/*.sh | wc -l"),
        )
        del run.gates
        write_brief(run)
        text = Path(run.folder.file("brief.md")).read_text()
    assert "curl -H" in text
    assert "correct-horse-battery" not in text
    assert "`ls scripts/*.sh | wc -l`" in text
    assert "&#" not in text


def done(run: Run) -> None:
    """Have the agent change files, and the tree be judged."""
    work(run, "echo b = 2 >> src/a.py; echo n > 'src/n|w.py'; rm .gitignore")
    run.manifest.tree = hash_tree(run)


def test_the_report_lists_files_commands_and_what_fixed_failures(tmp_path: Path) -> None:
    with Setting(tmp_path).run() as run:
        done(run)
        run.manifest.attempts = 2
        run.manifest.commands = [
            ran(1, "agent --x", attempt=1, code=0, kind="agent"),
            ran(2, "make test", attempt=1, code=2),
            ran(3, "make lint", attempt=1, code=1),
            ran(4, "make test", attempt=2, code=0),
            ran(5, "make lint", attempt=2, code=1),
        ]
        run.folder.write(
            "check-1.json",
            '{"findings": [{"fingerprint": "' + "a" * 64 + '", "code": "PTH002", "name": "locked-path",'
            ' "message": "locked/a is <locked>"}]}',
        )
        run.manifest.judgements = [
            Judgement(
                attempt=number,
                tree=str(number) * 40,
                verdict=verdict,
                exit_code=code,
                findings=findings,
                report=f"check-{number}.json",
                policy_id="0" * 64,
            )
            for number, verdict, code, findings in ((1, "failed", 1, ["a" * 64]), (2, "passed", 0, []))
        ]
        run.manifest.pull_request = PullRequest(title="Phase 12", state="printed", command="gh pr create x")
        run.manifest.state = "succeeded"
        write_report(run, run.manifest)
        text = Path(run.folder.file("report.md")).read_text()
    for line in (
        "# Phase 12: succeeded",
        "| `.gitignore` | deleted |",
        "| `src/a.py` | modified |",
        "| <code>src/n&#124;w.py</code> | added |",
        "| 2 | `make test` | gate | 1 | exit code 2 | 1s |",
        "- `make test`: exit code 2 (round 1): the agent fixed it in round 2",
        "- `make lint`: exit code 1 (round 1): it fails still",
        "- `PTH002 locked-path`: locked/a is &#60;locked&#62; (round 1): the agent fixed it in round 2",
        "- Open the pull request: `gh pr create x`",
    ):
        assert line in text.split("\n"), f"{line}\n\n{text}"


def test_the_report_of_a_run_that_ended_early_says_why_and_what_to_do(tmp_path: Path) -> None:
    with Setting(tmp_path).run(place=False) as run:
        run.manifest.state = "failed"
        run.manifest.reason = "@everyone: <b>gone</b>"
        run.folder.write("error.json", '{"step": "gates", "suggestion": "make\\nit"}')
        write_report(run, run.manifest)
        text = RunReport(run.manifest, run.folder).text()
    assert text.startswith("# Phase 12: failed\n\n&#64;&#8203;everyone")
    assert "&#60;b&#62;gone&#60;/b&#62;.\n" in text
    assert "No files were judged." in text
    assert "No gate and no rule failed." not in text
    assert "No gate and no rule failed; the run itself did not get to its end." in text.split("\n")
    assert "- It ended in the step gates; next: " in text
    assert "make\nit" not in text


def test_a_place_that_is_gone_or_a_broken_file_does_not_keep_the_report_back(tmp_path: Path) -> None:
    with Setting(tmp_path).run() as run:
        done(run)
        shutil.rmtree(run.place.own_folder)
        run.folder.write("error.json", "[not json")
        run.folder.write("gates.json", '{"gates": [1, {"skipped": 2}]}')
        write_report(run, run.manifest)
        assert "## What remains" in RunReport(run.manifest, run.folder).text()


def test_nothing_in_a_block_ends_it() -> None:
    assert fenced("~~~~\nx\x1b[1m") == "~~~~~text\n~~~~\nx\\x1b[1m\n~~~~~"
    assert command("a `b`\n") == "`` a `b` ``"
