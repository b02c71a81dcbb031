"""What `specguard doctor --canary` says: whether each active rule catches a change that it is there for."""

from __future__ import annotations

from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.cli.diagnosis import Diagnosis
from specguard.cli.words import counted
from specguard.engine.policies import open_policy
from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.change.request import Request


def diagnose_canaries(request: Request) -> Iterator[Diagnosis]:
    """One change a rule, in scratch repositories; nothing of this repository is written.

    Args:
        request: its policy is what a check would judge by.
    """
    from specguard.evaluation.canaries import try_canaries
    from specguard.evaluation.own import authority_of

    counts = {"caught": 0, "missed": 0, "unprovoked": 0}
    try:
        policy = open_policy(request)
        with Git(Repository.locate(request.directory, request.environment)) as git:
            own = authority_of(git, policy)
        for canary in try_canaries(own):
            counts[canary.outcome] += 1
            subject = f"canary {canary.code} {canary.name}"
            if canary.outcome == "caught":
                yield Diagnosis(subject, "ok", f"caught {canary.said}")
            elif canary.outcome == "missed":
                yield Diagnosis(
                    subject, "missing", f"did not fire: {canary.said}", f"specguard rule {canary.code}"
                )
            else:
                yield Diagnosis(subject, "note", f"not provoked, so nothing is shown: {canary.said}")
    except SpecguardError as error:
        yield Diagnosis("canaries", "missing", error.message, error.help)
        return
    said = f"{counts['caught']} of {counted(sum(counts.values()), 'active rule')} caught their change"
    if counts["unprovoked"]:
        said += f", {counts['unprovoked']} could not be provoked"
    if counts["missed"]:
        yield Diagnosis("canaries", "missing", f"{said}, {counts['missed']} did not fire")
    else:
        yield Diagnosis("canaries", "note" if counts["unprovoked"] else "ok", said)
