"""What a command needs beyond specguard's own dependencies."""

from __future__ import annotations

from contextlib import contextmanager

from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def needing(extra: str, *modules: str) -> Iterator[None]:
    """Import what is in an extra.

    Args:
        extra: its name.
        modules: the packages that come with it.

    Raises:
        SpecguardError: one of them is not installed, or is of a version that lacks what is imported from it.
    """
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in modules:
            raise
        raise SpecguardError(
            f"this needs what is in the extra {extra!r}, and the package {error.name} is missing or too old",
            help=f"pip install --upgrade 'specguard[{extra}]'",
            code="extra-missing",
        ) from error
