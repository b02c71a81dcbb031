"""`[grounding]`: the documents that agents must have read."""

from __future__ import annotations

from specguard.rules import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Annotated

    from pydantic import Field


class Grounding(Settings):
    """Documents that agents read before they work, and where they say that they did."""

    all: Annotated[
        list[str],
        Field(
            description="documents that every agent must cite",
            json_schema_extra={"tightens": "more"},
        ),
    ] = []
    by_agent: Annotated[
        dict[str, list[str]],
        Field(
            description="more documents for single agents, by name",
            json_schema_extra={"tightens": "more"},
        ),
    ] = {}
    equivalents: Annotated[
        dict[str, list[str]],
        Field(description="documents that may replace one, by its path"),
    ] = {}
    external: Annotated[
        list[str],
        Field(
            description="documents outside the repository (absolute or `~`): only a warning",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = []
    agent: Annotated[
        str, Field(min_length=1, description="the placeholder of paths that names the agent")
    ] = "agent"
    cited_by: Annotated[
        list[str],
        Field(
            description="where an agent cites them; by default all contracts whose path names an agent, "
            "except `noted_in`",
            json_schema_extra={"names": ["artifacts"]},
        ),
    ] = []
    noted_in: Annotated[
        str,
        Field(
            description="where an agent notes an equivalent",
            json_schema_extra={"names": ["artifacts"]},
        ),
    ] = "agent-scratchpad"

    def problem(self) -> str:
        """What is wrong with the table as a whole; empty where nothing is."""
        named = {*self.all, *(document for documents in self.by_agent.values() for document in documents)}
        for document in [*named, *(other for others in self.equivalents.values() for other in others)]:
            if document in self.external:
                continue
            if document.startswith(("/", "~/")):
                return (
                    f"{document!r} is outside of the repository: name it in `external` too, or copy it here"
                )
            if not document or ".." in document.split("/"):
                return f"{document!r} is no path from the repository's root"
        for document in self.external:
            if document not in named or not document.startswith(("/", "~/")):
                return (
                    f"`external` names {document!r}, which is no absolute or `~/` path of `all` or `by_agent`"
                )
        for document in self.equivalents:
            if document not in named:
                return f"`equivalents` names {document!r}, which no agent has to read"
        return ""
