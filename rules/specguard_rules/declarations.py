"""The tables at the top of a policy that rules of this plugin alone read."""

from __future__ import annotations

from specguard.rules import Declaration
from specguard_rules.artifacts._assets import Assets
from specguard_rules.artifacts._checklists import Checklists
from specguard_rules.artifacts._grounding import Grounding
from specguard_rules.artifacts._invariants import Invariant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DECLARATIONS: Final = (
    Declaration("checklists", Checklists, fact="checklists"),
    Declaration("grounding", Grounding, fact="grounding"),
    Declaration("invariants", Invariant, shape="list", fact="invariants"),
    Declaration("assets", Assets, fact="assets"),
)
