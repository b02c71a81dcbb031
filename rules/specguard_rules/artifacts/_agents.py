"""Which agents left artifacts, and in which pass each of them worked."""

from __future__ import annotations

import re

from specguard.rules import MissingFact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from specguard.rules import Artifact, Artifacts, Contract


def contracts_of_agents(contracts: Mapping[str, Contract], placeholder: str) -> list[str]:
    """The contracts whose artifacts' paths name an agent, in the policy's order.

    Args:
        contracts: the policy's contracts.
        placeholder: the placeholder that is the agent's name.
    """
    named = re.compile(rf"\{{{re.escape(placeholder)}(?::upper)?\}}")
    return [name for name, contract in contracts.items() if named.search(contract.path)]


def known(contracts: Mapping[str, Contract], setting: str, names: Sequence[str]) -> None:
    """Make sure that contracts are there which a setting names.

    Raises:
        MissingFact: one is not.
    """
    for name in names:
        if name not in contracts:
            raise MissingFact(f"`{setting}` names the contract {name!r}, which the policy does not have")


class Work:
    """What one agent left in one pass.

    Attributes:
        agent: its name, as the paths have it.
        folder: the pass's folder; where there is no such pass, the folder of its artifacts.
        artifacts: its artifacts, by path.
    """

    __slots__ = ("agent", "artifacts", "folder")

    def __init__(self, agent: str, folder: bytes) -> None:
        self.agent = agent
        self.folder = folder
        self.artifacts: list[Artifact] = []

    @property
    def touched(self) -> bool:
        """Whether the change touches any of them."""
        return any(artifact.touched for artifact in self.artifacts)

    def of(self, contracts: Sequence[str]) -> list[Artifact]:
        """Those of some contracts, those that the change touches first."""
        found = [artifact for artifact in self.artifacts if artifact.name in contracts]
        return sorted(found, key=lambda artifact: not artifact.touched)


def work_of_agents(artifacts: Artifacts, names: Sequence[str], placeholder: str) -> list[Work]:
    """What each agent left in each pass, by folder and name.

    Args:
        artifacts: all artifacts.
        names: the contracts whose artifacts count.
        placeholder: the placeholder that is the agent's name.
    """
    wanted = set(names)
    found: dict[tuple[bytes, str], Work] = {}
    for artifact in artifacts.all:
        if artifact.name not in wanted or not artifact.is_file:
            continue
        agent = artifact.fields.get(placeholder, "")
        folder = pass_of(artifact, artifacts, placeholder)
        work = found.setdefault((folder, agent.casefold()), Work(agent, folder))
        work.artifacts.append(artifact)
    return [found[key] for key in sorted(found)]


def pass_of(artifact: Artifact, artifacts: Artifacts, placeholder: str) -> bytes:
    """The folder of the innermost pass that an artifact is in; else its own folder.

    Where the contract has one folder for all passes, or one for each agent, it is the root.
    """
    above = [one.path for one in artifacts.passes if artifact.path.startswith(one.path + b"/")]
    if above:
        return max(above, key=len)
    folder = artifact.contract.path.rpartition("/")[0].replace(f"{{{placeholder}}}", "")
    return artifact.folder if "*" in folder or "{" in folder else b""
