"""The argument lists of hooks give one result, whether click reads them or not."""

import pytest

from specguard.cli.checking import quick_request
from specguard.testing import Repository, run_here

AUTHORITY = """# Authority

## Forbidden paths

- `docs/api/`

```toml specguard
extends = ["conventional-commits"]
```
"""


def test_other_words_are_left_to_click() -> None:
    message = "--commit-msg-file"
    for words in (
        "",
        "--staged --strict",
        message,
        f"{message} --staged",
        "--range main",
        "--range --strict",
    ):
        assert quick_request(["check", *words.split()]) is None
    assert quick_request(["check", message, ""]) is None
    assert quick_request(["--help"]) is None
    assert quick_request([]) is None


@pytest.mark.parametrize(
    ("path", "message", "line"),
    [
        ("docs/api/x", "feat: x\n", "--staged"),
        ("src/x", "no form at all\n", "--commit-msg-file message"),
        ("src/x", "feat: x\n", "--commit-msg-file absent"),
        ("docs/api/x", "feat: x\n", "--range main..HEAD"),
        ("src/x", "feat: x\n", "--range nowhere..HEAD"),
        ("src/x", "feat: x\n", "--push"),
        ("src/x", "feat: x\n", "--pre-receive"),
        ("src/x", "feat: x\n", "--all"),
    ],
)
def test_both_ways_give_one_result(repository: Repository, path: str, message: str, line: str) -> None:
    arguments = line.split()
    repository.commit("docs: state what may change", files={"SPEC_AUTHORITY.md": AUTHORITY})
    repository.branch("work")
    repository.write("message", message)
    repository.write(path, "x")
    repository.stage(path)
    assert quick_request(["check", *arguments]) is not None
    quick = run_here("check", *arguments, directory=repository.path)
    by_click = run_here("check", *arguments, "--output-format", "text", directory=repository.path)
    assert quick == by_click
    assert quick.stdout or quick.stderr
