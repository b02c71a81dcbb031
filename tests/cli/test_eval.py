"""`specguard eval`: samples judged by the working tree's authority, compared, and kept as a run."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from specguard.evaluation import evaluation
from specguard.runs.manifests import Manifest
from specguard.testing import Outcome, Repository, run_here
from tests.executor.places import program
from tests.outcomes import data_of, ended
from tests.rows import rows

DATA = Path(__file__).parent / "data"
AUTHORITY = (DATA / "evaluated.md").read_text()
SAMPLES = (DATA / "samples.toml").read_text()
EXPECTED = 'expect = [{code = "PTH001", path = "gen/a"}, {code = "CNT001", path = "src/a.js", line = 2}]\n'


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """A sample with two things that the policy finds."""
    sample = Repository(tmp_path / "shop")
    sample.commit("first", files={"src/a.js": "let a\nconsole.log(a)\n", "gen/a": "x\n", "README.md": "x\n"})
    return sample


@pytest.fixture
def team(repository: Repository, shop: Repository) -> Repository:
    """A repository with a policy and the sample's expectation."""
    repository.commit(
        "chore: start",
        files={
            "SPEC_AUTHORITY.md": AUTHORITY,
            "docs/more.toml": "[rules.commit-message]\nconventional = true\n",
            "evaluation/samples.toml": SAMPLES.format(oid=shop.oid()),
            "evaluation/shop.expected.toml": EXPECTED,
        },
    )
    return repository


def manifest_of(done: Outcome) -> tuple[Manifest, dict[str, Any]]:
    """The manifest of the run that a text says it made, and what its evaluation holds."""
    place = folder_of(done)
    evaluation = json.loads((place / "evaluation.json").read_text())
    return Manifest.model_validate_json((place / "manifest.json").read_text()), evaluation


def folder_of(done: Outcome) -> Path:
    """The folder of the run that a text says it made."""
    return Path(done.stdout.rpartition("manifest: ")[2].strip()).parent


def test_a_sample_as_expected_is_kept_as_a_run(team: Repository, shop: Repository) -> None:
    program(shop.git_dir / "hooks" / "post-checkout", "touch ran")
    files = sorted(shop.path.rglob("*"))
    done = ended(run_here("eval", directory=team.path))
    assert sorted(shop.path.rglob("*")) == files  # nothing of it is written or run
    lines = done.stdout.splitlines()
    assert lines[0] == f"ok    shop 2026\\x0a1 at {shop.oid()[:12]}: 2 findings"
    assert lines[-1].startswith(f"manifest: {team.path}/.runs/eval-shop/")
    manifest, evaluation = manifest_of(done)
    assert (manifest.state, manifest.item.kind, manifest.item.id) == ("succeeded", "eval", "shop")
    assert (manifest.repository.base, manifest.repository.base_oid) == ("main", team.oid())
    assert set(manifest.policy.documents) == {"SPEC_AUTHORITY.md", "docs/more.toml"}
    [judged] = manifest.judgements
    assert (judged.report, judged.exit_code, len(judged.findings)) == ("samples/shop/report.json", 1, 2)
    assert set(manifest.digests) >= {"evaluation.json", "samples/shop/report.json", "run.log"}
    [sample] = evaluation["samples"]
    declared = {"version": "2026\n1", "source": "https://example.org/shop.git", "refresh_by": "2027-01-31"}
    assert sample.items() >= {**declared, "object_id": shop.oid(), "state": "as-expected"}.items()
    listed = run_here("run", "list", directory=team.path)
    assert "eval shop" in listed.stdout
    assert run_here("run", "doctor", directory=team.path).exit_code == 0


def test_what_differs_is_told_both_ways(team: Repository) -> None:
    data = data_of(team, "eval")
    assert (data["schema"], data["samples"][0]["name"]) == ("specguard.evaluation/1", "shop")
    team.write("evaluation/shop.expected.toml", 'expect = ["PTH001", {code = "PTH001", path = "gen/b"}]\n')
    done = ended(run_here("eval", "shop", directory=team.path), 1)
    for said in (
        "FAIL  shop 2026\\x0a1",
        "        expected  PTH001 gen/b\n",
        "        found     CNT001 src/a.js:2: ",
    ):
        assert said in done.stdout
    manifest, evaluation = manifest_of(done)
    assert (manifest.state, manifest.reason) == ("failed", "not as expected: shop")
    assert json.loads(folder_of(done).joinpath("error.json").read_text())["exit_code"] == 1
    assert evaluation["samples"][0]["missing"] == ["PTH001 gen/b"]
    report = run_here("run", "report", manifest.run_id, directory=team.path).stdout
    assert "## Differences from what is expected\n\n- `shop`: expected PTH001 gen/b\n" in report
    # A policy that changed is seen before it is committed.
    team.write("SPEC_AUTHORITY.md", AUTHORITY.replace("gen/", "generated/"))
    team.write("evaluation/shop.expected.toml", EXPECTED)
    assert "expected  PTH001 gen/a" in ended(run_here("eval", directory=team.path), 1).stdout


def test_the_declared_commit_is_judged_and_an_old_one_is_a_warning(
    team: Repository, shop: Repository
) -> None:
    declared = shop.oid()
    shop.commit("second", files={"gen/a": "y\n", "gen/b": "y\n"})
    text = SAMPLES.format(oid=declared).replace("2027-01-31", "2020-01-31")
    team.write("evaluation/samples.toml", text)
    done = ended(run_here("eval", directory=team.path))
    assert f"ok    shop 2026\\x0a1 at {declared[:12]}: 2 findings" in done.stdout
    assert "        warning   it was to be refreshed by 2020-01-31, " in done.stdout
    manifest, _ = manifest_of(done)
    assert manifest.notes[0].startswith("shop: it was to be refreshed by 2020-01-31")


def test_update_stores_what_is_found(team: Repository) -> None:
    team.delete("evaluation/shop.expected.toml")
    done = ended(run_here("eval", directory=team.path), 2)
    assert "error shop" in done.stdout
    assert "shop.expected.toml (`specguard eval --update shop` stores" in done.stdout
    done = ended(run_here("eval", "--update", directory=team.path))
    assert "2 findings, stored as what is expected" in done.stdout
    assert b'code = "CNT001", path = "src/a.js", line = 2' in team.read("evaluation/shop.expected.toml")
    assert run_here("eval", directory=team.path).exit_code == 0


def test_update_stores_nothing_in_a_file_that_is_somebodys_own(
    team: Repository, shop: Repository, tmp_path: Path
) -> None:
    contents = {"notes.md": "precious\n", "empty.toml": "", "keys": "a = 1\n"}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    keys = ("keys", "1: it has another key than `expect`: 'a' (correct it, or take it away")
    for name, said in (("notes.md", "1"), ("empty.toml", ""), ("folder", ""), keys):
        team.write("evaluation/samples.toml", f'{SAMPLES.format(oid=shop.oid())}expected = "../../{name}"\n')
        done = ended(run_here("eval", "--update", directory=team.path), 2)
        assert f"cannot be evaluated: {tmp_path / name}:{said}" in done.stdout, done
    assert {name: (tmp_path / name).read_text() for name in contents} == contents
    assert sorted(tmp_path.iterdir()) == before


def test_a_repository_that_is_not_declared_a_bare_one_and_a_bundle(
    team: Repository, shop: Repository, tmp_path: Path
) -> None:
    shop.clone(tmp_path / "bare.git", bare=True)
    shop.git("bundle", "create", "-q", str(tmp_path / "all.bundle"), "--all")
    for name, stem in (("bare.git", "bare"), ("all.bundle", "all")):
        team.write(f"evaluation/{stem}.expected.toml", EXPECTED)
        done = ended(run_here("eval", str(tmp_path / name), directory=team.path))
        assert f"ok    {stem} at {shop.oid()[:12]}: 2 findings" in done.stdout
    sample = Repository(tmp_path / "wide", object_format="sha256")
    oid = sample.commit("first", files={"gen/a": "x\n", "src/a.js": "\nconsole.log\n"})
    team.write("evaluation/wide.expected.toml", EXPECTED)
    done = ended(run_here("eval", str(sample.path), directory=team.path))
    assert manifest_of(done)[1]["samples"][0]["object_id"] == oid
    done = ended(run_here("eval", str(tmp_path / "bare.git"), "shop", directory=team.path))
    assert "/eval-several/" in done.stdout


def test_commands_of_assets_run_in_a_checkout_of_the_sample(team: Repository, shop: Repository) -> None:
    team.write("patterns/emit.sh", "sed -i s/a/b/ src/a.js\necho done\n")
    commands = (
        '[[commands]]\nname = "emit"\nrun = "test $SPECGUARD_RUN && sh $SPECGUARD_TOP/patterns/emit.sh"\n'
        '[[commands]]\nname = "test"\nrun = "exit 3"\nexit_code = 3\n'
    )
    team.write("evaluation/samples.toml", SAMPLES.format(oid=shop.oid()) + commands)
    manifest, evaluation = manifest_of(ended(run_here("eval", directory=team.path)))
    found = [(one.name, one.exit_code, one.grade) for one in manifest.commands]
    assert found == [("emit shop", 0, "re-run"), ("test shop", 3, "re-run")]
    assert evaluation["samples"][0]["commands"][0]["changed"] == ["src/a.js"]
    assert manifest.commands[0].log in manifest.digests
    assert data_of(team, "run", "metrics")["gates"] == {}
    assert shop.read("src/a.js") == b"let a\nconsole.log(a)\n"
    team.write("patterns/emit.sh", "exit 1\n")
    done = ended(run_here("eval", directory=team.path), 1)
    assert "but       emit: exit code 1, expected 0 (commands/01-emit-shop.log)" in done.stdout
    # Whoever ends it ends it, and not only a sample.
    team.write("patterns/emit.sh", "kill -TERM $(ps -o ppid= -p $PPID)\nexec sleep 99\n")
    done = ended(run_here("eval", directory=team.path), 2)
    assert "the evaluation ended early: specguard was ended by SIGTERM [killed]" in done.stderr
    ends = {json.loads(one.read_text())["state"]: one for one in team.path.glob(".runs/*/*/error.json")}
    report = run_here("run", "report", ends["killed"].parent.name, directory=team.path)
    assert "so there may be more" in report.stdout


def test_an_error_of_specguards_own_is_recorded_and_shown(
    team: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its next step says prints where it came from, of any kind of run."""
    monkeypatch.setattr(evaluation, "open_snapshot", None)
    monkeypatch.setattr("sys.argv", ["specguard", "--traceback", "eval"])
    done = ended(run_here("--traceback", "eval", directory=team.path), 2)
    assert "the evaluation ended early: internal error: TypeError: " in done.stderr
    assert 'evaluation.py", line ' in done.stderr
    [error] = team.path.glob(".runs/*/*/error.json")
    assert json.loads(error.read_text())["error"] == "internal-error"
    assert "so there may be more" in run_here("run", "report", directory=team.path).stdout
    again = ended(run_here("run", "resume", error.parent.name, directory=team.path), 2)
    assert "next: start another run" in again.stderr


def test_what_is_not_declared_as_samples_is_an_error_with_its_line(team: Repository) -> None:
    for row in rows(__file__, "no_samples"):
        team.write("evaluation/samples.toml", row["content"])
        done = ended(run_here("eval", *row.get("paths", ()), directory=team.path), 2)
        assert row["said"] in done.stderr, done
        missing = re.findall("there is no sample '(.*)'", done.stderr)
        assert missing == sorted(missing)
    assert not (team.path / ".runs").exists()


def test_what_cannot_be_read_is_unknown_and_the_others_are_judged(team: Repository, shop: Repository) -> None:
    (team.path.parent / "no.bundle").write_bytes(b"nothing")
    shop.git("bundle", "create", "-q", str(team.path.parent / "main.bundle"), "main")
    more = (DATA / "unread_samples.toml").read_text()
    team.write("evaluation/samples.toml", more + SAMPLES.format(oid=shop.oid()))
    done = ended(run_here("eval", directory=team.path), 2)
    assert "-C DIRECTORY" not in done.stdout
    for said in (
        "error no: 0 findings\n",
        "the sample no cannot be read: git clone",
        "error none",
        f"main.bundle: object {'1' * 40} cannot be read: it is not in the object store (name",
        "(name a repository or a bundle with this commit: `git bundle create FILE HEAD main`)",
        "ok    shop",
    ):
        assert said in done.stdout
    assert manifest_of(done)[0].reason == "not known: no, none, main, older"
    assert "there is no sample 'shpo'" in run_here("eval", "shpo", directory=team.path).stderr
    # One that cannot be judged whole is not as expected.
    oid = shop.git("rev-parse", "HEAD:src/a.js").strip()
    (shop.git_dir / "objects" / oid[:2] / oid[2:]).unlink()
    team.write("evaluation/shop.expected.toml", 'expect = [{code = "PTH001", path = "gen/a"}]\n')
    done = ended(run_here("eval", "shop", directory=team.path), 2)
    assert "error shop" in done.stdout
    assert "cannot be evaluated: no verdict: " in done.stdout
    assert manifest_of(done)[0].state == "failed"


def test_a_hostile_sample_runs_nothing_and_brings_no_policy(team: Repository, tmp_path: Path) -> None:
    sample = Repository(tmp_path / "hostile")
    sample.commit(
        "first",
        files={
            "SPEC_AUTHORITY.md/inner": "a folder where the policy stands",
            "specguard.toml": '[rules.forbidden-path]\nexclude = ["**"]\n',
            ".gitattributes": "* filter=x diff=x\n",
            "gen/a": "x\n",
        },
    )
    ran = tmp_path / "ran"
    with (sample.git_dir / "config").open("a") as config:
        config.write(
            f'[core]\n\tfsmonitor = "touch {ran}"\n\thooksPath = {tmp_path}\n'
            f'[filter "x"]\n\tsmudge = touch {ran}\n\tclean = touch {ran}\n'
        )
    team.write("evaluation/samples.toml", '[[commands]]\nname = "list"\nrun = "ls"\n')
    team.write("evaluation/hostile.expected.toml", 'expect = [{code = "PTH001", path = "gen/a"}]\n')
    done = run_here("eval", str(sample.path), directory=team.path)
    # The sample's own settings are no part of the policy, and no change of it.
    assert done.exit_code == 0, done
    assert not ran.exists()
