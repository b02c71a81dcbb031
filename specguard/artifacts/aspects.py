"""What a contract can find wrong with an artifact, aspect by aspect, each under the name of its rule."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from specguard.artifacts.artifacts import Artifact
    from specguard.model import Finding

ASPECTS: Final = (
    ("missing-artifact", "members:missing_companions", ("companions",)),
    ("invalid-structure", "structure:invalid_structure", ()),
    ("missing-section", "sections:missing_sections", ("sections", "forbidden_sections")),
    ("empty-section", "sections:empty_sections", ("sections",)),
    ("missing-evidence", "evidence:missing_evidence", ("evidence",)),
    ("missing-evidence", "evidence:missing_inputs", ("inputs",)),
    ("dangling-evidence", "evidence:dangling_evidence", ("evidence",)),
    ("dangling-evidence", "evidence:shortened_evidence", ("evidence",)),
    ("dangling-evidence", "evidence:unknown_evidence", ("evidence",)),
    ("unranked-finding", "findings:unranked_findings", ("findings",)),
    ("open-finding", "findings:open_findings", ("findings",)),
    ("", "findings:findings_of_open_review", ("findings",)),
    ("invalid-field", "values:invalid_fields", ("fields",)),
    ("invalid-field", "values:contradicted_none", ("none_when",)),
    ("invalid-field", "records:unresolved", ("fields",)),
    ("invalid-field", "authors:wrong_authors", ("author_not",)),
    ("invalid-field", "records:unrecorded", ("records",)),
    ("unordered-timestamps", "timestamps:unordered_timestamps", ("timestamps",)),
    ("unlisted-leftover", "closure:leftovers", ("closure",)),
    ("missing-option", "options:missing_options", ("options",)),
)
"""Rule, module and function of this package, and the settings without which it has nothing to judge.

Without a rule it counts only where all flaws are asked for: a stage is not complete with it.

What needs more than the judged tree is left to the rule alone.
"""


def flaws(artifact: Artifact, rules: tuple[str, ...]) -> Iterator[Finding]:
    """What a contract finds wrong with an artifact, in the order of `ASPECTS`.

    Args:
        artifact: what is judged.
        rules: the names of the rules whose findings are wanted; empty: all.
    """
    for rule, target, settings in ASPECTS:
        wanted = not settings or any(getattr(artifact.contract, name) for name in settings)
        if wanted and (not rules or rule in rules):
            module, _, name = target.partition(":")
            yield from getattr(importlib.import_module(f"specguard.artifacts.{module}"), name)(artifact)
