"""`[grounding]`: the documents that agents must have read."""

from __future__ import annotations

from specguard.rules import Settings, setting


class Grounding(Settings):
    """Documents that agents read before they work, and where they say that they did."""

    all: list[str] = setting([], "documents that every agent must cite", tightens="more")
    by_agent: dict[str, list[str]] = setting({}, "more documents for single agents, by name", tightens="more")
    equivalents: dict[str, list[str]] = setting({}, "documents that may replace one, by its path")
    external: list[str] = setting(
        [], "documents outside the repository (absolute or `~`): only a warning", tightens="fewer"
    )
    agent: str = setting("agent", "the placeholder of paths that names the agent", min_length=1)
    cited_by: list[str] = setting(
        [],
        "where an agent cites them; by default all contracts whose path names an agent, except `noted_in`",
        names=["artifacts"],
    )
    noted_in: str = setting("agent-scratchpad", "where an agent notes an equivalent", names=["artifacts"])

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
