"""`specguard audit` judges each change of a history as a check of it would have, and judges it once."""

import csv
import io
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import distributed
import pytest

from specguard.audit.audit import AuditOptions, _open_pool
from specguard.audit.judging import PastGit, past_changes
from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.testing import Outcome, Repository, Step, run_here
from specguard.testing.repository import clean_environment
from tests.changes import loose
from tests.outcomes import ended
from tests.rows import recorded
from tests.rules.approvals.setting import BOB, POLICY, SIGNED, build
from tests.taking import noted_processes

# What is made once for all of them is made once.
pytestmark = pytest.mark.xdist_group("audit")

AUTHORITY = """# Authority

```toml specguard
base = "main"
[rules.locked-path]
paths = ["locked/"{more}]
```
"""
DAY = 86400
BEGIN = 1_767_600_000  # 2026-01-05


def history(path: Path) -> Repository:
    """A history with merges, a side branch that forks, and an authority that changes and breaks."""
    made = Repository(path)
    made.commit("chore: begin", files={"a": "a\n", "locked/a": "a\n"}, date=BEGIN)
    made.commit("feat: before there is an authority", files={"b": "b\n"}, date=BEGIN)
    made.commit(
        "docs: authority", files={"SPEC_AUTHORITY.md": AUTHORITY.format(more="")}, date=BEGIN + 2 * DAY
    )
    made.commit("fix: locked", files={"locked/a": "b\n"}, date=BEGIN + 2 * DAY)
    made.branch("feature-x")
    made.commit("feat: one", files={"x": "1\n"})
    made.commit("what is this", files={"x": "2\n", "locked/x": "x\n"})
    made.branch("inner")
    made.commit("feat: inner", files={"y": "1\n"})
    made.checkout("feature-x")
    made.commit("feat: outer", files={"z": "1\n"})
    made.merge("inner", message="Merge branch 'inner' into feature-x")
    made.checkout("main")
    made.merge("feature-x", message="Merge pull request #7 from ann/feature-x\n\nA title\n")
    made.commit(
        "docs: broken", files={"SPEC_AUTHORITY.md": AUTHORITY.format(more=", 3")}, date=BEGIN + 40 * DAY
    )
    made.commit("feat: under it", files={"c": "c\n"}, date=BEGIN + 40 * DAY)
    made.commit("docs: mended", files={"SPEC_AUTHORITY.md": AUTHORITY.format(more=', "LICENSE"')})
    made.commit("feat: licence", files={"LICENSE": "x\n"}, date=BEGIN + 70 * DAY)
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return history(tmp_path_factory.mktemp("history") / "team")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where an audit keeps what it found."""
    return tmp_path / "s.sqlite"


@pytest.fixture
def own(made: Repository, tmp_path: Path) -> Repository:
    """A copy of the history, to go on with."""
    return Repository(Path(shutil.copytree(made.path, tmp_path / "own")))


def adopted(folder: Path, old: str = "", new: str = "", **files: str | bytes) -> Repository:
    """A repository whose first commit brings an authority, with a text in it replaced, and files."""
    made = Repository(folder / "own")
    text = AUTHORITY.format(more="").replace(old, new)
    made.commit("docs: authority", files={"SPEC_AUTHORITY.md": text, **files})
    return made


def audited(store: Path, *words: object, **more: Any) -> Outcome:
    return run_here("audit", *map(str, words), "--store", str(store), directory=store.parent, **more)


def refused(store: Path, *words: object) -> str:
    """What is said of an audit that cannot be made."""
    return ended(audited(store, *words), 2).stderr


def told(store: Path, *words: object, **more: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(ended(audited(store, *words, "--output-format", "json", **more)).stdout)
    return data


def rows(store: Path) -> list[tuple[Any, ...]]:
    """What a store keeps, whatever ids it gave."""
    with closing(sqlite3.connect(store)) as connection:
        changes = connection.execute(
            "SELECT repository.name, branch, base, head, judged_by, policy, floor, version, at, merged,"
            " subject, verdict, reason, (SELECT states FROM outcome WHERE outcome.id = change.outcome),"
            " (SELECT group_concat(data, '|') FROM"
            " (SELECT data FROM finding WHERE change = change.id ORDER BY position))"
            " FROM change JOIN repository ON repository.id = repository ORDER BY 1, 2, 3, 4, 5, 6"
        )
        return changes.fetchall()


def checked(made: Repository, change: dict[str, Any], *words: str) -> dict[str, Any]:
    """The report of a check of an audited change in CI, where steps do not name the branch of a reader."""
    asked = ["--range", f"{change['base']}..{change['head']}"] if change["base"] else ["--root"]
    if not change["base"]:
        asked += ["--head", change["head"]]
    if change["merged"]:
        asked += ["--branch", change["merged"]]
    asked += ["--today", datetime.fromtimestamp(change["at"], UTC).date().isoformat(), *words]
    return run_here("check", *asked, "--output-format=json", directory=made.path, env={"CI": "1"}).report


def test_each_change_is_judged_as_a_check_of_it(made: Repository, store: Path) -> None:
    judged = told(store, made.path)["judged"]
    times = {one["head"]: -one["at"] for one in judged}
    # Those of one second are in the order of the history.
    assert [*times] == sorted(made.git("rev-list", "--first-parent", "main").split(), key=times.__getitem__)
    assert {one["verdict"] for one in judged} == {"passed", "failed", "no-authority", "error"}
    for change in judged:
        report = checked(made, change)
        if change["verdict"] in ("no-authority", "error"):
            kind = "no-authority" if change["verdict"] == "no-authority" else "broken-authority"
            assert (report["verdict"], report["errors"][0]["code"]) == ("error", kind)
            continue
        states = {one["code"]: one["state"] for one in report["rules"] if one["state"] != "off"}
        expected = [change[key] for key in ("verdict", "findings", "states")]
        assert [report["verdict"], report["findings"], states] == expected
    [merge] = [one for one in judged if one["merged"]]
    assert merge["merged"] == "feature-x"
    assert {found["code"] for found in merge["findings"]} >= {"PTH002"}


def test_a_second_audit_judges_only_what_is_new(own: Repository, store: Path) -> None:
    count = len(told(store, own.path)["judged"])
    assert not any(one["new"] for one in told(store, own.path)["judged"])
    assert audited(store, own.path, own.path / "locked").stderr.count(" new") == 1, "it is one repository"
    own.commit("feat: more", files={"locked/b": "b\n"})
    judged = told(store, own.path)["judged"]
    assert len(judged) == count + 1
    assert [one["subject"] for one in judged if one["new"]] == ["feat: more"]
    assert audited(store, own.path, "--fail-on", "new").exit_code == 0, "it was judged by the audit before"
    for subject, name, code in (("fix: x", "SPEC_AUTHORITY.md", 1), ("fix: y", "locked/b", 2)):
        own.commit(subject, files={name: "```toml specguard\n=\n```\n"})
        assert audited(store, own.path, "--fail-on", "new").exit_code == code


def test_what_fails_an_audit(made: Repository, store: Path) -> None:
    for word, code in (("new", 1), ("PTH", 1), ("locked-path, pth001", 1), ("PTH001", 0)):
        assert audited(store, made.path, "--fail-on", word).exit_code == code
    assert "there is no rule, family or name 'PTH999'" in refused(store, made.path, "--fail-on", "PTH999")
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("UPDATE change SET version = 'specguard 0.0.1'")
        assert audited(store, made.path, "--fail-on", "new").exit_code == 0, "no later version makes any new"
        assert connection.execute("SELECT count(*) FROM change WHERE NOT seen").fetchone() == (0,)


def test_many_changes_take_no_more_processes(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = noted_processes(monkeypatch)

    def taken(number: int) -> int:
        made = Repository(store.with_name(str(number)))
        changes = [Step(message="feat: x", files={"f": str(at)}) for at in range(number)]
        made.add_commits([Step("docs: x", files={"SPEC_AUTHORITY.md": AUTHORITY.format(more="")}), *changes])
        processes.clear()
        assert len(told(store, made.path)["judged"]) == number + 1
        return len(processes)

    assert taken(12) == taken(30)


def test_workers_find_the_same_rows(made: Repository, tmp_path: Path) -> None:
    assert audited(tmp_path / "one.sqlite", made.path).exit_code == 0
    two = started(tmp_path / "two.sqlite", made.path, "--jobs", 2)
    assert (two.communicate()[1], two.returncode)[1] == 0
    assert rows(tmp_path / "one.sqlite") == rows(tmp_path / "two.sqlite")


def test_the_authority_of_today_or_of_a_file_on_the_past(made: Repository, store: Path) -> None:
    now = told(store, made.path, "--by", "now")
    assert now["verdicts"].keys() == {"failed", "passed"}, "there is an authority from the first change on"
    (file := store.with_name("thought-of.md")).write_text(AUTHORITY.format(more=', "c"'))
    by_file = told(store, made.path, "--by", str(file))
    assert not [row for row in by_file["rules"] if row["code"].startswith("CFG")], "no change is to blame"
    assert [row["path"] for row in by_file["paths"] if row["path"] == "c"]
    assert told(store, made.path)["verdicts"] != by_file["verdicts"], "each is kept by itself"
    file.write_text(AUTHORITY.format(more=""))
    assert not [row for row in told(store, made.path, "--by", str(file))["paths"] if row["path"] == "c"]


def test_the_first_authority_is_not_held_to_its_own_lock(store: Path, tmp_path: Path) -> None:
    made = Repository(tmp_path / "shop")
    text = "# A\n\n## Locked zones\n\n- `SPEC_AUTHORITY.md`\n"
    files = ({"a": "a\n"}, {"SPEC_AUTHORITY.md": text}, {"SPEC_AUTHORITY.md": f"{text}- `a`\n"})
    made.add_commits([Step("docs: state it", files=one) for one in files])
    verdicts = [one["verdict"] for one in told(store, made.path, "--by", "now")["judged"]]
    # The newest change alters the authority, and the oldest adds `a`.
    assert verdicts == ["failed", "passed", "failed"]


def test_what_is_not_committed_says_nothing_of_the_past(
    made: Repository, own: Repository, tmp_path: Path
) -> None:
    """An approval that lies in the working tree, a branch of today and a folder of runs."""
    bare = made.clone(tmp_path / "bare.git", bare=True)
    own.write(".specguard/approvals/x.json", "{}\n")
    own.write(".runs/x", "x\n")
    own.write("locked/a", "not committed\n")
    own.git("branch", "phase-2")
    one, other = (told(tmp_path / f"{name.name}.sqlite", name)["judged"] for name in (own.path, bare.path))
    for change in (*one, *other):
        change.pop("repository")
    assert one == other


@pytest.mark.parametrize("date", ["-86400 +0000", "253402300800 +0000"])
def test_an_odd_date_stops_nothing(store: Path, tmp_path: Path, date: str) -> None:
    made = adopted(tmp_path)
    raw = made.git("cat-file", "commit", "HEAD")
    head, _, rest = raw.partition("\ncommitter ")
    person, _, message = rest.partition("\n")
    odd = f"{head}\ncommitter {person.rpartition('>')[0]}> {date}\n{message}\n"
    oid = made.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=odd.encode())
    made.git("update-ref", "HEAD", oid)
    made.commit("feat: more", files={"locked/a": "a\n"})
    assert told(store, made.path)["verdicts"] == {"failed": 1, "passed": 1}


def test_an_authority_that_is_mended_judges_again(store: Path, tmp_path: Path) -> None:
    """A further document that was broken for a while says nothing of later changes."""
    text = 'base = "main"\ndocuments = ["extra.md"]'
    made = adopted(tmp_path, 'base = "main"', text, **{"extra.md": "# Extra\n"})
    made.commit("docs: broken", files={"extra.md": "```toml specguard\n]\n```\n"})
    made.commit("docs: mended", files={"extra.md": "# Extra\n\nMore.\n"})
    made.commit("feat: more", files={"locked/a": "a\n"})
    assert [one["verdict"] for one in told(store, made.path)["judged"]][:2] == ["failed", "error"]
    made.commit("chore: broken", files={".specguard/baseline.json": "]"})
    made.commit("feat: last", files={"d": "d\n"})
    assert told(store, made.path, "--by", "now")["verdicts"]["error"] == 1


def test_an_address_is_mirrored_and_its_branch_followed(own: Repository, store: Path, tmp_path: Path) -> None:
    words = [f"file://{own.path}", "--mirrors", tmp_path / "mirrors"]
    count = told(store, *words)["changes"]
    own.git("branch", "-m", "main", "main/line")
    own.commit("feat: more", files={"d": "d\n"})
    data = told(store, *words)
    assert (data["changes"], {one["branch"] for one in data["judged"]}) == (count + 1, {"main/line"})
    assert [one["name"] for one in data["repositories"]] == [f"file://{own.path}"]
    assert "feat: more" in {one["subject"] for one in data["judged"] if one["new"]}
    [mirror] = (tmp_path / "mirrors").glob("*.git")
    (mirror / "refs/heads/main/line.lock").touch()
    # What git says in several lines is told without escapes.
    assert f"next: rm -rf {mirror}" in audited(store, *words).stderr.partition(r"\x0a")[0]
    mirror.symlink_to(shutil.move(mirror, tmp_path / "victim"))
    assert "it is a link" in audited(store, *words).stderr
    assert "cannot be reached" in refused(store, f"file://{tmp_path}/gone", *words[1:])


def test_a_part_of_a_history(made: Repository, store: Path) -> None:
    late = sum(one["at"] >= 1_771_027_200 for one in told(store, made.path)["judged"])
    for words, count in (
        (["--last", "3"], 3),
        (["--since", "2026-02-14"], late),
        (["--range", "main~2..."], 2),
        (["--branch", "feature-x", "--last", "2"], 2),
    ):
        assert told(store, made.path, *words)["changes"] == count, words


def test_a_wrong_word_is_one_message(made: Repository, store: Path) -> None:
    for words, message in (
        (["--since", "soon"], "'soon' is not a day"),
        (["--range", "main"], "'main' is not a range"),
        (["--range", "main~2..feature-x"], "'feature-x' is not on the first-parent line of main"),
        (["--fail-on", ""], "it is empty"),
        (["--branch", "nowhere"], "nowhere"),
        (["--by", "missing.md"], "the authority cannot be read"),
        (["--last", "0"], "--last"),
        (["--jobs", "2", "--scheduler", "tcp://127.0.0.1:9"], "--jobs does not go with --scheduler"),
    ):
        assert refused(store, made.path, *words).count(message) == 1


def test_it_says_when_nothing_was_judged_and_how_much_more(
    repository: Repository, made: Repository, store: Path
) -> None:
    repository.commit("feat: all", files={f"locked/{number}": "x\n" for number in range(30)})
    by = store.with_name("by.md")
    by.write_text("# Authority\n\n## Locked zones\n\n- `locked/`\n")
    done = ended(audited(store, repository.path), 2)
    assert "(-); 1 change of 1 repository, 1 without an authority\n" in done.stdout
    step = "next: --by SPEC_AUTHORITY.md judges by that file; {} writes it\n"
    assert step.format("specguard init") in done.stderr
    now = ended(audited(store, repository.path, "--by", "now"), 2).stderr
    assert f"no authority in main, at commit {repository.git('rev-parse', 'HEAD')[:12]}" in now
    assert step.format("`specguard init`") in now
    both = [repository.path, made.path, "--by", "now", "--fail-on", "new"]
    assert [audited(store, *both).exit_code for _ in range(2)] == [1, 0], "as with --by then"
    assert "No change was judged" in audited(store, repository.path, "--output-format=html").stdout
    assert "  and 10 more\n" in audited(store, repository.path, "--by", by).stdout


def test_an_empty_list_of_repositories_is_no_verdict(made: Repository, store: Path) -> None:
    assert "no repository is named" in refused(store, "--repos", "/dev/null")


def test_a_floor_holds_every_policy_of_the_past(made: Repository, store: Path, tmp_path: Path) -> None:
    floor = tmp_path / "floor.md"
    floor.write_text('# Floor\n\n```toml specguard\n[rules.locked-path]\npaths = ["c"]\n```\n')
    plain = told(store, made.path)
    held = told(store, made.path, "--floor", floor, "--by", "now")
    assert [row["path"] for row in held["paths"] if row["path"] == "c"]
    assert not [row for row in plain["paths"] if row["path"] == "c"]
    env = {"SPECGUARD_FLOOR": str(floor)}
    assert "nothing new" in audited(store, made.path, "--by", "now", env=env).stderr, "it is the same floor"
    merge = next(one for one in told(store, made.path, "--floor", floor)["judged"] if one["merged"])
    assert checked(made, merge, "--floor", str(floor))["findings"] == merge["findings"]
    assert held["repositories"][0]["state"]["locked"] > plain["repositories"][0]["state"]["locked"]
    wrong = "--floor", floor, "--floor-sha256", "0" * 64
    assert "not the floor that is pinned" in refused(store, made.path, *wrong)


def test_a_broken_file_to_judge_by_is_told_once(made: Repository, own: Repository, store: Path) -> None:
    file = store.with_name("thought-of.md")
    file.write_text(AUTHORITY.format(more=", 3"))
    said = refused(store, made.path, own.path, "--by", file)
    assert said.count("must be a string") == 1
    assert f"{file}:6" in said


def test_repositories_that_cannot_be_read_do_not_stop_the_others(
    made: Repository, store: Path, tmp_path: Path
) -> None:
    Repository(tmp_path / "empty")
    made.clone(tmp_path / "shallow", depth=2)
    (tmp_path / "plain").mkdir()
    lines = ["# the team's", "", str(made.path), "gone", "empty", "shallow", "plain", ""]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    data = told(store, "--repos", "list.txt")
    reasons = {Path(one["name"]).name: one["state"].get("reason") for one in data["repositories"]}
    assert [name for name, reason in reasons.items() if not reason] == ["team"]
    assert f"git -C {tmp_path}/shallow fetch --unshallow" in audited(store, tmp_path / "shallow").stderr
    refused(store, tmp_path / "empty")


def test_what_a_copy_lacks_is_told_and_judged_later(
    made: Repository, own: Repository, store: Path, tmp_path: Path
) -> None:
    blob = made.git("rev-parse", "main~4:SPEC_AUTHORITY.md")
    told(store, own.path, "--range", "main~5..main~4")
    there = loose(own, blob)
    there.rename(tmp_path / "away")
    data = json.loads(audited(store, own.path, "--output-format", "json").stdout)
    assert blob in data["repositories"][0]["state"]["reason"]
    assert blob in refused(tmp_path / "one", own.path, "--range", "main~4..main~3")
    whole = len(told(tmp_path / "whole.sqlite", made.path)["judged"])
    assert 0 < data["changes"] < whole, "what was not there says nothing of a change"
    assert refused(store, own.path, "--fail-on", "new").count("could not be judged") == 1, "of two slices"
    (tmp_path / "away").rename(there)
    data = told(store, own.path)
    assert "reason" not in data["repositories"][0]["state"]
    assert data["changes"] == whole


def test_a_line_of_a_list_is_never_an_option(store: Path, tmp_path: Path) -> None:
    Repository(tmp_path / "empty")
    lines = [*recorded(__file__, "lines"), (f"file://{tmp_path}/empty", "There is nothing to audit yet")]
    for line, message in lines:
        (tmp_path / "list.txt").write_text(f"\n{line}\n")
        assert message in refused(store, "--repos", "list.txt")


def test_a_plugin_is_imported_only_where_the_caller_names_it(store: Path, tmp_path: Path) -> None:
    made = adopted(tmp_path, 'base = "main"', 'base = "main"\nplugins = ["evil"]')
    made.commit("feat: more", files={"a": "a\n"})
    done = audited(store, made.path, "--output-format", "json")
    assert {one["verdict"] for one in json.loads(done.stdout)["judged"]} == {"error"}
    assert "if you trust the plugin 'evil', add --plugin evil: " in done.stdout
    assert done.exit_code == 2, "nothing could be judged"


def test_a_root_that_adopts_lends_later_changes_nothing(store: Path, tmp_path: Path) -> None:
    """The first change is judged by the authority that it brings; the next by the same one, as the base's."""
    made = adopted(tmp_path, **{"locked/a": "a\n"})
    made.commit("fix: locked", files={"locked/a": "b\n", ".specguard-baseline.json": "{}\n"})
    judged = told(store, made.path)["judged"]
    assert checked(made, judged[0])["findings"] == judged[0]["findings"]


def test_a_first_authority_is_no_change_of_the_file_that_judges(store: Path, tmp_path: Path) -> None:
    made = adopted(tmp_path)
    by = store.with_name("by.md")
    by.write_text(made.read("SPEC_AUTHORITY.md").decode() + "\n## Locked zones\n\n- `SPEC_AUTHORITY.md`\n")
    assert [one["findings"] for one in told(store, made.path, "--by", by)["judged"]] == [[]]


def test_an_approver_who_was_accepted_as_the_first_one_has_no_approval(store: Path, tmp_path: Path) -> None:
    made = adopted(tmp_path)
    approver = '[[approvals.approver]]\nname = "ann"\nlogins = ["ann"]\nmay = ["PTH004"]\n```\n'
    made.commit("docs: an approver", files={"SPEC_AUTHORITY.md": AUTHORITY.format(more="")[:-4] + approver})
    data = told(store, made.path, "--last", 1)
    assert (data["verdicts"], data["approvals"], data["rules"][0]["changes"]) == ({"accepted": 1}, [], 1)


def test_all_approvals_for_the_audited_branch_count(store: Path, tmp_path: Path) -> None:
    made = build(tmp_path, SIGNED, BOB, policy=POLICY.replace("max_days = 30", 'two_persons = ["PTH002"]'))
    made.checkout("main")
    made.merge("work")
    # An approval of today is for a merge of today.
    today = {"GIT_COMMITTER_DATE": f"@{time.time():.0f}"}
    made.git("commit", "-q", "--amend", "-C", "HEAD", environment=today)
    made.git("update-ref", "refs/remotes/origin/main", "main")
    data = told(store, "--last", "1", made.path)
    assert (data["verdicts"], len(data["approvals"])) == ({"accepted": 1}, 2)


def test_a_protected_branch_that_is_merged_is_no_commit_on_it(store: Path, tmp_path: Path) -> None:
    made = adopted(tmp_path, "[rules", 'rules.protected-branch.branches = ["release/*"]\n[rules')
    made.branch("release/1")
    made.commit("fix: mend", files={"a": "a\n"})
    made.checkout("main")
    made.merge("release/1", message="Merge branch 'release/1'")
    assert told(store, made.path)["judged"][0]["states"]["BRN004"] == "not-applicable"


def test_answers_in_each_form(made: Repository, store: Path, tmp_path: Path) -> None:
    assert "locked/a" in audited(store, made.path).stdout
    table = list(csv.DictReader(io.StringIO(audited(store, made.path, "--output-format", "csv").stdout)))
    assert {row["code"] for row in table if row["path"] == "locked/a"} == {"PTH002"}
    assert "| PTH002 |" in audited(store, made.path, "--output-format", "markdown").stdout
    file = tmp_path / "a.html"
    assert audited(store, made.path, "--output-format", "html", "--output-file", file).stdout == ""
    assert (page := file.read_text()).count("<svg") == 3
    assert "http" not in page.replace("http-equiv", "")
    assert all(one in page for one in ('href="#of-PTH002"', 'id="of-PTH002"'))
    # A pipe stands for a device, which root could replace.
    os.mkfifo(pipe := tmp_path / "pipe")
    assert "it is not a regular file" in refused(store, made.path, "--output-file", pipe)


def test_nothing_of_a_history_is_obeyed(store: Path, tmp_path: Path) -> None:
    made = adopted(tmp_path, **{"locked/a": "a\n"})
    made.commit(b"=cmd|' \x1b[31m<script>\xff", files={b"locked/<img src=x>\x1b\xfe": "a\n"})
    for form in ("text", "csv", "markdown", "html", "json"):
        said = audited(store, made.path, "--output-format", form).stdout
        assert "\x1b" not in said
        if form == "html":
            assert "<img" not in said
            assert "<script" not in said
        if form == "csv":
            assert all(not cell.startswith("=") for row in csv.reader(io.StringIO(said)) for cell in row)


@pytest.mark.parametrize("asked", ["123456", "26", "654321"])
def test_names_of_files_follow_from_earlier_changes(tmp_path: Path, asked: str) -> None:
    made = Repository(tmp_path / "own")
    steps = [
        Step(files={"a": "a\n", "c/d/e": "e\n"}),
        Step(files={"b": "b\n", "a-": "x\n", "c.d": "x\n"}),
        Step("feat: as it was", delete=["b", "a-", "c.d"]),
        Step("feat: a folder", delete=["a"], files={"a/b": "b\n", "a0": "\n"}),
        Step("feat: a file", delete=["c/d/e"], files={b"c/d": "d\n", b"\xff": "b\n"}),
        Step("feat: a link", delete=["a0"], symlinks={"a0": "a"}, rename={"a/b": "a/c"}),
        Step("chore: nothing"),
    ]
    made.add_commits(steps)
    with Git(Located.locate(str(made.path), os.environ)) as git:
        changes = past_changes(git, made.oid("main"))[-2::-1]
        trees = [git.commit(change.head).tree for change in changes]
        with PastGit(git.repository, changes) as past:
            for number in map(int, asked):
                tree = trees[number - 1]
                expected = git.list_tree(tree, "the list of files", "--name-only")
                assert sorted(past.list_tree(tree, "the list of files", "--name-only")) == sorted(expected)


def test_messages_of_a_history_are_read_once_for_all_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Repository(tmp_path / "own")
    for number in range(1, 7):
        made.commit(f"feat: part {number}", files={"a": f"{number}\n"})
        made.branch("side")
        made.commit(f"fix: side {number}, a part", files={"b": f"{number}\n"})
        made.commit(f"chore: side {number}", files={"c": f"{number}\n"})
        made.checkout("main")
        made.merge("side", message=f"Merge part {number}")
        made.git("branch", "-D", "side")
    with Git(Located.locate(str(made.path), os.environ)) as git:
        changes = past_changes(git, made.oid("main"))[7::-1]
        heads = [change.head for change in changes]
        expected = {head: [one.oid for one in git.mentioning(["PART"], [head])] for head in heads}
        with PastGit(git.repository, changes) as past:
            assert [one.oid for one in past.mentioning(["PART"], heads[:1])] == expected[heads[0]]
            monkeypatch.setattr(past, "start", None)
            found = {head: [one.oid for one in past.mentioning(["PART"], [head])] for head in heads}
    assert found == expected
    assert len(expected[heads[-1]]) == 18
    cut = made.clone(tmp_path / "cut", depth=3)
    with Git(Located.locate(str(cut.path), os.environ)) as git:
        part = past_changes(git, cut.oid("main"), most=2)[::-1]
        with PastGit(git.repository, part) as past:
            newest = next(iter(past.mentioning(["PART"], [part[0].head])))
    assert newest.oid == part[0].head, "found before the end of a history that is cut off"


# The store


def test_what_is_no_store_of_this_version_is_left_alone(made: Repository, tmp_path: Path) -> None:
    later, theirs, text = (tmp_path / name for name in ("later", "theirs", "text"))
    text.write_text("# mine\n" * 200)
    for store, script in ((later, "PRAGMA user_version = 99"), (theirs, "CREATE TABLE mine (a)")):
        with closing(sqlite3.connect(store, isolation_level=None)) as connection:
            connection.execute(script)
    foreign = {later: "has layout 99", theirs: "another program's file", text: "cannot be used"}
    for store, message in foreign.items():
        before = store.read_bytes()
        assert message in refused(store, made.path)
        assert store.read_bytes() == before


def started(store: Path, *words: object, **more: Any) -> subprocess.Popen[str]:
    return _started("specguard", "audit", *map(str, words), "--store", str(store), cwd=store.parent, **more)


def _started(*words: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *words], env=clean_environment(), text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A history that an audit is some time about: of its slices one is judged behind those of two workers."""
    made = Repository(tmp_path_factory.mktemp("long") / "own")
    files = {"SPEC_AUTHORITY.md": AUTHORITY.format(more=""), "locked/a": "a\n"}
    more = [
        Step(f"feat: {number}", files={("locked/a" if number % 7 == 0 else f"f{number % 50}"): f"{number}\n"})
        for number in range(500)
    ]
    made.add_commits([Step("docs: authority", files=files), *more])
    return made


@pytest.fixture(scope="module")
def alone(long: Repository, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """What one audit keeps of the long history."""
    store = tmp_path_factory.mktemp("alone") / "s.sqlite"
    assert audited(store, long.path).exit_code == 0
    return rows(store)


def wait_until_kept(store: Path, process: subprocess.Popen[str]) -> int:
    """Wait until an audit has kept some changes and goes on; how many there are."""
    deadline = time.monotonic() + 20
    while not (count := _kept(store)) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    return count


def _kept(store: Path) -> int:
    """How many changes a store has; none where it is not there yet."""
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM change").fetchone()[0])
    except sqlite3.Error:
        return 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_audit_that_was_killed_goes_on_and_one_that_is_interrupted_says_so(
    long: Repository, alone: list[tuple[object, ...]], tmp_path: Path, jobs: int
) -> None:
    killed = tmp_path / "killed.sqlite"
    for begun in (False, True):
        process = started(killed, long.path, "--jobs", jobs, start_new_session=True)
        time.sleep(0 if begun else 0.2)
        assert not begun or 0 < wait_until_kept(killed, process) < len(alone)
        process.kill()
        # Its workers end with it: they share what it writes to.
        process.communicate(timeout=30)
    process = started(tmp_path / "stopped", long.path, "--jobs", jobs, start_new_session=True)
    wait_until_kept(tmp_path / "stopped", process)
    for _ in range(jobs):
        os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "the same command goes on" in said
    assert "Traceback" not in said
    assert audited(killed, long.path).exit_code == 0
    assert rows(killed) == alone


def test_of_several_interruptions_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "131072")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _open_pool(AuditOptions(environment={}, jobs=2)):
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.signal(signal.SIGTERM, before) is signal.default_int_handler


def test_workers_that_die_are_replaced_but_not_for_ever(
    long: Repository, alone: list[tuple[object, ...]], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = [["refused"]] * 4
    pools = iter([["judged", "dies", "refused"], ["dies", "refused"], [], *refusing, ["interrupted"], []])

    def workers(_: object) -> object:
        fates = iter(next(pools))

        def submit(work: Any, some: object) -> Future[Any]:
            fate, done = next(fates, "judged"), Future[Any]()
            if fate == "interrupted":
                # Another thread of the tests may not take it.
                signal.raise_signal(signal.SIGINT)
                next(pools)
            if fate == "refused":
                raise BrokenExecutor
            if fate == "dies":
                done.set_exception(BrokenExecutor())
            else:
                done.set_result(work(some))
                # Longer messages are not written at once, and would be cut off where their worker is killed.
                assert len(str(done.result())) < os.pathconf("/", "PC_PIPE_BUF")
            return done

        return nullcontext((SimpleNamespace(submit=submit), 2))

    monkeypatch.setattr("specguard.audit.audit._open_pool", workers)
    assert audited(store, long.path, "--jobs", 2).exit_code == 0
    assert rows(store) == alone
    assert "killed again and again" in refused(store.with_name("other"), long.path, "--jobs", 2)
    # An interruption waits until the worker is started.
    with pytest.raises(KeyboardInterrupt):
        audited(store.with_name("third"), long.path, "--jobs", 2)
    assert next(pools, None) is None


def test_two_audits_at_once_do_no_harm(
    long: Repository, alone: list[tuple[object, ...]], store: Path
) -> None:
    both = [started(store, long.path) for _ in range(2)]
    assert [(one.communicate()[1], one.returncode)[1] for one in both] == [0, 0]
    assert rows(store) == alone


def test_a_full_disk_is_one_message_and_loses_nothing(long: Repository, store: Path) -> None:
    assert audited(store, long.path, "--last", "100").exit_code == 0
    kept = rows(store)

    def full() -> None:
        # A file may not grow: what SQLite meets then is what it meets on a full disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = store.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    process = started(store, long.path, preexec_fn=full)
    said = process.communicate()[1]
    assert process.returncode == 2, said
    assert said.count("specguard: error") == 1
    assert "the store of audits cannot be used" in said
    assert audited(store, long.path, "--last", "100").exit_code == 0
    assert [row for row in rows(store) if row in kept] == kept


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A scheduler and two workers, each a process of its own: its address, and the workers."""
    scheduler = _started("distributed.cli.dask_scheduler", "--port=0", "--no-dashboard", "--host=127.0.0.1")
    assert scheduler.stderr is not None
    address = next(found[0] for line in scheduler.stderr if (found := re.search(r"tcp://\S+:[0-9]+", line)))
    options = ["--nthreads=1", "--no-dashboard", "--no-nanny"]
    workers = [_started("distributed.cli.dask_worker", address, *options) for _ in range(2)]
    try:
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.communicate()


def test_a_cluster_finds_the_same_rows_also_where_a_worker_dies(
    long: Repository,
    alone: list[tuple[object, ...]],
    cluster: tuple[str, list[subprocess.Popen[str]]],
    store: Path,
) -> None:
    address, workers = cluster
    audit = started(store, long.path, "--scheduler", address)
    assert 0 < wait_until_kept(store, audit) < len(alone)
    workers[0].kill()
    said = audit.communicate(timeout=120)[1]
    assert audit.returncode == 0, said
    assert rows(store) == alone


def test_a_scheduler_that_does_not_answer_is_one_message(
    made: Repository, store: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    # It has no types of its own. A client that cannot connect lets the thread of its own loop run on.
    connect: Any = distributed.Client
    runner: Any = distributed.utils.LoopRunner()
    runner.start()
    request.addfinalizer(runner._loop_thread._thread.join)
    request.addfinalizer(lambda: runner.loop.add_callback(runner.loop.stop))

    def impatient(address: str, *, timeout: int, **more: Any) -> Any:
        assert timeout == 10
        return connect(address, timeout=0.5, loop=runner.loop, **more)

    monkeypatch.setattr(distributed, "Client", impatient)
    said = refused(store, made.path, "--scheduler", "tcp://127.0.0.1:9")
    assert "no scheduler answers at tcp://127.0.0.1:9" in said
