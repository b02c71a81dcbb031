"""`[[invariants]]`: what the architecture keeps, whatever an assessment finds."""

from __future__ import annotations

from specguard.rules import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from pydantic import Field

    from specguard.rules import Expression, Selecting


class Invariant(Settings):
    """Files and folders that stay where they are, or a pattern that keeps matching in files."""

    paths: Annotated[
        Selecting,
        Field(
            min_length=1,
            description="files; without a `pattern` also folders",
        ),
    ]
    pattern: Annotated[
        Expression | None,
        Field(description="what each file keeps; without it, the paths stay where they are"),
    ] = None
    count: Annotated[
        Literal["same", "at-least"],
        Field(
            description="`at-least` allows more",
            json_schema_extra={"tightens": ["at-least", "same"]},
        ),
    ] = "same"
    assessment: Annotated[
        str,
        Field(
            description="the contract that it binds; by default every change",
            json_schema_extra={"names": ["artifacts"]},
        ),
    ] = ""
    message: Annotated[str, Field(description="more text for findings")] = ""
