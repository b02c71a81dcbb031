"""The start of every test: an environment without the user's settings, and an empty repository."""

import ctypes  # noqa: F401 - from the first import on, libffi keeps its own file open on some systems
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest
from hypothesis import settings

from specguard.change.change import Change
from specguard.change.check_request import Request
from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.change.sources import open_changes
from specguard.testing import Repository
from specguard.testing.repository import clean_environment

# Tests run in parallel on slow machines, so a slow test is not a failure. The examples are the same each
# time, so that only a change of the code changes a result; `make fuzz` tries new ones, and more.
settings.register_profile("specguard", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("specguard")

# Tests wait mostly for the disk, which they do not need.
_MEMORY = "/dev/shm"
if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK):
    found = os.statvfs(_MEMORY)
    if found.f_bavail * found.f_frsize > 2 << 30 and not found.f_flag & os.ST_NOEXEC:
        # pytest has already used a temporary file, after which `tempfile` ignores the variable.
        os.environ["TMPDIR"] = tempfile.tempdir = _MEMORY

# A shell without job control starts commands that end with `&` with this signal ignored. Processes inherit
# that, and the tests of interruptions would wait for ever.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# Otherwise the first test that shares memory with another process would leave its pipe open.
resource_tracker.ensure_running()


def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    """Put a test's group into its id, so that one worker runs the whole group.

    xdist does this itself by an attribute that pytest no longer has from 9.2 on.
    """
    if not config.getoption("loadgroup", default=False):
        return
    for item in items:
        for mark in item.iter_markers("xdist_group"):
            if hasattr(item, "_id") and "@" not in item.nodeid.rpartition("]")[2]:
                item._id = type(item._id).parse(f"{item.nodeid}@{mark.args[0]}")


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGPIPE)
_AMBIENT = ("GIT_", "GITHUB_", "GITLAB_", "CI_", "PRE_COMMIT", "SPECGUARD_")


def _shared() -> dict[str, object]:
    """Return the state of this process that the next test sees."""
    found: dict[str, object] = {str(number): signal.getsignal(number) for number in _SIGNALS}
    variables = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return {**found, **variables, "working directory": os.getcwd()}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skip what fails because OpenSSH is not installed, for which git does not ask."""
    report = yield
    if report.failed and "ssh-keygen" in report.longreprtext and not shutil.which("ssh-keygen"):
        report.outcome, report.longrepr = "skipped", (__file__, 0, "there is no ssh-keygen")
    return report


def pytest_collection_finish() -> None:
    """Exclude the tests and modules themselves from garbage collection: they stay until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def temporary_files_are_the_session_s(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Put temporary files where pytest cleans up, even if a worker is killed."""
    os.environ["TMPDIR"] = tempfile.tempdir = str(tmp_path_factory.mktemp("temporary"))


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Check that a test restores variables, the working directory and signals, and closes its files."""
    before, opened = _shared(), len(os.listdir("/dev/fd"))
    yield
    assert _shared() == before
    # A thread of an earlier test may have closed some meanwhile.
    assert len(os.listdir("/dev/fd")) <= opened


@pytest.fixture(autouse=True, scope="module")
def no_process_is_left() -> Iterator[None]:
    """Kill the processes that a module's tests have left running."""
    before = set(psutil.Process().children())
    yield
    for child in set(psutil.Process().children()) - before:
        child.kill()


@pytest.fixture(autouse=True)
def plain_environment(
    nothing_is_left: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> None:
    """Make hooks and CI jobs run tests like anybody else, without the user's cache and settings of git.

    Each test has its own cache: whoever writes to a cache looks at all its files.
    """
    for name in list(os.environ):
        if name.startswith(_AMBIENT) or name == "CI":
            monkeypatch.delenv(name)
    here = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache" / str(hash(request.node.nodeid))))
    (here / "gitconfig").write_text("[user]\nname = Ann\nemail = ann@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(here / "gitconfig"))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository on the branch `main`."""
    return Repository(tmp_path / "repository")


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    """A repository with guarded files, for tests of agents' hooks."""
    from tests.integrations.hooks.asking import guarded

    return guarded(tmp_path / "repository")


class Opener(Protocol):
    """Opens the changes of a repository; see `opened`."""

    def __call__(
        self, repository: Repository, *, env: Mapping[str, str] | None = None, **options: Any
    ) -> Sequence[Change]: ...


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Return a function that opens the changes of a request; they are readable until the test ends."""
    with ExitStack() as stack:

        def open_all(
            repository: Repository, *, env: Mapping[str, str] | None = None, **options: Any
        ) -> Sequence[Change]:
            environment = {**clean_environment(), **(env or {})}
            options.setdefault("directory", str(repository.path))
            located = Located.locate(options["directory"], environment)
            git = stack.enter_context(Git(located))
            return open_changes(git, Request(environment=environment, **options))

        yield open_all


@pytest.fixture
def change(opened: Opener) -> Any:
    """Return a function that opens the only change of a request."""

    def open_one(repository: Repository, **options: Any) -> Change:
        [only] = opened(repository, **options)
        return only

    return open_one
