"""What happens to a run when somebody ends specguard itself: Ctrl-C, SIGTERM, a terminal that is closed."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from specguard.executor.ending import RunEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType

ENDING: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""The signals that end a run."""


class HeldSignals:
    """Within it, signals that would end specguard are only noted.

    Attributes:
        received: the first of them; None while there is none.
        impatient: whether there was another after it.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self.impatient = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> HeldSignals:
        self._before = _handle(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _restore(self._before)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.impatient = self.received is not None
        self.received = self.received or signal.Signals(number)


@contextmanager
def killed_by_signals() -> Iterator[None]:
    """Within it, such a signal ends the run that is under way.

    Raises:
        RunEnded: as `killed`, where the signal came.
    """

    def end(number: int, _: FrameType | None) -> None:
        raise killed(signal.Signals(number))

    before = _handle(end)
    try:
        yield
    finally:
        _restore(before)


def killed(by: signal.Signals) -> RunEnded:
    """How a run ends that a signal ended."""
    return RunEnded(
        "killed",
        f"specguard was ended by {by.name}",
        help="`specguard run resume` goes on from the step it was in",
        error="killed",
    )


def _handle(handler: Callable[[int, FrameType | None], None]) -> dict[signal.Signals, Any]:
    # Only the main thread may set handlers. What was ignored, as by nohup, stays so.
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: signal.signal(number, handler)
        for number in ENDING
        if signal.getsignal(number) is not signal.SIG_IGN
    }


def _restore(before: dict[signal.Signals, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)
