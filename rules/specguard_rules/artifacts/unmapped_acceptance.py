"""ART020: an acceptance scenario, or a line of a slice's acceptance, with no gate or test by name."""

from __future__ import annotations

from specguard.rules import Rule, Selecting, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import ClassVar

    from specguard.rules import Breakdowns, Finding, WorkKind
    from specguard.work.sources import Listed


class UnmappedAcceptance(Rule):
    """An acceptance scenario maps to no gate or test.

    Scenarios are table rows with a column *Scenario*, *Acceptance* or *Criterion*, headings and items that
    begin with *Scenario*, and items of `sections`. Each names a gate, a file of `tests`, or a test
    (`tests/test_cart.py::test_kept`, or its name). Each line of a slice's `acceptance` must match a scenario
    by id (`AC-3`) or words.

    Why is this bad? What nobody can run, anybody can call accepted.

    How to fix it: add the scenario with its test, or name an existing test.

    See also: `missing-gate-run`

    ```text
    error: plan/PHASE_D_ACCEPTANCE_GATES.md:4: the scenario 'AC-2: the cart is emptied' names
      'tests/test_cart.py::test_emptied', which is neither a gate nor a test
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "plan/PHASE_*_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"

    [rules.unmapped-acceptance]
    documents = ["plan/PHASE_*_ACCEPTANCE_GATES.md"]
    '''

    [base.files]
    "tests/test_cart.py" = "def test_kept(): ..."

    [[commits]]
    message = "docs: plan"

    [commits.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    slices:
      - id: D1
        acceptance: [AC-1 the cart is kept, AC-3 the till opens]
    '''
    "plan/PHASE_D_ACCEPTANCE_GATES.md" = '''
    | Scenario | Shown by |
    | --- | --- |
    | AC-1: the cart is kept | `tests/test_cart.py::test_kept` |
    | AC-2: the cart is emptied | `tests/test_cart.py::test_emptied` |
    '''

    [[expect]]
    code = "ART020"
    path = "plan/PHASE_D_ACCEPTANCE_GATES.md"
    line = 4
    message = "neither a gate nor a test"

    [[expect]]
    code = "ART020"
    path = "plan/PHASE_D_WORKBREAKDOWN.yaml"
    line = 3
    message = "AC-3 the till opens"
    ```

    ```toml passes
    policy = '''
    [rules.unmapped-acceptance]
    documents = ["plan/ACCEPTANCE.md"]
    gates = ["make smoke"]
    '''
    base = {files = {"tests/test_cart.py" = "def test_kept(): ..."}}

    [[commits]]
    message = "docs: plan"

    [commits.files]
    "plan/ACCEPTANCE.md" = '''
    ## Scenario: the cart is kept

    Shown by `test_kept`.

    ## Scenario: the shop starts

    - `make smoke`
    '''
    ```
    """

    code: ClassVar[str] = "ART020"
    name: ClassVar[str] = "unmapped-acceptance"
    requires: ClassVar[tuple[str, ...]] = ("documents",)
    condition: ClassVar[str] = "every scenario and every line of acceptance maps to a gate or a test by name"

    documents: Selecting = setting(Selecting(), "the documents that map scenarios", tightens="more")
    sections: list[str] = setting(
        ["Scenarios", "Acceptance", "Acceptance scenarios", "Acceptance criteria"],
        "whose items are scenarios",
        tightens="more",
    )
    tests: Selecting = setting(Selecting.of(
        "tests/**", "test/**", "**/tests/**", "**/test/**", "**/__tests__/**", "**/*_test.*", "**/*.test.*",
        "**/*.spec.*", "**/test_*.*"
    ), "the test files", tightens="fewer")  # fmt: skip
    gates: list[str] = setting([], "more gates, by name or command", tightens="fewer")

    def check(self, breakdowns: Breakdowns, work_kinds: Mapping[str, WorkKind]) -> Iterator[Finding]:
        """Look at the documents and breakdowns that the change touches."""
        yield from breakdowns.unmapped(
            self.documents,
            titles=self.sections,
            tests=self.tests,
            gates=[*self.gates, *_known(work_kinds)],
            setting="documents",
        )

    def gates_of(
        self, item: Listed, breakdowns: Breakdowns, work_kinds: Mapping[str, WorkKind]
    ) -> Iterator[tuple[str, str]]:
        """The gates that the scenarios of an item's acceptance name, by the names that runs have for them.

        Each with the scenario. What no kind of work item declares, runs have by the same words.

        Raises:
            MissingFact: a document cannot be read.
        """
        names = {**{gate: gate for gate in self.gates}, **_known(work_kinds)}
        yield from breakdowns.gates_of(item, self.documents, titles=self.sections, gates=names)


def _known(kinds: Mapping[str, WorkKind]) -> Mapping[str, str]:
    """The names of gates by their names and commands."""
    gates = [gate for kind in kinds.values() for gate in kind.gates]
    return {gate.run: gate.name for gate in gates} | {gate.name: gate.name for gate in gates}
