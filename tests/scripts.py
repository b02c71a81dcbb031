"""Scripts: steps in a repository, each with its expected result, as data beside a test's module."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from specguard.testing import Repository, run_here
from specguard.testing.repository import clean_environment
from tests.integrations.hooks.asking import Session, guarded

DATA = Path(__file__).parent / "cli" / "data"
QUESTIONS = ("edit", "before", "run", "after", "stop", "start")
KEYS = {
    *("put", "delete", "link", "sh", "commit", "git", "specguard", "in", "env", "stdin", "typed", *QUESTIONS),
    *("exit", "answer", "most", "says", "prints", "told", "silent", "has", "is", "gone"),
}
"""The keys that a step may have; a misspelt key would check nothing."""


def scripts(file: str) -> list[Any]:
    """Return the scripts of the module at `file`; each has the keys of `shared` too."""
    tables = tomllib.loads(Path(file).with_suffix(".toml").read_text("utf-8"))
    shared = tables.get("shared", {})
    return [pytest.param({**shared, **one}, id=one["name"]) for one in tables["scripts"]]


def filled(value: Any, folder: Path, repository: Repository) -> Any:
    """Replace names of folders and `{python}` by paths, and `{rev NAME}` by an abbreviated object id."""
    if isinstance(value, str):
        value = value.replace("{folder}", str(folder)).replace("{data}", shlex.quote(str(DATA)))
        value = value.replace("{python}", shlex.quote(sys.executable))
        return re.sub(r"\{rev (\S+)\}", lambda found: repository.oid(found[1])[:12], value)
    if isinstance(value, list):
        return [filled(one, folder, repository) for one in value]
    if isinstance(value, dict):
        return {key: filled(one, folder, repository) for key, one in value.items()}
    return value


def looks_at_nothing(step: Mapping[str, Any]) -> bool:
    """True if `sh` checks before the question is asked, or goes on after a `!`, at which no shell stops."""
    text, asks = step.get("sh", ""), step.keys() & {"specguard", *QUESTIONS}
    return bool(
        (asks and re.match("(!|cmp|test) ", text)) or re.search(r"(^|[;\n]) *! [^;\n]*[;\n] *\S", text)
    )


def several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def play(script: Mapping[str, Any], folder: Path) -> None:
    """Run the steps of a script, in `folder`/repository.

    `base` has the files of the first commit, and the branch `work` follows it; or the repository is a
    `guarded` one. `form` is the format of git's objects, and `refs` that of its refs; a git that is too old
    for it skips the script. The steps of `start` and `steps` run in order.

    First a step changes files (`put`, `delete`, `link`), and runs commands and git (`sh`, `commit`, `git`).
    Then it asks: `specguard` has the words of a command, run `in` a folder with `env` and `stdin`. Its next
    steps are run if the step has `typed`. `edit`, `before`, `run`, `after`, `stop` and `start` are the
    questions of an agent's program.

    Last, a step checks the exit code (`exit`), or the answer (`answer`) and its length in words (`most`).
    Part of the output must be in `says`, and all of it in `prints`. `told` is text in stderr, and `silent` is
    text in neither. Files are checked by `has`, `is` and `gone`; `is` may have a table for a JSON file.
    """
    repository = Repository(folder / "repository", object_format=script.get("form", "sha1"))
    if script.get("guarded"):
        repository = guarded(folder / "guarded")
    elif "base" in script:
        repository.commit("chore: base", files=script["base"])
        repository.branch("work")
    migrate = ("refs", "migrate", f"--ref-format={script.get('refs')}")
    if "refs" in script and repository.process(*migrate).returncode:
        pytest.skip("git is too old for this format of refs")
    environment = {"XDG_CACHE_HOME": str(folder / "cache"), "CLAUDE_PROJECT_DIR": str(repository.path)}
    session = Session(repository, environment=environment)
    for step in [*script.get("start", ()), *script["steps"]]:
        assert set(step) <= KEYS, set(step) - KEYS
        assert not looks_at_nothing(step), step
        known = filled(step, folder, repository)
        alter(repository, known)
        said, told = asked(repository, session, known)
        assert known.get("prints", said) == said, step
        for part in several(known.get("says", [])):
            assert part in said, (step, said)
        assert not [part for part in several(known.get("told", [])) if part not in told], (step, told)
        assert not [one for one in several(known.get("silent", [])) if one in said + told], (step, said, told)
        for path, text in known.get("has", {}).items():
            for part in several(text):
                assert part in repository.read(path).decode(), step
        for path, whole in known.get("is", {}).items():
            text = repository.read(path).decode()
            assert (text if isinstance(whole, str) else json.loads(text)) == whole, step
        assert not [path for path in known.get("gone", []) if (repository.path / path).exists()], step


def alter(repository: Repository, step: Mapping[str, Any]) -> None:
    """Change the repository as a step says."""
    for path, text in step.get("put", {}).items():
        repository.write(path, text)
    for path in step.get("delete", ()):
        repository.delete(path)
    for path, target in step.get("link", {}).items():
        repository.symlink(path, target)
    if "sh" in step:
        subprocess.run(["sh", "-ec", step["sh"]], cwd=repository.path, env=clean_environment(), check=True)
    if "commit" in step:
        repository.git("add", "-A")
        repository.commit(step["commit"])
    for command in several(step.get("git", [])):
        repository.git(*shlex.split(command))


def asked(repository: Repository, session: Session, step: Mapping[str, Any]) -> tuple[str, str]:
    """Ask the question of a step, check how it ends, and return the output and the stderr.

    The output of an agent's question is the refusal; without one, the message to the agent.
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
            given = [] if step[name] is True else several(step[name])
            answer = getattr(session, name)(*given)
            assert step.get("answer", answer.kind) == answer.kind, (step, answer)
            assert len(answer.refusal.split()) <= step.get("most", 120), (step, answer)
            return answer.refusal or answer.told, ""
    return "", ""
