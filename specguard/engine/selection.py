"""Which rules a caller asked for: `--select`, `--ignore`, `--extend-select`."""

from __future__ import annotations

from specguard.errors import SpecguardError, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from specguard.authority.policy import RuleInPolicy


class Selection:
    """The rules that a caller asked for; a selector is a code, a family or a name.

    Args:
        rules: the policy's rules.
        select: run these alone; empty: all that the policy has on.
        ignore: leave these out, whatever else says.
        extend: run these too, even where the policy has them off.

    Raises:
        SpecguardError: a selector that names nothing, with the nearest that does.
    """

    def __init__(
        self,
        rules: Sequence[RuleInPolicy],
        *,
        select: Iterable[str] = (),
        ignore: Iterable[str] = (),
        extend: Iterable[str] = (),
    ) -> None:
        self._select = _codes(select, rules)
        self._ignore = _codes(ignore, rules)
        self._extend = _codes(extend, rules)
        self._all = not self._select

    def leaves_out(self, rule: RuleInPolicy) -> bool:
        """Whether the caller did not ask for this rule."""
        if rule.code in self._ignore:
            return True
        return not (self._all or rule.code in self._select or rule.code in self._extend)

    def turns_on(self, rule: RuleInPolicy) -> bool:
        """Whether the caller asked for this rule although the policy has it off."""
        return rule.code in self._extend


def _codes(selectors: Iterable[str], rules: Sequence[RuleInPolicy]) -> set[str]:
    """The codes that selectors stand for, each of which may be several separated by commas."""
    wanted = [part.strip() for selector in selectors for part in selector.split(",") if part.strip()]
    if not wanted:
        return set()
    names: dict[str, set[str]] = {}
    for rule in rules:
        for name in (rule.code, rule.code[:3], rule.name):
            names.setdefault(name, set()).add(rule.code)
    codes: set[str] = set()
    for selector in wanted:
        if selector not in names:
            by_code = nearest(selector.upper(), names, "`specguard rule` lists them")
            raise SpecguardError(
                f"no rule, family or name is called {selector!r}",
                help=nearest(selector, names, by_code),
                code="unknown-name",
            )
        codes |= names[selector]
    return codes
