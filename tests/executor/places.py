"""Runs with a place, on a bare remote and a clone of it; agents are small shell scripts."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

from specguard.authority.policy import Policy
from specguard.change.check_request import Request
from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.change.sources import open_changes
from specguard.engine.facts import Facts
from specguard.engine.trusted_policy import open_policy
from specguard.executor.place import Place
from specguard.executor.run import Run, RunOptions
from specguard.executor.side_effects import make_place
from specguard.runs.manifests import PolicyMade, RunFolder
from specguard.runs.manifests import Repository as From
from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from specguard.testing.running import command
from specguard.work.item import WorkItem
from tests.executor.one_run import manifest

DATA = Path(__file__).with_name("data")

POLICY = DATA.joinpath("setting.md").read_text()
FILES = {
    "SPEC_AUTHORITY.md": POLICY,
    "NEXT_PHASE.json": '{"next": 12}\n',
    "locked/a": "locked\n",
    "src/a.py": "a = 1\n",
    ".gitignore": "build/\n.runs/\n",
}


_TEMPLATES = TemporaryDirectory(prefix="specguard-clones-")


def clones(folder: Path, files: Mapping[str, str], object_format: Literal["sha1", "sha256"] = "sha1") -> str:
    """A maintainer's repository, a bare remote of it and the user's clone of that, below a folder.

    They are made once for the same files, and copied from then on.

    Returns:
        The commit that brings the files.
    """
    name = sha256(json.dumps([files, object_format]).encode()).hexdigest()[:16]
    made = Path(_TEMPLATES.name, name)
    if not made.exists():
        maker = Repository(made / "maker", object_format=object_format)
        maker.commit("chore: begin", files={"README.md": "# Project\n"})
        maker.commit("feat: more", files=files)
        maker.git("clone", "-q", "--bare", str(maker.path), str(made / "remote.git"))
        maker.remote(str(made / "remote.git"))
        maker.git("clone", "-q", "--template=", str(made / "remote.git"), str(made / "user"))
    shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
    for one in ("maker", "user"):
        copy = Repository(folder / one, create=False)
        copy.git("remote", "set-url", "origin", str(folder / "remote.git"))
        copy.git("update-index", "-q", "--refresh")
    return copy.git("rev-parse", "HEAD").strip()


class Setting:
    """A bare remote, a maintainer's and the user's clone of it, and a home with a name in it.

    Args:
        folder: an empty one.
        files: what the base has beside `begun`; None takes a file away.
        object_format: of all three.
    """

    begun: ClassVar[Mapping[str, str]] = FILES

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, str | None] | None = None,
        object_format: Literal["sha1", "sha256"] = "sha1",
    ) -> None:
        self.folder = folder
        self.object_format = object_format
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / ".gitconfig").write_text("[user]\n\tname = Uma User\n\temail = uma@example.org\n")
        contents = {**self.begun, **(files or {})}
        kept = {path: text for path, text in contents.items() if text is not None}
        self.base = clones(folder, kept, object_format)
        self.maker = Repository(folder / "maker", create=False)
        self.maker.commits_made = 2
        self.user = Repository(folder / "user", create=False)
        self.remote = Repository(folder / "remote.git", create=False)
        self.path = os.environ["PATH"]

    @property
    def environment(self) -> dict[str, str]:
        """The user's."""
        environment = clean_environment()
        del environment["GIT_CONFIG_GLOBAL"]
        own = {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.folder / "cache"), "PATH": self.path}
        return {**environment, **own}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the installed command in the user's clone."""
        return subprocess.Popen(
            [command(), *words],
            cwd=self.user.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def run(
        self, directory: str = "", *, place: bool = True, item: bool = True, branch: str = "phase-12"
    ) -> Iterator[Run]:
        """A run of phase 12, or of the item that another branch names; its place is made."""
        directory = directory or str(self.user.path)
        environment = self.environment
        with Git(Located.locate(directory, environment)) as git:
            request = Request(directory=directory, environment=environment, base="main", branch=branch)
            policy = open_policy(request)
            found = _item(git, request, policy) if item else None
            made = manifest(
                repository=From(base="main", base_oid=self.base, object_format=self.object_format),
                policy=PolicyMade(policy_id=policy.policy_id, ref=self.base, documents={}),
                started_at="2026-01-02T03:04:05Z",
            )
            folder = RunFolder(f"{directory}/.runs/phase-12/{made.run_id}")
            options = RunOptions(environment=environment, directory=directory)
            run = Run(options, folder, made, git=git, policy=policy, work_item=found)
            with closing(run):
                run.save()
                if place:
                    make_place(run)
                yield run


def _item(git: Git, request: Request, policy: Policy) -> WorkItem:
    [change] = open_changes(git, request)
    item: WorkItem = Facts(change, policy).get("work_item")
    return item


def work(run: Run, script: str, **variables: str) -> Place:
    """Have an agent work in the run's place: a shell script with the user's own environment."""
    variables = {
        **run.options.environment,
        "SPECGUARD": command(),
        "USER_CHECKOUT": run.options.directory,
        "GIT_AUTHOR_NAME": "Agent",
        "GIT_AUTHOR_EMAIL": "agent@example.org",
        "GIT_COMMITTER_NAME": "Agent",
        "GIT_COMMITTER_EMAIL": "agent@example.org",
        **variables,
    }
    subprocess.run(["sh", "-ec", script], cwd=run.place.path, env=variables, check=True, capture_output=True)
    return run.place


def everything(path: str | os.PathLike[str]) -> dict[str, tuple[int, bytes]]:
    """Each file below a folder with its mode and its bytes."""
    found = {}
    for folder, folders, files in os.walk(path):
        for name in files + [one for one in folders if os.path.islink(os.path.join(folder, one))]:
            full = os.path.join(folder, name)
            content = os.readlink(full).encode() if os.path.islink(full) else Path(full).read_bytes()
            found[os.path.relpath(full, path)] = (os.lstat(full).st_mode, content)
    return found


def program(file: Path, text: str) -> Path:
    """Write a program: a shell's lines, or all of it where the first line says what runs it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file
