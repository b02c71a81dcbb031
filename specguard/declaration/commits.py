"""How many commits a change or a work item has."""

from __future__ import annotations

from specguard.declaration.rule import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from pydantic import Field

    from specguard.declaration.expressions import Expression


class Commits(Settings):
    """How many commits a change or an item has, and which of them count."""

    exactly: Annotated[int | None, Field(ge=1, description="exactly this many")] = None
    at_most: Annotated[int | None, Field(ge=1, description="at most this many")] = None
    at_least: Annotated[int | None, Field(ge=1, description="at least this many")] = None
    ignore: Annotated[
        list[Expression],
        Field(description="subjects of commits that do not count"),
    ] = []
    merges: Annotated[Literal["count", "ignore"], Field(description="whether merge commits count")] = "count"

    @property
    def wanted(self) -> str:
        """The number as a person says it: `exactly 1 commit`, `1 to 4 commits`."""
        if self.exactly is not None:
            return f"exactly {self.exactly} {_plural(self.exactly)}"
        if self.at_least is not None and self.at_most is not None:
            return f"{self.at_least} to {self.at_most} {_plural(self.at_most)}"
        if self.at_most is not None:
            return f"at most {self.at_most} {_plural(self.at_most)}"
        if self.at_least is not None:
            return f"at least {self.at_least} {_plural(self.at_least)}"
        return "any number of commits"

    def accepts(self, count: int) -> bool:
        """Whether there may be so many commits."""
        if self.exactly is not None and count != self.exactly:
            return False
        if self.at_most is not None and count > self.at_most:
            return False
        return self.at_least is None or count >= self.at_least


def _plural(count: int) -> str:
    return "commit" if count == 1 else "commits"
