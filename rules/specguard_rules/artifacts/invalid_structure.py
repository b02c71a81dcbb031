"""ART013: artifacts that cannot be read, or that do not fit their schema."""

from __future__ import annotations

from specguard.rules import Rule, judge_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class InvalidStructure(Rule):
    r"""An artifact is unreadable, or does not fit its schema.

    JSON, YAML and TOML must mean the same to every reader: no duplicate keys, YAML anchors, aliases, tags,
    second documents, or more than 50 levels. Markdown must be UTF-8 with valid front matter. `schema` of
    `[artifacts.<name>]`, a JSON Schema in the trusted base, is for data files and front matter. If it is
    missing or broken, the rule is indeterminate.

    Why is this bad? Two programs could read it in two ways.

    How to fix it: correct the place in the finding.

    ```text
    error: PHASE_1_WORKBREAKDOWN.yaml:4: slices.1.owner: 'c' is not one of ['a', 'b']
    ```

    ```toml fails
    policy = '''
    [artifacts.work-breakdown]
    path = "**/PHASE_*_WORKBREAKDOWN.yaml"
    schema = "schemas/breakdown.json"
    '''

    [base.files]
    "schemas/breakdown.json" = '''
    {
      "required": ["slices"],
      "properties": {
        "slices": {"items": {"required": ["id"], "properties": {"owner": {"enum": ["a", "b"]}}}}
      }
    }
    '''

    [[commits]]
    message = "docs: breakdown"

    [commits.files]
    "PHASE_1_WORKBREAKDOWN.yaml" = "slices:\n  - id: 1\n    owner: a\n  - owner: c\n"
    "PHASE_2_WORKBREAKDOWN.yaml" = "slices: []\nslices: []\n"

    [[expect]]
    code = "ART013"
    path = "PHASE_1_WORKBREAKDOWN.yaml"
    line = 4
    message = "slices.1: 'id' is a required property"

    [[expect]]
    code = "ART013"
    path = "PHASE_1_WORKBREAKDOWN.yaml"
    line = 4
    message = "slices.1.owner: 'c' is not one of ['a', 'b']"

    [[expect]]
    code = "ART013"
    path = "PHASE_2_WORKBREAKDOWN.yaml"
    line = 2
    message = "it has the key 'slices' twice"
    ```

    ```toml passes
    policy = '''
    [artifacts.work-breakdown]
    path = "**/PHASE_*_WORKBREAKDOWN.yaml"
    schema = "schemas/breakdown.yaml"
    '''
    base = {files = {"schemas/breakdown.yaml" = "required: [slices]\n"}}

    [[commits]]
    message = "docs: breakdown"
    files = {"PHASE_1_WORKBREAKDOWN.yaml" = "slices:\n  - id: 010\n    due: 2026-01-31\n"}
    ```
    """

    code: ClassVar[str] = "ART013"
    name: ClassVar[str] = "invalid-structure"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.path",)
    condition: ClassVar[str] = "every artifact can be read, and fits the schema of its contract"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Read the artifacts."""
        return judge_each(artifacts.judged, lambda artifact: artifact.flaws(self.name))
