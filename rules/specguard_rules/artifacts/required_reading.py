"""A rule about required reading: the grounding documents that every agent of a pass must cite."""

from __future__ import annotations

from specguard.rules import Finding, Rule, Settings, path_text, plain_path, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar

    from specguard.artifacts.artifacts import AgentWork, Artifact
    from specguard.rules import Artifacts, Contract, Documents, Entry, Stage


class Grounding(Settings):
    """Documents that agents read before they work, and where they say that they did."""

    all: list[str] = setting([], "documents that every agent must cite", tightens="more")
    by_agent: dict[str, list[str]] = setting({}, "more documents for single agents, by name", tightens="more")
    equivalents: dict[str, list[str]] = setting({}, "documents that may replace one, by its path")
    external: list[str] = setting(
        [], "those of them outside the repository (absolute or `~`): only a warning", tightens="fewer"
    )
    noted_in: str = setting("agent-scratchpad", "where an agent notes an equivalent", names=["artifacts"])

    def problem(self) -> str:
        """Return the problem with the table as a whole; empty if there is none."""
        named = self.required_documents()
        for document in [*named, *(other for others in self.equivalents.values() for other in others)]:
            outside = document.startswith(("/", "~/"))
            if document not in self.external and (outside or not document or ".." in document.split("/")):
                return f"{document!r} is not a path from the root: name it in `external` too, or copy it here"
        for document in self.external:
            if document not in named or not document.startswith(("/", "~/")):
                return f"`external` names {document!r}, no absolute or `~/` path of `all` or `by_agent`"
        unread = next((document for document in self.equivalents if document not in named), None)
        return f"`equivalents` names {unread!r}, which no agent has to read" if unread is not None else ""

    def required_documents(self, agent: str | None = None) -> dict[str, str]:
        """Map each document, or each that one agent must cite, to the first key that names it."""
        found: dict[str, str] = {}
        for index, document in enumerate(self.all):
            found.setdefault(document, f"grounding.all.{index}")
        for name, documents in self.by_agent.items():
            for document in documents if agent in (None, name.casefold()) else ():
                found.setdefault(document, f"grounding.by_agent.{name}")
        return found


class UnreadGrounding(Rule):
    r"""A grounding document is missing or not cited.

    Agents cite the documents in `all` and `by_agent` of `[grounding]` in an artifact with `{agent}` in its
    path. One of `equivalents` may replace another if the agent's artifact in `noted_in`, which does not count
    otherwise, cites it too. Those of `external` only cause a warning.

    Why is this bad? An agent that has not read the architecture invents one.

    How to fix it: read the document, and cite it.

    ```text
    error: docs/missing.md: the grounding document docs/missing.md is not there
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL.md"

    [grounding]
    all = ["docs/ARCHITECTURE.md"]
    by_agent = {P1 = ["docs/missing.md"]}
    '''
    base = {files = {"docs/ARCHITECTURE.md" = "# Architecture\n"}}

    [[commits]]
    message = "docs: final"
    files = {"pass/AGENT_P1_FINAL.md" = "# Final\n\n<!-- `docs/ARCHITECTURE.md` -->\n"}

    [[expect]]
    code = "ART014"
    path = "docs/missing.md"

    [[expect]]
    code = "ART014"
    path = "pass/AGENT_P1_FINAL.md"
    message = "the agent P1 does not cite docs/ARCHITECTURE.md"

    [[expect]]
    code = "ART014"
    path = "pass/AGENT_P1_FINAL.md"
    message = "the agent P1 does not cite docs/missing.md"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL.md"

    [artifacts.agent-scratchpad]
    path = "**/AGENT_{agent}_SCRATCHPAD.md"

    [grounding]
    all = ["docs/ARCHITECTURE.md", "prompts/spec-to-milestone.md"]
    equivalents = {"prompts/spec-to-milestone.md" = ["prompts/spec-2-milestone.md"]}
    '''

    [base.files]
    "docs/ARCHITECTURE.md" = "# Architecture\n"
    "prompts/spec-2-milestone.md" = "# Milestones\n"

    [[commits]]
    message = "docs: final"

    [commits.files]
    "pass/AGENT_P1_FINAL.md" = "# Final\n\n- `docs/ARCHITECTURE.md`\n- `prompts/spec-2-milestone.md:1`\n"
    "pass/AGENT_P1_SCRATCHPAD.md" = "# P1\n\nRead prompts/spec-2-milestone.md for spec-to-milestone.\n"
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL.md"

    [grounding]
    all = ["docs/ARCHITECTURE.md", "~/prompts/spec-to-milestone.md"]
    external = ["~/prompts/spec-to-milestone.md"]
    '''
    base = {files = {"docs/ARCHITECTURE.md" = "# Architecture\n"}}

    [[commits]]
    message = "docs: final"
    files = {"pass/AGENT_P1_FINAL.md" = "# Final\n\n`docs/ARCHITECTURE.md`\n"}

    [[expect]]
    code = "ART014"
    message = "~/prompts/spec-to-milestone.md is outside of the repository, and not checked"
    severity = "warning"
    ```
    """

    code: ClassVar[str] = "ART014"
    tables: ClassVar[tuple[str, ...]] = ("grounding.all", "grounding.by_agent")
    condition: ClassVar[str] = "every grounding document exists, and every agent cites what it must have read"

    def check(
        self,
        grounding: Grounding,
        contracts: Mapping[str, Contract],
        documents: Documents,
        entries: Sequence[Entry],
        stage: Stage,
        whole: bool,
        artifacts: Artifacts | None = None,
    ) -> Iterator[Finding]:
        """Look for the grounding documents, and for the citations of each agent."""
        of_agents = artifacts.agent_contracts if artifacts is not None else ()
        cited_by = [name for name in of_agents if name != grounding.noted_in]
        names = [*cited_by, *([grounding.noted_in] if grounding.noted_in in contracts else [])]
        found = artifacts.agent_works(names) if artifacts is not None else []
        judged = [work for work in found if (whole or work.touched) and work.of_contracts(cited_by)]
        if stage == "staged" and not whole:
            judged = [work for work in judged if len({one.name for one in work.artifacts}) == len(names)]
        changed = {entry.path for entry in entries}
        for document, key in grounding.required_documents().items():
            if document in grounding.external:
                message = f"the grounding document {document} is outside of the repository, and not checked"
                step = "See for yourself that agents read it; a copy in the repository can be checked."
                if judged:
                    yield Finding(message, step, severity="warning", key=f"external {document}", setting=key)
                continue
            places = [_path(one) for one in (document, *grounding.equivalents.get(document, ()))]
            asked = whole or judged or not changed.isdisjoint(places)
            if asked and not any(map(documents.tree.has_file, places)):
                message = f"the grounding document {document} is not there"
                step = "Put it there, or name another one in the authority."
                found_here = Finding(message, step, places[0], key="grounding", setting=key)
                found_here.side = "base" if places[0] in changed else None
                yield found_here
        for work in judged:
            yield from _uncited_documents(work, grounding, cited_by)


def _uncited_documents(work: AgentWork, grounding: Grounding, cited_by: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding for each document that an agent neither cites, nor notes an equivalent of."""
    sources, notes = work.of_contracts(cited_by), work.of_contracts([grounding.noted_in])
    where = " or ".join(path_text(one.path) for one in sources[:3])
    for document, key in grounding.required_documents(work.agent.casefold()).items():
        if document in grounding.external or _cites(sources, document):
            continue
        equivalents = [one for one in grounding.equivalents.get(document, ()) if _cites(sources, one)]
        if not equivalents:
            path, setting = sources[0].path, key
            message = f"the agent {work.agent} does not cite {document}"
            step = f"Read it, and cite `{document}` in {where}."
        else:
            if any(_cites(notes, other) for other in equivalents):
                continue
            path, setting = (notes or sources)[0].path, "grounding.equivalents"
            noted = f"its {grounding.noted_in} does not note it"
            message = f"the agent {work.agent} cites {equivalents[0]} in place of {document}, and {noted}"
            step = f"Write there that `{equivalents[0]}` was used."
            if grounding.noted_in not in sources[0].artifacts.contracts:
                step = f"Let the policy have [artifacts.{grounding.noted_in}], or name another in `noted_in`."
        yield Finding(message, step, path, key=f"{work.agent} {document}", setting=setting)


def _cites(artifacts: Sequence[Artifact], document: str) -> bool:
    """True if one of the artifacts cites a document by its path from the root."""
    wanted, end = _path(document), f"/{document.removeprefix('./')}"
    for artifact in artifacts:
        places, absolute = artifact.artifacts.cited(artifact)
        # A document that cites itself is not evidence that it was read.
        if wanted != artifact.path and (wanted in places or any(path.endswith(end) for path in absolute)):
            return True
    return False


def _path(document: str) -> bytes:
    return plain_path(document.encode("utf-8", "surrogateescape")) or b""
