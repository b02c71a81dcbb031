"""A rule's own examples: the `toml fails` and `toml passes` blocks of its docstring, and running them."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, cast

from specguard.testing.case import Case
from specguard.testing.running import run_case

if TYPE_CHECKING:
    import os

    from specguard.declaration.rule import Rule
    from specguard.testing.running import Outcome

_FENCE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})toml (?P<kind>fails|passes)\n(?P<text>.*?)^(?P=fence)[ \t]*$", re.M | re.S
)


@dataclass(frozen=True)
class Example:
    """One example of a rule.

    Attributes:
        rule: the rule.
        kind: `fails` or `passes`.
        number: its place among the rule's examples, from 1.
        text: its TOML.
    """

    rule: type[Rule]
    kind: Literal["fails", "passes"]
    number: int
    text: str

    @property
    def name(self) -> str:
        """What it is called in messages, e.g. `PTH001-fails-1`."""
        return f"{self.rule.code}-{self.kind}-{self.number}"

    @property
    def case(self) -> Case:
        """The example as a case: with its rule alone selected, and the rule's plugin named by the policy.

        Raises:
            CaseError: it is not written as the format asks.
        """
        case = Case.from_toml(self.text, self.name)
        policy = case.policy
        distribution = _distribution(self.rule)
        if distribution and policy and not policy.startswith("#"):
            policy = f'plugins = ["{distribution}"]\n{policy}'
        expect = [{"code": self.rule.code, **expected} for expected in case.expect or ()]
        states = case.states
        if self.kind == "passes" and not states:
            states = {self.rule.code: "passed"}
        args = [f"--select={self.rule.code}", *case.args]
        return replace(case, policy=policy, expect=expect, states=states, args=args)

    def check(self, directory: str | os.PathLike[str] | None = None, *, installed: bool = False) -> Outcome:
        """Run it; one that fails without `expect` must give a finding at least.

        Args:
            directory: where to build its repository; a temporary folder if it is not given.
            installed: whether the installed command is run, or its entry point in this process.

        Raises:
            CaseError: it is not written as the format asks.
            AssertionError: its outcome is another one.
        """
        case = self.case
        if self.kind == "passes" or case.expect:
            return run_case(case, directory, installed=installed)
        outcome = run_case(replace(case, expect=None), directory, installed=installed)
        if self.rule.code not in outcome.codes:
            raise AssertionError(f"{self.name}: {self.rule.name} found nothing\n{outcome}")
        return outcome


def examples(rule: type[Rule]) -> list[Example]:
    """The examples in a rule's docstring, in their order."""
    text = inspect.cleandoc(rule.__doc__ or "")
    return [
        Example(rule, cast("Literal['fails', 'passes']", found["kind"]), number, found["text"])
        for number, found in enumerate(_FENCE.finditer(text), start=1)
    ]


def check_rule(rule: type[Rule]) -> None:
    """Run every example of a rule, as its plugin is installed.

    Raises:
        CaseError: an example is not written as the format asks.
        AssertionError: an example has another outcome, or the rule has none that fails or none that passes.
    """
    found = examples(rule)
    for kind in ("fails", "passes"):
        if not any(example.kind == kind for example in found):
            raise AssertionError(f"{rule.code} {rule.name} has no example that {kind}")
    for example in found:
        example.check()


def _distribution(rule: type[Rule]) -> str:
    """The distribution of a rule that does not ship with specguard, found by its plugin's entry point."""
    package = rule.__module__.partition(".")[0]
    for entry in entry_points(group="specguard"):
        if entry.module.partition(".")[0] == package and entry.dist is not None:
            name: str = entry.dist.name
            return "" if name == "specguard" else name
    return ""
