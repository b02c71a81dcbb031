"""ART013: artifacts that cannot be read, or that do not fit their schema."""

from __future__ import annotations

from specguard.rules import Rule, judge_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class InvalidStructure(Rule):
    r"""An artifact cannot be read, or does not fit the schema of its contract.

    JSON, YAML and TOML must say one thing to every reader. So besides what is no such text at all, these are
    findings: a key that is there twice; in YAML anchors, aliases, tags and a second document; more than 50
    levels. In YAML, `no`, `010` and dates are text, `true`, `null` and plain numbers what they seem. Markdown
    must be UTF-8 text, of a size and depth that can be parsed, with front matter that is valid where there is
    any, and at its very beginning, with no byte-order mark before it. What is over a limit is a finding too,
    never a pass.

    `schema` of `[artifacts.<name>]` is a JSON Schema, as JSON or YAML, at that path in the trusted base: a
    change cannot loosen the schema that it is judged by. It is asked of the data of a structured file, and of
    the front matter of a Markdown file. Each finding has the line and the dotted key. References lead within
    the schema; nothing is fetched. Patterns are RE2. A schema that is missing or broken makes the rule
    indeterminate.

    How to put it right: mend the place that is named.

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
