"""Which commands have a form, and where commands are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from specguard_rules.content._commands import written_commands
from specguard_rules.content._shell import commands
from specguard_rules.content.forbidden import has_form

if TYPE_CHECKING:
    from specguard.rules import Documents
    from specguard_rules.content._shell import Command

NO_DATA = cast("Documents", None)


@pytest.mark.parametrize(
    ("form", "unless", "text", "expected"),
    [
        ("git push --force", [], "git push --force", True),
        ("git push --force", [], "git -C lib push origin main --force", True),
        ("git push --force", [], "git push --force=x", True),
        ("git push --force", [], "/usr/bin/git push origin --force", True),
        ("git push --force", [], "sudo env A=b git push --force", True),
        ("git push --force", [], "bash -c 'git push --force'", True),
        ("git push --force", [], "docker compose exec -T web git push --force", True),
        ("git push --force", [], "X=$(git push --force)", True),
        ("git push --force", [], "git push --force-with-lease", False),
        ("git push --force", [], "git push -- --force", False),
        ("git push --force", [], "git commit -m push --force", False),
        ("git push --force", [], "git stash push --force", False),
        ("git push --force", [], "echo git push --force", False),
        ("git push --force", [], "# git push --force", False),
        ("git push -f", [], "git push -uf origin", True),
        ("git push -f", [], "git push --follow-tags", False),
        ("gt sync", ["--no-restack"], "gt sync", True),
        ("gt sync", ["--no-restack"], "gt sync --no-restack", False),
        ("killall", [], "killall node", True),
        ("", [], "git", False),
    ],
)
def test_forms(form: str, unless: list[str], text: str, *, expected: bool) -> None:
    assert any(has_form(command, form.split(), unless) for command in commands(text)) is expected


def syncs(path: bytes, text: str) -> list[Command]:
    found = written_commands(path, text.encode(), NO_DATA)
    return [command for command in found if has_form(command, ["gt", "sync"])]


def lines(path: bytes, text: str) -> list[int]:
    return [command.line for command in syncs(path, text)]


def test_markdown_fences_of_a_shell() -> None:
    text = (
        "gt sync\n\n```sh\n# gt sync\ngt sync\n```\n\n- item\n\n  ~~~console\n  $ gt sync\n  gt sync\n  ~~~\n"
    )
    assert lines(b"a.md", text) == [5, 11, 12]
    assert lines(b"a.md", "```python\ngt sync\n```\n\n````\n```\ngt sync\n````\n```\ngt sync") == [7, 10]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run `gt sync`.", [1]),
        ("Run ``gt sync`` and `x`.", [1]),
        ("Never run `gt sync`.", []),
        ("Do not ever\nrun `gt sync`.", []),
        ("It may not work. Then run `gt sync`.", [1]),
        ("`gt sync` is forbidden.", []),
        ("`gt sync` must never run.", []),
        ("`gt sync` is quick.", [1]),
        ("## Forbidden\n\n- `gt sync`\n- `x`\n", []),
        ("Do not run:\n\n- `x`\n- `gt sync`\n", []),
        ("Run:\n\n- `gt sync`\n", [3]),
        ("Use `gt sync --no-restack` instead of `gt sync`.", [1]),
        ("`unclosed gt sync", []),
        ("| `gt sync` | x |", [1]),
    ],
)
def test_code_spans(text: str, expected: list[int]) -> None:
    assert lines(b"docs/a.md", text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Run `gt sync`.", True),
        ("First, re-run the following command: `gt sync`", True),
        ("Then, once that is done, use **`gt sync`**.", True),
        ("What the sync brings: `gt sync` restacks", False),
        ("The agents' syncs: `gt sync`", False),
        ("How others do it: `gt sync`", False),
        ("- `gt sync`", True),
        ("- [ ] `gt sync` to begin with", True),
        ("1. **`gt sync`**: brings the stack up to date", True),
        ("- `gt sync` reads as `/usr/bin/gt sync`", False),
        ("The agent merged the request, and\n`gt sync` took the branch away.", False),
        ("- TC-1: the hook stops `gt sync` (exit 2)", False),
        ("```\ngt sync\n```", True),
        ("| `gt sync` | what it does |", False),
    ],
)
def test_a_document_tells_a_command_or_speaks_of_it(text: str, *, told: bool) -> None:
    assert {command.told for command in syncs(b"a.md", text)} == {told}


def test_scripts_makefiles_and_ci_files() -> None:
    assert lines(b"a.sh", "x\ngt sync\n") == [2]
    assert lines(b"bin/a", "#!/usr/bin/env bash\ngt sync\n") == [2]
    assert lines(b"bin/a", "gt sync\n") == []
    assert lines(b"x/Makefile", "sync: gt sync\n\t@gt sync\n\t-x; gt sync\n") == [2, 3]
    workflow = "jobs:\n  a:\n    name: gt sync\n    steps:\n      - run: |\n          x\n          gt sync\n"
    assert lines(b".github/workflows/a.yml", workflow) == [7]
    assert lines(b".gitlab-ci.yml", "a:\n  script:\n    - x\n    - gt sync\n") == [4]
    assert lines(b"a.yml", "a: [\ngt sync\n") == [2]


def test_what_other_languages_start_is_read() -> None:
    assert lines(b"a.rb", "# `gt sync`\nputs `gt sync`\nsystem 'gt sync'\nx = \"gt sync\"\n") == [2, 3]
    assert lines(b"a.pl", "my $x = `gt sync`;\n") == [1]
    assert lines(b"bin/a", "#!/usr/bin/env php\n<?php\n$x = `gt sync`;\n") == [3]
    assert lines(b"a.js", "const x = `gt sync`\nexecSync(`gt sync`)\n") == [2]
