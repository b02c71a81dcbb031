"""Every next step of every rule is typed, from the state in which a rule's own example has it printed.

It is asked of the agents' hook first, then typed in a shell without an editor. Then its finding is gone, no
other one came, and no file of another finding's change is lost.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specguard.engine.plugins import load_registry
from specguard.testing import Example, Repository, examples
from specguard.testing.running import run_here
from tests.integrations.hooks.asking import ask, call
from tests.rows import recorded
from tests.rules.items import type_in

RULES = [registered.rule for registered in load_registry().rules.values()]
FAILING = [one for rule in RULES for one in examples(rule) if one.kind == "fails"]

COMMAND = re.compile(r"`([^`]*)`")
TYPED = re.compile(r"(?:\w+=\S+ )*(?:git|rm|mv|mkdir) (?!-C )")

FILLED: dict[str, str] = recorded(__file__, "filled")
"""What a reader writes in the places that a step leaves open."""

SUBJECTS = {"CMT002-fails-2": "'A-1: x'"}
"""Another subject, where an example's policy wants one."""

PLACES = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?!\w)" for name in FILLED))

WORDS: dict[str, str] = recorded(__file__, "words")
"""Rules, or families of them, whose steps are words alone: the reason."""

TYPED_TOO = {"APR001", "ART019", "CMT004", "WRK004", "WRK005"}
"""Those of them that tell a command as well."""


def in_words(code: str) -> bool:
    """Whether a rule's steps are words alone."""
    return code not in TYPED_TOO and (code in WORDS or code[:3] in WORDS)


def commands(help_: str, subject: str) -> list[str]:
    """The commands of a next step that can be typed; of several ways out the first."""
    found = [one for one in COMMAND.findall(help_.split(", or ")[0]) if TYPED.match(one)]
    filled = FILLED | ({"SUBJECT": subject} if subject else {})
    return [PLACES.sub(lambda match: filled[match[0]], one) for one in found[:1]]


def keys(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """What tells findings apart after commits were made again."""
    return {(one["code"], re.sub(r"\b[0-9a-f]{7,}\b", "", one["message"])) for one in found}


def files(repository: Repository) -> dict[str, bytes]:
    """The files of the working tree."""
    root = repository.path
    return {
        str(path.relative_to(root)): os.fsencode(os.readlink(path))
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if (path.is_symlink() or path.is_file()) and ".git" not in path.relative_to(root).parts
    }


def begin(repository: Repository, environment: dict[str, str]) -> None:
    """Begin the session of an agent before the change that it makes."""
    repository.git("reset", "-q", "--hard", repository.names["base"])
    event = {"hook_event_name": "SessionStart", "session_id": "s", "cwd": str(repository.path)}
    ask("claude", event, repository.path, environment=environment)


BESIDE = "beside other work"


def write_more(repository: Repository) -> None:
    """Work on a new file and on one that the change leaves alone; some of it is staged, some is not."""
    base, head = (repository.names.get(name, "HEAD") for name in ("base", "head"))
    changed = set(repository.git("diff", "--no-renames", "--name-only", base, head).split("\n"))
    files = repository.git("ls-tree", "-r", "--name-only", head).split("\n")
    for path in ["new.txt", *sorted(set(files) - changed)[:1]]:
        repository.write(path, "staged\n")
        repository.git("add", path)
        repository.write(path, "not staged\n")


def left(repository: Repository) -> list[str]:
    """What is not committed: what is staged of it, the rest, and what is put aside."""
    asked = ("diff", "--cached"), ("diff", "--name-status"), ("stash", "list")
    return [repository.git(*words) for words in asked]


def states(example: Example) -> list[str]:
    """The states in which an example is judged: as it is, beside other work, and with its commits undone."""
    case = example.case
    if case.staged is not None or case.worktree is not None or in_words(example.rule.code):
        return [""]
    plain = case.commits and case.title is None
    if not plain or "staged" not in example.rule.stages or "--push" in case.args or case.approvals:
        return ["", BESIDE]
    return ["", BESIDE, "--staged", "--worktree"]


@pytest.mark.parametrize(
    ("example", "state"),
    [(example, state) for example in FAILING for state in states(example)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_next_step_is_typed(example: Example, state: str, tmp_path: Path) -> None:
    case = example.case
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def built(number: int = 0) -> tuple[Repository, Callable[[], list[dict[str, Any]]]]:
        folder = tmp_path / str(number)
        repository = case.build(folder / "repository")
        arguments = [*case.arguments(folder, repository.names), *([state] if state else [])]
        if state == BESIDE:
            write_more(repository)
            del arguments[-1]
        elif state:
            begin(repository, environment)
            repository.git("reset", "-q", "--hard", repository.names["head"])
            how = "--soft" if state == "--staged" else "--mixed"
            repository.git("reset", "-q", how, repository.names["base"])

        def judged() -> list[dict[str, Any]]:
            pushed = {**repository.names, "head": repository.oid()}
            stdin = re.sub(r"\{(\w+)\}", lambda name: pushed[name[1]], case.stdin)
            outcome = run_here(
                "check", "--output-format=json", *arguments, directory=repository.path,
                env=case.variables(repository.names), stdin=stdin,
            )  # fmt: skip
            return [one for report in outcome.reports for one in report["findings"]]

        return repository, judged

    repository, judged = built()
    before = judged()
    told = [one for one in before if one["code"] == example.rule.code]
    assert told or state
    for position, finding in enumerate(told):
        typed = commands(finding["help"], SUBJECTS.get(example.name, ""))
        assert not typed or not in_words(finding["code"]), f"a step to type: {finding['help']}"
        if not typed:
            assert finding["code"] in TYPED_TOO or in_words(finding["code"]), finding["help"]
            continue
        if position:
            repository, judged = built(position)
            before = judged()
        kept, uncommitted = files(repository), left(repository)
        [same] = [one for one in before if keys([one]) == keys([finding])]
        [command] = commands(same["help"], SUBJECTS.get(example.name, ""))
        event = call("Bash", {"command": command}, repository.path)
        variables = {**case.variables(repository.names), **environment}
        answer = ask("claude", event, repository.path, environment=variables)
        assert answer.kind != "refuse", answer.refusal
        type_in(repository, command)
        after = judged()
        assert keys([finding]).isdisjoint(keys(after)), (command, after)
        assert keys(after) <= keys(before), command
        lost = {name for name, content in kept.items() if files(repository).get(name) != content}
        assert lost <= _concerned(finding, before), command
        assert state != BESIDE or left(repository) == uncommitted, command


def _concerned(finding: dict[str, Any], found: list[dict[str, Any]]) -> set[str]:
    """The files that a finding is about, and what was moved there or from there."""
    place = finding.get("location") or {}
    names = {str(place.get("path", ""))}
    moved = re.search(r"moved (?:here from|to) (\S+?)(?:;| in |$)", finding["message"])
    return names | ({moved[1]} if moved else set())


def test_a_step_alters_the_judged_branch_alone(repository: Repository) -> None:
    repository.commit("a", files={"SPEC_AUTHORITY.md": "## Locked zones\n\n- `f`\n", "f": "1", "s/g": "1"})
    repository.git("switch", "-qc", "one")
    repository.commit("fix: f", files={"f": "2", "h": ""})
    repository.git("switch", "-q", "main")
    write_more(repository)
    before = repository.git("status", "-sb")
    # Git starts hooks at the root, and says where the user is, who may also name the folder.
    for folder, below, more in (("", "s/", []), ("s", "", []), ("/", "", ["-C", str(repository.path)])):
        words, environment = ("check", "--head=one", "--output-format=json"), {"GIT_PREFIX": below}
        found = run_here(*words, *more, directory=repository.path / folder, env=environment).report
        assert found["notes"][-1].endswith(f" at the repository's root; first type: cd {repository.path}")
    type_in(repository, commands(found["findings"][0]["help"], "")[0])
    assert (repository.git("status", "-sb"), repository.git("diff", "main", "one", "--", "f")) == (before, "")
