"""The cost of work, for tests of functions that may not grow faster than their input."""

import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

from specguard.change.process import Process


def noted_processes(patch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that records the arguments of each program that specguard starts from now on."""
    found: list[Any] = []
    start = Process.__init__

    def note(self: Process, program: str, arguments: Any, *more: Any, **named: Any) -> None:
        found.append(arguments)
        start(self, program, arguments, *more, **named)

    patch.setattr(Process, "__init__", note)
    return found


def _taken(work: Callable[[], object]) -> float:
    """Return the processor seconds of some work, without those of collecting garbage, of other tests too."""
    gc.disable()
    try:
        start = time.process_time()
        work()
        return time.process_time() - start
    finally:
        gc.enable()


def grows_with_length(make: Callable[[int], Callable[[], object]], small: int) -> bool:
    """True if eight times the input takes no more than a few times eight times as long, once in three times.

    Args:
        make: returns the work on an input of a length.
        small: the length of the small input.
    """
    limit = max(min(_taken(make(small)) for _ in range(3)), 0.002) * 8 * 4
    return any(_taken(make(8 * small)) < limit for _ in range(3))
