"""What is answered to questions about edits and commands that need nothing but a repository."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository
from tests.integrations.hooks.asking import POLICY, Asked, ask, begun, call, guarded
from tests.rows import rows


def groups() -> Iterator[Any]:
    """Each group of questions, with the attack that it is a case of."""
    for one in rows(__file__, "groups"):
        marks = [pytest.mark.threat(*one["threat"])] if "threat" in one else []
        yield pytest.param(one, id=one["name"], marks=marks)


def questions(group: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tool and the input of each call that a group asks about.

    Its keys: `write` has paths, or pairs of a path and a content; `run` has commands; `call` has pairs of a
    tool and its input.
    """
    for one in group.get("write", ()):
        path, content = (one, "new\n") if isinstance(one, str) else one
        yield "Write", {"file_path": path, "content": content}
    for command in group.get("run", ()):
        yield "Bash", {"command": command}
    yield from group.get("call", ())


def filled(value: Any, root: Path) -> Any:
    """A value of a group with the folders in place of their names."""
    if isinstance(value, str):
        return value.replace("{root}", str(root)).replace("{home}", str(root.parent / "home"))
    if isinstance(value, list):
        return [filled(one, root) for one in value]
    return {key: filled(one, root) for key, one in value.items()} if isinstance(value, dict) else value


def made(group: dict[str, Any], folder: Path) -> Repository:
    """The repository of a group: its `policy`, and `files`, `links` and `config` beside what is committed."""
    repository = guarded(folder, policy=group.get("policy", POLICY))
    if group.get("begun"):
        begun(repository)
    for path, text in group.get("files", {}).items():
        repository.write(path, text)
    for path, target in group.get("links", {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(filled(target, folder))
    for key, value in group.get("config", {}).items():
        repository.git("config", key, value)
    return repository


@pytest.mark.parametrize("group", list(groups()))
def test_questions_get_their_answer(group: dict[str, Any], tmp_path: Path) -> None:
    """`answer` is `refuse` or `pass`, and `says` a part of each refusal."""
    root = tmp_path / "repository"
    made(group, root)
    environment = filled({"HOME": "{home}", **group.get("environment", {})}, root)
    asked: list[tuple[object, Asked]] = []
    for tool, given in questions(group):
        event = call(tool, filled(given, root), root / group.get("folder", ""))
        asked.append((given, ask("claude", event, root, environment=environment)))
    assert asked
    for question, answer in asked:
        assert answer.kind == group.get("answer", "refuse"), question
        assert group.get("says", "") in answer.refusal, (question, answer)
