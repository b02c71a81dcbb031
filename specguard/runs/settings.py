"""`[runs]`: where runs are kept, and whether they are part of the tree."""

from __future__ import annotations

from specguard.declaration.rule import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated, Literal

    from pydantic import Field


class RunSettings(Settings):
    """Where a run leaves its manifest, logs and evidence."""

    path: Annotated[
        str, Field(min_length=1, description="the folder of runs, from the repository's root")
    ] = ".runs"
    keep: Annotated[
        Literal["local", "tree"],
        Field(
            description="`tree`: runs are committed, so what is not in the judged tree does not exist; "
            "`local`: they are files of whoever ran them, and elsewhere nobody can tell",
            json_schema_extra={"tightens": ["local", "tree"]},
        ),
    ] = "local"
    succeeded: Annotated[
        list[str], Field(min_length=1, description="the statuses of a manifest whose run succeeded")
    ] = ["succeeded", "success", "passed"]

    @property
    def folder(self) -> bytes:
        """What the paths in the folder of runs begin with, a slash at its end."""
        return self.path.strip("/").encode("utf-8", "surrogateescape") + b"/"
