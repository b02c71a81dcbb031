"""What is refused when a rule registers, with its plugin named."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from specguard.declaration.registry import PluginError, Registered, Registry
from specguard.engine.facts import fact_types
from specguard.engine.plugins import _BUILT_IN_MODULES, BUILT_IN, _entry_points, load_registry
from specguard.reporters.manual import page
from specguard.rules import Declaration, Finding, Rule, Settings
from tests.rows import rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.rules import Approvals, Entry, Fix, Stage

PAGE = """A page.

```toml fails
```

```toml passes
```
"""


def make(**attributes: object) -> type[Rule]:
    """A rule that may register, but for what is given."""

    class Sound(Rule):
        code: ClassVar[str] = "ACM001"
        name: ClassVar[str] = "sound-rule"
        stages: ClassVar[tuple[Stage, ...]] = ("range",)
        condition: ClassVar[str] = "all is well"

        def check(self, entries: Sequence[Entry]) -> Iterator[Finding]:
            yield from ()

    Sound.__doc__ = PAGE
    for name, value in attributes.items():
        setattr(Sound, name, value)
    return Sound


def unknown_fact(self: Rule, entires: Sequence[Entry]) -> Iterator[Finding]: ...  # type: ignore[empty-body]


def wrong_type(self: Rule, entries: list[Entry]) -> Iterator[Finding]: ...  # type: ignore[empty-body]


def too_early(self: Rule, approvals: Approvals) -> Iterator[Finding]: ...  # type: ignore[empty-body]


def fix_without_finding(self: Rule, entries: Sequence[Entry]) -> Fix | None: ...


def fix_with_wrong_type(self: Rule, finding: Finding, entries: list[Entry]) -> Fix | None: ...


def sound_fix(self: Rule, finding: Finding, entries: Sequence[Entry]) -> Fix | None: ...


@pytest.fixture
def registry() -> Registry:
    found = Registry(fact_types())
    found.plugin = "acme"
    return found


def test_a_sound_rule_registers(registry: Registry) -> None:
    registry.add_rule(make(fix=sound_fix, fixes="does something", __doc__=PAGE.replace("\n", "\n\t")))
    assert registry.rules["sound-rule"].plugin == "acme"
    assert registry.by_code["ACM001"] is registry.rules["sound-rule"]
    registry.add_rule(make(check=too_early, code="APR901", name="about-approvals"))
    assert registry.by_code["APR901"]
    for attributes in ({"name": "other-rule"}, {"code": "ACM002"}):
        with pytest.raises(PluginError, match=r"which is .*Sound of plugin 'acme'"):
            registry.add_rule(make(**attributes))
    with pytest.raises(PluginError, match="'acme': the failing example of ACM001 is not TOML"):
        page(Registered(make(__doc__=PAGE.replace("fails\n", "fails\nx\n")), "acme"))


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        *rows(__file__, "refused"),
        ({"check": unknown_fact}, "asks for 'entires', not a fact"),
        ({"check": wrong_type}, "asks for entries: list[Entry], but the fact is entries: Sequence[Entry]"),
        ({"fix": sound_fix}, "has only one of `fix` and `fixes`"),
        ({"fixes": "does", "fix": fix_without_finding}, "a method fix that does not take a finding first"),
        ({"fixes": "does", "fix": fix_with_wrong_type}, "asks for entries: list[Entry], but the fact is"),
        ({"check": too_early}, "asks for approvals, which are judged after all rules but"),
    ],
)
def test_a_rule_that_lacks_something_is_refused(
    registry: Registry, attributes: dict[str, object], said: str
) -> None:
    with pytest.raises(PluginError) as caught:
        registry.add_rule(make(**attributes))
    assert said in caught.value.message
    assert "'acme'" in caught.value.message
    assert not registry.rules


def test_a_declaration_is_a_fact_for_the_rules_after_it(registry: Registry) -> None:
    class Area(Settings):
        """A table."""

    def check(self: Rule, areas: Mapping[str, Area]) -> Iterator[Finding]:  # type: ignore[name-defined]  # noqa: F821 - read as text
        yield from ()

    with pytest.raises(PluginError, match="not a fact"):
        registry.add_rule(make(check=check))
    registry.add_declaration(Declaration("area", Area, shape="tables", fact="areas"))
    registry.add_rule(make(check=check))
    with pytest.raises(PluginError, match="taken"):
        registry.add_declaration(Declaration("area", Area, fact="other"))


def test_every_built_in_rule_is_in_a_known_family_and_named_for_what_it_flags() -> None:
    commands = ("require-", "use-", "avoid-", "prefer-", "no-", "check-", "must-")
    for name in load_registry().rules:
        assert not name.startswith(commands), f"{name} names what to do, not what is flagged"


def test_a_plugin_that_is_not_installed_is_named() -> None:
    with pytest.raises(PluginError, match="specguard-nowhere") as caught:
        load_registry(["specguard-nowhere"])
    assert "pip install specguard-nowhere" in caught.value.help


def test_the_built_in_plugin_is_found_where_its_entry_points_say() -> None:
    assert tuple(_entry_points(BUILT_IN)) == _BUILT_IN_MODULES
