"""What the baseline of the trusted base makes of reports; `tests/cases/baseline/` has what it accepts."""

import json
from pathlib import Path

import pytest

from specguard.testing import Case, Repository, Step, run_here
from tests.outcomes import ended

FILE = ".specguard/baseline.json"
CI = ".github/workflows/ci.yml"
POLICY = '[rules.host-network-call]\nfiles = [".github/workflows/*.yml"]\n'


def project(place: Path, accepted: int) -> Repository:
    """A change with two findings of CNT002 in a file for which the base accepts so many."""
    calls = ", ".join(f"{{run: curl http://localhost:{number}}}" for number in range(2)).replace(", ", ",\n")
    files = {CI: "jobs: {}\n", FILE: json.dumps({"CNT002": {CI: accepted}})}
    change = Step("ci: x", files={CI: f"jobs: {{a: {{steps: [\n{calls}]}}}}\n"})
    return Case(policy=POLICY, base=(Step("chore: base", files=files),), commits=(change,)).build(place)


def test_every_report_tells_what_is_accepted_from_what_is_not(tmp_path: Path) -> None:
    repository = project(tmp_path / "accepted", 2)

    def check(form: str, *words: str, code: int = 0) -> str:
        words = ("check", "--select=CNT002", f"--output-format={form}", *words)
        return ended(run_here(*words, directory=repository.path), code).stdout

    text = check("text")
    assert "2 errors in the baseline" in text
    assert "error:" not in text
    assert "specguard: accepted (range, 1 commit, 1 file): 2 in the baseline" in text
    assert check("concise").count("(baselined)") == 2
    assert check("github").count("::notice ") == 2
    assert "CNT002 host-network-call: baselined: 2 errors in the baseline" in check("text", "--explain")

    repository = project(tmp_path / "exceeded", 1)
    said = "2 of these are in this file, and the baseline accepts 1"
    assert [check(form, code=1).count(said) for form in ("text", "concise", "github")] == [1, 2, 2]
    for finding in json.loads(check("json", code=1))["findings"]:
        assert finding["baseline"] == {"found": 2, "accepted": 1}
    whole = check("text", "--all", code=1)
    assert "specguard: failed (the whole tree; range, 1 commit, 1 file)" in whole


@pytest.mark.parametrize("lost", ["main:.specguard", f"main:{FILE}"])
def test_one_that_is_not_there_to_read_gives_no_verdict(lost: str, tmp_path: Path) -> None:
    repository = project(tmp_path / "repository", 1)
    oid = repository.oid(lost)
    path = repository.git_dir / "objects" / oid[:2] / oid[2:]
    assert path.exists()
    path.unlink()
    outcome = ended(run_here("check", "--output-format=json", directory=repository.path), 2)
    [error] = outcome.report["errors"]
    assert oid[:12] in error["message"]
    assert error["help"]
