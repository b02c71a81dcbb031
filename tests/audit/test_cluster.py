"""An audit on a Dask cluster finds what one process finds, also where a worker dies."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from specguard.testing.repository import clean_environment
from tests.audit.test_audit import audited, long_history, rows, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from specguard.testing import Repository

pytestmark = pytest.mark.xdist_group("cluster")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return long_history(tmp_path_factory.mktemp("long") / "own", 1500)


@pytest.fixture(scope="module")
def alone(long: Repository, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    store = tmp_path_factory.mktemp("alone") / "s.sqlite"
    assert audited(store, long.path).exit_code == 0
    return rows(store)


_LOCAL = """
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
"""


def test_a_cluster_finds_the_same_rows(
    long: Repository, alone: list[tuple[object, ...]], tmp_path: Path
) -> None:
    store = tmp_path / "s.sqlite"
    # Its processes and threads are none of the tests' own.
    cluster = subprocess.Popen(
        [sys.executable, "-c", _LOCAL], env=clean_environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert cluster.stdout is not None
    address = cluster.stdout.readline().strip()
    done = started(store, long.path, "--scheduler", address)
    said = done.communicate(timeout=120)[1].decode()
    cluster.communicate("end\n", timeout=60)
    assert done.returncode == 0, said
    assert rows(store) == alone


def _started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *words], env=clean_environment(), text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A scheduler and two workers, each a process of its own: its address, and the workers."""
    scheduler = _started("distributed.cli.dask_scheduler", "--port=0", "--no-dashboard", "--host=127.0.0.1")
    assert scheduler.stderr is not None
    address = next(found[0] for line in scheduler.stderr if (found := re.search(r"tcp://\S+:[0-9]+", line)))
    options = ["--nthreads=1", "--no-dashboard", "--no-nanny"]
    workers = [_started("distributed.cli.dask_worker", address, *options) for _ in range(2)]
    try:
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.communicate()


def test_a_worker_that_dies_loses_nothing_and_counts_nothing_twice(
    long: Repository,
    alone: list[tuple[object, ...]],
    cluster: tuple[str, list[subprocess.Popen[str]]],
    tmp_path: Path,
) -> None:
    address, workers = cluster
    store = tmp_path / "s.sqlite"
    audit = started(store, long.path, "--scheduler", address)
    time.sleep(3)
    workers[0].kill()
    said = audit.communicate(timeout=120)[1].decode()
    assert audit.returncode == 0, said
    assert rows(store) == alone


def test_a_scheduler_that_does_not_answer_is_one_message(long: Repository, tmp_path: Path) -> None:
    done = audited(tmp_path / "s.sqlite", long.path, "--scheduler", "tcp://127.0.0.1:9")
    assert done.exit_code == 2
    assert "no scheduler answers at tcp://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
