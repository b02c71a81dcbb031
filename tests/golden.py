"""Records the answers of this repository's code, one file each, to compare two revisions.

`python tests/golden.py record FOLDER` records the answers: to the cases, the rules' examples, recorded events
of agents and commands that agents run. The outputs of the pages and of a dozen runs of the executor are
added. `python tests/golden.py compare REV` records `REV` and the working tree, and shows their differences.
Its exit code is 1 if they differ. `REV` may be a folder with a record. The record of a revision is kept for
the day in `.golden/`, which saves half of the time.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing import Pool
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import NamedTuple
from urllib.parse import quote
from venv import EnvBuilder

from specguard.engine.plugins import load_registry
from specguard.testing import Case, Outcome, examples, run_here
from specguard.testing.case import fill
from tests.executor.working import GOOD, Workshop
from tests.integrations.hooks.asking import POLICY, call, guarded
from tests.integrations.hooks.shell.running import FILES
from tests.integrations.hooks.shell.test_shell import EVERYDAY, TRICKS
from tests.integrations.hooks.test_recorded_events import recorded
from tools.pages import ROOT, WALKED_PAGES, blocks, normalize, read, run_blocks

_COMMANDS_A_FILE = 50
_GUARDED = 'a", "new*", "one", "sub/**", "locked/**'

RUNS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "done": ((GOOD, ()),),
    "dry-run": ((GOOD, ("--dry-run",)),),
    "mended": (
        ("if [ $ROUND = 1 ]; then echo BROKEN > src/new.py; else echo 'new = 1' > src/new.py; fi", ()),
    ),
    "gates-fail": (("echo BROKEN $ROUND > src/new.py", ("--max-attempts=2",)),),
    "rules-fail": (("echo edit $ROUND > locked/a.txt", ("--max-attempts=2",)),),
    "no-progress": (("echo BROKEN > src/new.py", ("--max-attempts=9",)),),
    "agent-fails": (("exit 1", ()),),
    "agent-stops": (("echo why > SPECGUARD_STOP.md", ()),),
    "timeout": (("sleep 993", ("--command-timeout=1",)),),
    "no-program": ((GOOD, ("--command=no-such-program",)),),
    "resumed": ((GOOD, ("--until=check",)), ("", ())),
    "two": ((GOOD, ()), (GOOD, ())),
}
"""For each record, the agent's script and the options of its runs; a second run without a script resumes."""


class Entry(NamedTuple):
    """A file of the record.

    Attributes:
        name: its path in the record.
        answer: the function that returns its text, called with an empty folder.
        arguments: the other arguments of that function.
    """

    name: str
    answer: Callable[..., str]
    arguments: tuple[object, ...]


def entries() -> Iterator[Entry]:
    """Yield the whole record except the generated pages; the slowest entries come first."""
    for page in WALKED_PAGES:
        yield Entry(f"walked/{Path(page).name}", answer_of_page, (page,))
    for name, runs in RUNS.items():
        yield Entry(f"runs/{name}.txt", answer_of_runs, (runs,))
    yield Entry("policy/tests.txt", answer_of_policy, ())
    commands = [*EVERYDAY, *TRICKS]
    for start in range(0, len(commands), _COMMANDS_A_FILE):
        some = commands[start : start + _COMMANDS_A_FILE]
        yield Entry(f"commands/{start:04}.txt", answer_of_commands, (some,))
    for number, parameters in enumerate(recorded()):
        agent, event = parameters.values
        yield Entry(f"events/{number}-{_file(parameters.id)}.txt", answer_of_event, (agent, event["event"]))
    for folder in ("cases", "policy"):
        for path in sorted((ROOT / "tests" / folder).glob("**/*.toml")):
            place = path.relative_to(ROOT / "tests").with_suffix("")
            for case in Case.load_all(path):
                name = str(place) if case.name == path.stem else f"{place}/{_file(case.name)}"
                yield Entry(f"{name}.txt", answer_of_case, (case,))
    for registered in load_registry().rules.values():
        for example in examples(registered.rule):
            yield Entry(f"examples/{example.name}.txt", answer_of_case, (example.case,))


def answer_of_case(place: Path, case: Case) -> str:
    """Return the JSON report of a case, and the output of `--explain`."""
    repository = case.build(place / "repository")
    arguments = case.arguments(place, repository.names)
    env = {"XDG_CACHE_HOME": str(place / "cache"), **case.variables(repository.names)}
    stdin = fill(case.stdin, repository.names)
    text = "\n".join(
        _shown(run_here("check", *arguments, *more, directory=repository.path, env=env, stdin=stdin))
        for more in (("--output-format=json",), ("--explain", "--statistics"))
    )
    # Approvals are signed by new keys each time, and are sorted by their digests.
    text = normalize(text) if case.approvals else text
    if len(case.approvals) > 1:
        text = "\n".join(sorted({line.strip(" ,") for line in text.splitlines()}))
    return text


def answer_of_policy(place: Path) -> str:
    """Return the output of `specguard test` for this repository's own policy."""
    return _shown(run_here("test", "--output-format=json", directory=ROOT))


def answer_of_event(place: Path, agent: str, event: dict[str, object]) -> str:
    """Return the answer of a hook to an event that an agent sent."""
    repository = guarded(place / "repository")
    return _asked(agent, json.dumps(event).replace("{root}", str(repository.path)), repository.path)


def answer_of_commands(place: Path, commands: list[str]) -> str:
    """Return the answers of a hook to commands before they run."""
    repository = guarded(place / "repository", policy=POLICY.replace("configs/**", _GUARDED))
    repository.commit("chore: more", files=FILES)
    answers = []
    for command in commands:
        event = call("Bash", {"command": command}, repository.path)
        answers.append(f"$ {command}\n{_asked('claude', json.dumps(event), repository.path)}")
    return "\n".join(answers)


def answer_of_page(place: Path, page: str) -> str:
    """Return the output of a page's blocks, as a reader would type them."""
    found = run_blocks(blocks(read(page)), place)
    return normalize("\n".join(f"$ {block.text}{printed}" for block, _, printed in found))


def answer_of_runs(place: Path, runs: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """Return the output, prompts and files of runs, and their requests to the platform."""
    document = "# Phase 12\n\n## Deliverables\n\n- `src/new.py`, the client\n"
    workshop = Workshop(place, files={"docs/phases/phase-12.md": document})
    parts = []
    for script, options in runs:
        done = workshop.work(script, *options) if script else workshop.resume(*options)
        parts.append(f"exit code {done.exit_code}\n{done.stdout}{done.stderr}")
    if (place / "rounds").exists():
        parts += [f"The agent was told:\n{told}" for told in workshop.told]
    for path in sorted(workshop.runs.glob("**/*")):
        if (
            path.is_file()
            and path.suffix in (".json", ".md", ".log", ".patch")
            and "control" not in path.parts
        ):
            parts.append(f"{path.relative_to(workshop.runs)}:\n{path.read_text()}")
    parts.append(f"requests: {json.dumps(workshop.state['requests'], indent=1)}")
    parts.append(workshop.remote.git("log", "--all", "--format=%D %an%n%B", "--name-status"))
    for name in ("list", "doctor", "metrics"):
        done = workshop.specguard("run", name)
        parts.append(f"$ specguard run {name}\nexit code {done.exit_code}\n{done.stdout}{done.stderr}")
    return normalize("\n".join(parts))


def _asked(agent: str, event: str, directory: Path) -> str:
    env = {"XDG_CACHE_HOME": str(directory.parent / "cache")}
    return _shown(run_here("hook", agent, directory=directory, env=env, stdin=event))


def _shown(outcome: Outcome) -> str:
    try:
        printed = "\n".join(json.dumps(json.loads(line), indent=1) for line in outcome.stdout.splitlines())
    except json.JSONDecodeError:
        printed = outcome.stdout
    return f"exit code {outcome.exit_code}\n{printed}\n{outcome.stderr}"


def _file(name: str) -> str:
    return quote(name, safe=" ,'")


def write(folder: Path, entry: Entry) -> None:
    """Write a file of the record."""
    # A temporary folder's name may contain characters that Markdown escapes.
    place = Path(gettempdir()).resolve() / f"golden-{os.getpid():08}"
    place.mkdir()
    try:
        text = entry.answer(place, *entry.arguments)
    finally:
        shutil.rmtree(place)
    for path, name in ((place, "<place>"), (ROOT, "<root>"), (sys.prefix, "<environment>")):
        text = text.replace(str(path), name)
    text = re.sub(r'"(seconds|duration|pid)": [\d.]+', r'"\1": 0', text)
    text = re.sub(r"(?<=ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI)[\w+/]+", "KEY", text)
    file = folder / entry.name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", errors="surrogateescape")


def record(folder: Path) -> None:
    """Write the whole record into an empty or missing folder."""
    folder.mkdir(parents=True, exist_ok=True)
    outcome = run_here("docs", "--directory", "pages", directory=folder)
    assert not outcome.exit_code, outcome
    with Pool(2) as pool:
        pool.starmap(write, [(folder, entry) for entry in entries()], chunksize=1)


def compare(revision: str) -> int:
    """Show the differences of the working tree from a revision or a record; return the exit code."""
    with TemporaryDirectory(prefix="golden-") as made:
        old, new = Path(revision).resolve(), Path(made, "new")
        if not old.is_dir():
            resolve = ("git", "-C", str(ROOT), "rev-parse", "--verify", f"{revision}^{{commit}}")
            oid = subprocess.run(resolve, check=True, capture_output=True, text=True).stdout.strip()
            # Some answers contain the current day.
            old = ROOT / ".golden" / f"{oid}-{datetime.now(UTC).date()}"
            if not old.exists():
                record_revision(oid, Path(made, "tree"), Path(made, "old"))
                shutil.copytree(Path(made, "old"), old)
        record(new)
        shown = ("git", "diff", "--no-index", "--no-prefix", "--stat", "--patch", str(old), str(new))
        return subprocess.run(shown, check=False).returncode


def record_revision(oid: str, tree: Path, folder: Path) -> None:
    """Record a revision by its own code, with the libraries of this environment."""
    worktree = ("git", "-C", str(ROOT), "worktree")
    subprocess.run([*worktree, "add", "-q", "--detach", str(tree), oid], check=True)
    try:
        script = tree / "tests" / "golden.py"
        if not script.exists():
            shutil.copy(__file__, script)
        environment = tree / ".venv"
        EnvBuilder(symlinks=True).create(environment)
        paths = sysconfig.get_paths(vars={"base": str(environment), "platbase": str(environment)})
        libraries = f"{tree}\n{tree}/rules\n{sysconfig.get_path('purelib')}\n"
        Path(paths["purelib"], "golden.pth").write_text(libraries)
        for program in ("specguard", "pip"):
            text = Path(sys.prefix, "bin", program).read_text().replace(sys.prefix, str(environment))
            Path(paths["scripts"], program).write_text(text)
            Path(paths["scripts"], program).chmod(0o755)
        subprocess.run([f"{paths['scripts']}/python", script, "record", folder], cwd=tree, check=True)
    finally:
        subprocess.run([*worktree, "remove", "--force", str(tree)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["record"] and len(sys.argv) == 3:
        record(Path(sys.argv[2]).resolve())
    elif sys.argv[1:2] == ["compare"] and len(sys.argv) == 3:
        sys.exit(compare(sys.argv[2]))
    else:
        sys.exit(__doc__)
