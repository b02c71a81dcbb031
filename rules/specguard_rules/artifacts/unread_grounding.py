"""ART014: agents that do not cite what they must have read."""

from __future__ import annotations

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import ClassVar

    from specguard.artifacts.artifacts import Artifact
    from specguard.rules import Artifacts, Contract, Documents, Entry, Stage
    from specguard_rules.artifacts._tables import Grounding


class UnreadGrounding(Rule):
    r"""A grounding document is missing or not cited.

    Agents cite the documents in `all` and `by_agent` of `[grounding]` in artifacts of a contract in
    `cited_by`. One of `equivalents` may replace another if the agent's artifact in `noted_in` cites it too.
    Documents of `external`, outside the repository, only cause a warning.

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
    name: ClassVar[str] = "unread-grounding"
    tables: ClassVar[tuple[str, ...]] = ("grounding.all", "grounding.by_agent")
    condition: ClassVar[str] = (
        "every grounding document exists, and every agent cites those it must have read"
    )

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
        """Look for the documents, and for the citations of each agent."""
        from specguard_rules.artifacts._pass_sweeps import contracts_of_agents, known, work_of_agents

        known(contracts, "grounding.cited_by", grounding.cited_by)
        agents = contracts_of_agents(contracts, grounding.agent)
        cited_by = grounding.cited_by or [name for name in agents if name != grounding.noted_in]
        names = [*cited_by, *([grounding.noted_in] if grounding.noted_in in contracts else [])]
        found = work_of_agents(artifacts, names, grounding.agent) if artifacts is not None else []
        judged = [work for work in found if (whole or work.touched) and work.of(cited_by)]
        if stage == "staged" and not whole:
            judged = [work for work in judged if len({one.name for one in work.artifacts}) == len(names)]
        named = list(_named(grounding))
        inside = [one for one in named if one[0] not in grounding.external]
        changed = {entry.path for entry in entries}
        for document, key in _once(inside):
            places = [_path(one) for one in (document, *grounding.equivalents.get(document, ()))]
            there = (documents.tree.find(place) for place in places)
            asked = whole or judged or not changed.isdisjoint(places)
            if asked and not any(entry is not None and entry.is_file for entry in there):
                yield Finding(
                    f"the grounding document {document} is not there",
                    help="Put it there, or name another one in the authority.",
                    path=places[0],
                    side="base" if places[0] in changed else None,
                    key="grounding",
                    setting=key,
                )
        if not judged or artifacts is None:
            return
        for document, key in _once(one for one in named if one[0] in grounding.external):
            message = f"the grounding document {document} is outside of the repository, and not checked"
            step = "See for yourself that agents read it; a copy in the repository can be checked."
            yield Finding(message, help=step, severity="warning", key=f"external {document}", setting=key)
        cited = _Cited(artifacts)
        for work in judged:
            for document, key in _once(one for one in inside if one[2] in ("", work.agent.casefold())):
                sources = work.of(cited_by)
                if cited.by(sources, document):
                    continue
                equivalents = [
                    one for one in grounding.equivalents.get(document, ()) if cited.by(sources, one)
                ]
                if not equivalents:
                    where = " or ".join(path_text(one.path) for one in sources[:3])
                    message = f"the agent {work.agent} does not cite {document}"
                    step = f"Read it, and cite `{document}` in {where}."
                    yield Finding(
                        message, help=step, path=sources[0].path, key=f"{work.agent} {document}", setting=key
                    )
                    continue
                known(contracts, "grounding.noted_in", [grounding.noted_in])
                pads = work.of([grounding.noted_in])
                if not any(cited.by(pads, other) for other in equivalents):
                    pad = path_text(pads[0].path) if pads else "its scratchpad"
                    yield Finding(
                        f"the agent {work.agent} cites {equivalents[0]} in place of {document}, and its "
                        f"{grounding.noted_in} does not note it",
                        help=f"Write in {pad} that `{equivalents[0]}` was used.",
                        path=(pads or sources)[0].path,
                        key=f"{work.agent} {document}",
                        setting="grounding.equivalents",
                    )


def _named(grounding: Grounding) -> Iterator[tuple[str, str, str]]:
    """Every grounding document with the key that names it, and the agent that it is for; empty for all."""
    for index, document in enumerate(grounding.all):
        yield document, f"grounding.all.{index}", ""
    for agent, documents in grounding.by_agent.items():
        for document in documents:
            yield document, f"grounding.by_agent.{agent}", agent.casefold()


def _once(named: Iterable[tuple[str, str, str]]) -> Iterable[tuple[str, str]]:
    """Each document with the first key that names it."""
    found: dict[str, str] = {}
    for document, key, _ in named:
        found.setdefault(document, key)
    return found.items()


class _Cited:
    """What artifacts cite, each read once."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._known: dict[bytes, tuple[set[bytes], set[str]]] = {}

    def by(self, artifacts: Sequence[Artifact], document: str) -> bool:
        """Whether one of some artifacts cites a document, by its path from the root."""
        wanted, end = _path(document), f"/{document.removeprefix('./')}"
        for artifact in artifacts:
            if artifact.path not in self._known:
                self._known[artifact.path] = self._artifacts.cited(artifact)
            places, absolute = self._known[artifact.path]
            # A document is no evidence that it was read itself.
            cites = wanted in places or any(path.endswith(end) for path in absolute)
            if cites and wanted != artifact.path:
                return True
        return False


def _path(document: str) -> bytes:
    from specguard.rules import plain_path

    return plain_path(document.encode("utf-8", "surrogateescape")) or b""
