"""The tables at the top of a policy that specguard itself declares, next to those of plugins."""

from __future__ import annotations

from specguard.approvals.people import Author
from specguard.approvals.settings import ApprovalSettings
from specguard.approvals.settings import problems as approval_problems
from specguard.artifacts.contracts import Contract
from specguard.declaration.rule import Declaration
from specguard.plans.settings import Models, PlanKind
from specguard.runs.settings import AgentSettings, RunSettings
from specguard.specs.settings import SpecSettings
from specguard.waves.settings import WaveSettings
from specguard.work.kinds import WorkKind, clashes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DECLARATIONS: Final = (
    Declaration("work", WorkKind, shape="tables", fact="work_kinds", problems=clashes),
    Declaration("artifacts", Contract, shape="tables", fact="contracts"),
    Declaration("specs", SpecSettings, fact="spec_settings"),
    Declaration("plans", PlanKind, shape="tables", fact="plan_kinds"),
    Declaration("models", Models, fact="models"),
    Declaration("wave", WaveSettings, fact="wave_settings"),
    Declaration("runs", RunSettings, fact="run_settings"),
    Declaration("agents", AgentSettings, shape="tables", fact="agents"),
    Declaration("authors", Author, shape="tables", fact="authors"),
    Declaration("approvals", ApprovalSettings, fact="approval_settings", problems=approval_problems),
)
