"""One change, one verdict: working tree, index, patch, push, branch and CI job agree on it."""

import json
from pathlib import Path

import pytest

from specguard.testing import Case, Repository, run_here
from tests.changes import pull_request

CASES = Case.load_all(Path(__file__).with_suffix(".toml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_source_gives_the_same_findings(case: Case, tmp_path: Path) -> None:
    repository = case.build(tmp_path / "repository")
    found = {"worktree": findings(repository, "--worktree")}
    repository.stage()
    found["staged"] = findings(repository, "--staged")

    patch = tmp_path / "change.patch"
    patch.write_bytes(repository.process("diff", "--cached", "--binary", "--no-renames").stdout)
    repository.git("stash", "-q")
    found["patch"] = findings(repository, f"--patch={patch}")
    repository.git("stash", "pop", "-q", "--index")

    repository.commit("feat: change")
    head, base = repository.oid(), repository.names["base"]
    push = f"refs/heads/work {head} refs/heads/work {'0' * 40}\n"
    found["push"] = findings(repository, "--push", stdin=push)
    found["branch"] = findings(repository)
    found["range"] = findings(repository, f"--range={base}..{head}")
    found["enforced"] = findings(repository, "--enforce", f"--base={base}", f"--head={head}")
    event = tmp_path / "event.json"
    event.write_text(json.dumps(pull_request(base, head)))
    found["pull request"] = findings(repository, "--enforce", f"--pr-event={event}")
    bare = repository.clone(tmp_path / "bare", bare=True)
    found["bare"] = findings(bare, "--base=main", "--head=work")
    for source, these in found.items():
        assert these == found["staged"], source
    assert bool(found["staged"][1]) is (case.name != "nothing-wrong")


def findings(
    repository: Repository, *arguments: str, stdin: str = ""
) -> tuple[int, list[tuple[object, ...]]]:
    """The exit code, and what is found about paths and content."""
    outcome = run_here("check", *arguments, "--output-format=json", directory=repository.path, stdin=stdin)
    assert outcome.exit_code in (0, 1), outcome
    rows = [
        (finding["code"], finding["severity"], finding["location"]["path"], finding["location"]["line"],
         finding["location"].get("side"), finding["message"], str(finding["authority"]))
        for finding in outcome.report["findings"]
        if finding["code"][:3] in ("PTH", "CNT")
    ]  # fmt: skip
    return outcome.exit_code, sorted(rows, key=repr)
