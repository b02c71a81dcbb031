"""What every test starts from: an environment that says nothing, and an empty repository."""

import gc
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest
from hypothesis import settings

from specguard.change.check_request import Request
from specguard.change.git import Git
from specguard.change.repository import Repository as Located
from specguard.change.sources import Change, open_changes
from specguard.testing import Repository
from specguard.testing.repository import clean_environment

# Tests run beside each other on slow machines: what takes long is no failure. The examples are the same each
# time, so that a change is judged by what it changes; `make fuzz` tries new ones, and more.
settings.register_profile("specguard", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("specguard")

# Most of what tests wait for is a disk, which they have no need of.
_MEMORY = "/dev/shm"
if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK):
    found = os.statvfs(_MEMORY)
    if found.f_bavail * found.f_frsize > 2 << 30 and not found.f_flag & os.ST_NOEXEC:
        # pytest has asked for a temporary file by now, after which the variable alone is not looked at again.
        os.environ["TMPDIR"] = tempfile.tempdir = _MEMORY

# A shell without job control starts what ends with `&` with this signal ignored. Processes inherit that, and
# the tests of interruptions would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    """Put a test's group into its id, by which one worker gets all of a group.

    xdist does so itself by an attribute that pytest has no longer from 9.2 on.
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
    """What of this process the next test meets."""
    found: dict[str, object] = {str(number): signal.getsignal(number) for number in _SIGNALS}
    variables = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return {**found, **variables, "working directory": os.getcwd()}


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the tests and modules themselves, which stay to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def temporary_files_are_the_session_s(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a worker that is killed leaves lies where pytest clears up."""
    os.environ["TMPDIR"] = tempfile.tempdir = str(tmp_path_factory.mktemp("temporary"))


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """A test leaves variables, the working directory and signals as it met them."""
    before = _shared()
    yield
    after = _shared()
    assert after == before


@pytest.fixture(autouse=True, scope="module")
def no_process_is_left() -> Iterator[None]:
    """What a module's tests have started and left ends with it."""
    before = psutil.Process().children()
    yield
    for child in psutil.Process().children():
        if child not in before:
            child.kill()


@pytest.fixture(autouse=True)
def plain_environment(
    nothing_is_left: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> None:
    """Run under a hook or a CI job as anywhere else, and keep out of the user's cache.

    Each module has a cache of its own: whatever is written to one looks at all that is in it.
    """
    for name in list(os.environ):
        if name.startswith(_AMBIENT) or name == "CI":
            monkeypatch.delenv(name)
    monkeypatch.setenv(
        "XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache" / request.node.parent.name)
    )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository on the branch `main`."""
    return Repository(tmp_path / "repository")


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    """A repository with guarded files, about which an agent's hook is asked."""
    from tests.integrations.hooks.asking import guarded

    return guarded(tmp_path / "repository")


class Opener(Protocol):
    """Opens the changes of a repository; see `opened`."""

    def __call__(
        self, repository: Repository, *, env: Mapping[str, str] | None = None, **options: Any
    ) -> Sequence[Change]: ...


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens the changes that a request asks for, and keeps them readable until the test ends."""
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
    """Opens the one change that a request asks for."""

    def open_one(repository: Repository, **options: Any) -> Change:
        [only] = opened(repository, **options)
        return only

    return open_one
