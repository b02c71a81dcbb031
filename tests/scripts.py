"""Scripts: steps in a repository, each with what must come of it, as data beside a test's module."""

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository, run_here
from specguard.testing.repository import clean_environment
from tests.integrations.hooks.asking import Session, guarded, write

DATA = Path(__file__).parent / "cli" / "data"
QUESTIONS = ("edit", "before", "run", "after", "stop", "start")
KEYS = {
    *("put", "delete", "link", "sh", "commit", "git"),
    *("specguard", "in", "env", "stdin", "typed", *QUESTIONS),
    *("exit", "answer", "most", "says", "prints", "told", "silent", "has", "is", "gone"),
}
"""What a step may say; a word of no meaning would look at nothing."""


def scripts(file: str) -> list[Any]:
    """The scripts of the module at `file`; each has the keys of `shared` too."""
    tables = tomllib.loads(Path(file).with_suffix(".toml").read_text("utf-8"))
    shared = tables.get("shared", {})
    return [pytest.param({**shared, **one}, id=one["name"]) for one in tables["scripts"]]


def filled(value: Any, folder: Path, repository: Repository) -> Any:
    """A value with the folders in place of their names, and the start of an object id for `{rev NAME}`."""
    if isinstance(value, str):
        value = value.replace("{folder}", str(folder)).replace("{data}", str(DATA))
        return re.sub(r"\{rev (\S+)\}", lambda found: repository.oid(found[1])[:12], value)
    if isinstance(value, list):
        return [filled(one, folder, repository) for one in value]
    if isinstance(value, dict):
        return {key: filled(one, folder, repository) for key, one in value.items()}
    return value


def looks_at_nothing(step: Mapping[str, Any]) -> bool:
    """Whether `sh` looks before the question is asked, or goes on behind a `!`, at which no shell stops."""
    text, asks = step.get("sh", ""), step.keys() & {"specguard", *QUESTIONS}
    return bool(
        (asks and re.match("(!|cmp|test) ", text)) or re.search(r"(^|[;\n]) *! [^;\n]*[;\n] *\S", text)
    )


def several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def play(script: Mapping[str, Any], folder: Path) -> None:
    """Do the steps of a script, in `folder`/repository.

    `base` has the files of the first commit, behind which the branch `work` is; or the repository is a
    `guarded` one. `form` is the format of git's objects. `start` and `steps` are done one after the other.

    A step alters files (`put`, `delete`, `link`), has git do something (`sh`, `commit`, `git`), then asks:
    `specguard` has the words of a command, `in` a folder, with `env` and `stdin`, whose next steps may be
    `typed`; `edit`, `before`, `run`, `after`, `stop` and `start` are what an agent's program asks. Then it
    looks at the exit code (`exit`) or the answer (`answer`, of `most` words), what is said (`says`; `prints`
    is all of it), what an error or a note tells beside it (`told`), what neither does (`silent`), and at
    files (`has`, `is`, `gone`); what a file of JSON `is` may be a table.
    """
    repository = Repository(folder / "repository", object_format=script.get("form", "sha1"))
    if script.get("guarded"):
        repository = guarded(folder / "guarded")
    elif "base" in script:
        repository.commit("chore: base", files=script["base"])
        repository.branch("work")
    session = Session(repository, environment={"XDG_CACHE_HOME": str(folder / "cache")})
    for step in [*script.get("start", ()), *script["steps"]]:
        assert set(step) <= KEYS, set(step) - KEYS
        assert not looks_at_nothing(step), step
        known = filled(step, folder, repository)
        alter(repository, known)
        said, told = asked(repository, session, known)
        assert known.get("prints", said) == said, step
        for part in several(known.get("says", [])):
            assert part in said, (step, said)
        for part in several(known.get("told", [])):
            assert part in told, (step, told)
        for part in several(known.get("silent", [])):
            assert part not in said + told, (step, said, told)
        for path, text in known.get("has", {}).items():
            for part in several(text):
                assert part in repository.read(path).decode(), step
        for path, whole in known.get("is", {}).items():
            text = repository.read(path).decode()
            assert (text if isinstance(whole, str) else json.loads(text)) == whole, step
        for path in known.get("gone", []):
            assert not (repository.path / path).exists(), step


def alter(repository: Repository, step: Mapping[str, Any]) -> None:
    """Alter the repository as a step says."""
    for path, text in step.get("put", {}).items():
        repository.write(path, text)
    for path in step.get("delete", ()):
        (repository.path / path).unlink()
    for path, target in step.get("link", {}).items():
        (repository.path / path).parent.mkdir(parents=True, exist_ok=True)
        (repository.path / path).symlink_to(target)
    if "sh" in step:
        subprocess.run(["sh", "-ec", step["sh"]], cwd=repository.path, env=clean_environment(), check=True)
    if "commit" in step:
        repository.git("add", "-A")
        repository.commit(step["commit"])
    for command in several(step.get("git", [])):
        repository.git(*shlex.split(command))


def asked(repository: Repository, session: Session, step: Mapping[str, Any]) -> tuple[str, str]:
    """What is said to the question of a step, which ends as it says, and what is told beside it.

    A command that has no answer says only what is told.
    """
    if "specguard" in step:
        words, more = shlex.split(step["specguard"]), {"env": step.get("env"), "stdin": step.get("stdin", "")}
        outcome = run_here(*words, directory=repository.path / step.get("in", ""), **more)
        assert outcome.exit_code == step.get("exit", 0), (step, outcome)
        assert outcome.exit_code == 2 or "told" in step or not outcome.stderr, (step, outcome)
        for line in outcome.stdout.splitlines() if "typed" in step else ():
            if line.startswith("  git "):
                repository.git("-c", "alias.x=!sh -c", "x", line.strip())
        return outcome.stdout + (outcome.stderr if outcome.exit_code == 2 else ""), outcome.stderr
    for name in QUESTIONS:
        if name in step:
            given = several(step[name]) if name in ("edit", "before", "run") else []
            answer = session.ask(write(given[0], repository.path, *given[1:])) if name == "edit" else None
            answer = answer or getattr(session, name)(*given)
            assert step.get("answer", answer.kind) == answer.kind, (step, answer)
            assert len(answer.refusal.split()) <= step.get("most", 120), (step, answer)
            return answer.refusal or answer.told, ""
    return "", ""
