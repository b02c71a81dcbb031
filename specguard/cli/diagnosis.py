"""One thing that `specguard doctor` looked at, and what a policy leaves off."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal

    from specguard.authority.policy import Policy
    from specguard.runs.settings import RunSettings
    from specguard.specs.settings import SpecSettings
    from specguard.work.kinds import WorkKind

    Status = Literal["ok", "note", "missing"]


class Diagnosis:
    """One thing that was looked at.

    Attributes:
        subject: what.
        status: `ok`, `note` (a check works without it) or `missing` (it does not).
        said: what is there.
        help: the remedy; empty where nothing is to be done.
    """

    __slots__ = ("help", "said", "status", "subject")

    def __init__(self, subject: str, status: Status, said: str, help: str = "") -> None:
        self.subject = subject
        self.status = status
        self.said = said
        self.help = help


def off_promises(policy: Policy) -> Iterator[str]:
    """What a way to work promises and leaves to the project to turn on, each with the line that does."""
    runs: RunSettings = policy.declared("run_settings")
    specs: SpecSettings = policy.declared("spec_settings")
    kinds: Mapping[str, WorkKind] = policy.declared("work_kinds")
    gates = {name: [gate.name for gate in kind.gates if gate.kind == "gate"] for name, kind in kinds.items()}
    first = next((names[0] for names in gates.values() if names), "GATE")
    unset = [key for key in ("quick_gates", "full_gates") if not getattr(runs, key)]
    local = runs.keep == "local"
    ignored = f"; and in .gitignore, as its last line, !/{runs.path.strip('/')}/" if local else ""
    if runs.full_before and unset:
        lines = " and ".join(['keep = "tree"'] * local + [f'{key} = ["{first}"]' for key in unset])
        yield (
            "gates on each commit, again after fixes and before reviews, and a passing run for each slice's "
            f"final tree (RUN009): under [runs] write {lines}, with your gates' names{ignored}"
        )
    elif any(gates.values()) and not runs.require:
        wanted = ", ".join(f'"{kind}"' for kind, names in gates.items() if names)
        yield (
            "a commit names its run, whose gates passed on its tree (RUN001, RUN002): under [runs] write "
            f'keep = "tree" and require = [{wanted}]{ignored}'
        )
    if local and len(unset) < (1 if runs.full_before else 2):
        yield (
            "the gates of [runs] are asked only where a folder of runs is, so not in CI (RUN009): "
            f'under [runs] write keep = "tree"{ignored}'
        )
    if runs.grade in ("", "claimed") and (policy.declares("checklists") or policy.declares("plan_kinds")):
        yield 'a run of its item and tree shows what is done (RUN007): under [runs] write grade = "observed"'
    if specs.code and not specs.governs:
        code, spec = specs.code.patterns[0], next(iter(specs.files.patterns), "SPEC.md")
        yield f'a spec governs its code (SPC003, SPC007): under [specs.governs] write "{code}" = ["{spec}"]'
    assets = policy.declared("assets") if policy.declares("assets") else None
    signed = policy.declared("contracts").get("sign-off")
    name = signed.path.rpartition("/")[2] if signed else ""
    if assets and assets.proofs and name and name not in assets.run_files:
        files = ", ".join(f'"{one}"' for one in [*assets.run_files, name])
        yield f"a reviewer signs an asset's run off (RUN010): under [assets] write run_files = [{files}]"
    trailers = policy.rule("CMT006")
    if policy.merge == "squash" and trailers and trailers.active and trailers.settings.get("require"):
        yield 'commits have the trailers that are asked for (CMT006): take out merge = "squash"'
    if runs.full_before and not policy.declares("grounding"):
        yield 'agents cite what they must read (ART014): under [grounding] write all = ["README.md"]'
