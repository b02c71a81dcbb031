"""Repositories whose settings are imported, and what a check says of them afterwards."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from specguard.importers import Imported
from specguard.testing import Case, Outcome, Repository, Step, run_here
from tests.outcomes import ended


class Project:
    """A repository on main that has an authority made of what was imported.

    Attributes:
        repository: it.
        imported: what the import printed.
    """

    def __init__(self, repository: Repository, imported: Outcome) -> None:
        self.repository = repository
        self.imported = imported

    @property
    def left(self) -> str:
        """What could not be carried over, one a line."""
        return self.imported.stderr

    def passes(self, text: str) -> bool:
        """Whether a commit message is taken by the rules that such settings are for."""
        file = self.repository.git_dir / "MESSAGE"
        file.write_text(text, encoding="utf-8")
        outcome = run_here(
            "check",
            f"--commit-msg-file={file}",
            "--select=CMT002,CMT003,CMT006",
            directory=self.repository.path,
        )
        assert outcome.exit_code in (0, 1), outcome
        return outcome.exit_code == 0

    def change(self, files: Mapping[str, str], delete: Sequence[str] = ()) -> Outcome:
        """What is said of a change on top of main."""
        self.repository.branch("work")
        self.repository.commit("feat: x", files=files, delete=delete)
        return run_here("check", "--output-format=json", directory=self.repository.path)

    def whole(self) -> Outcome:
        """What is said of the whole tree."""
        return run_here("check", "--all", "--output-format=json", directory=self.repository.path)


class Import(Protocol):
    """Makes a repository of files, imports its settings, and commits the authority; see `imported`."""

    def __call__(self, files: Mapping[str, str], *sources: str) -> Project: ...


def taken(importer: Callable[..., None], folder: Path, *name: str) -> Imported:
    """What an importer takes from a folder."""
    found = Imported(str(folder))
    importer(found, *name)
    return found


def told(found: Imported) -> list[str]:
    """What could not be carried over, one text each."""
    return [f"{origin}: {what}: {why}" for origin, what, why in found.skipped]


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    """Makes a repository of files, imports its settings, and commits the authority to main."""

    def make(files: Mapping[str, str], *sources: str) -> Project:
        case = Case(policy="", base=(Step("chore: base", files=files),), branch="main", origin="")
        repository = case.build(tmp_path / "project")
        outcome = ended(run_here("import", "--write", *sources, directory=repository.path))
        repository.stage()
        repository.git("commit", "-q", "--allow-empty", "-m", "docs: authority")
        return Project(repository, outcome)

    return make
