"""`[[invariants]]`: what the architecture keeps, whatever an assessment finds."""

from __future__ import annotations

from specguard.rules import Settings, required, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from specguard.rules import Expression, Selecting


class Invariant(Settings):
    """Files and folders that stay where they are, or a pattern that keeps matching in files."""

    paths: Selecting = required("files; without a `pattern` also folders", min_length=1)
    pattern: Expression | None = setting(
        None, "what each file keeps; without it, the paths stay where they are"
    )
    count: Literal["same", "at-least"] = setting(
        "same", "`at-least` allows more", tightens=["at-least", "same"]
    )
    assessment: str = setting("", "the contract that it binds; by default every change", names=["artifacts"])
    message: str = setting("", "more text for findings")
