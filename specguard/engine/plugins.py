"""Plugins of the entry point group `specguard`, imported only if the trusted policy names them."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from functools import cache
from types import ModuleType
from typing import Any, Final

import pluggy

from specguard.approvals.people import ApprovalSettings, Author, approval_problems
from specguard.artifacts.contracts import Contract, WaveSettings
from specguard.authority.policy import Policy
from specguard.authority.validate import policy_model, pydantic_core
from specguard.change.check_request import Request
from specguard.declaration.registry import FORMATS, Format, PluginError, Registered, Registry
from specguard.declaration.rule import Declaration
from specguard.engine.facts import fact_types
from specguard.engine.trusted_policy import open_policy
from specguard.errors import SpecguardError, failure_text, unknown, unknown_rule
from specguard.model import OutputOnStderr
from specguard.rules import API_VERSION
from specguard.runs.settings import AgentSettings, Models, RunSettings
from specguard.specs.settings import SpecSettings
from specguard.work.kinds import PlanKind, WorkKind, find_clashes

GROUP: Final = "specguard"
"""The entry point group, and the name of the pluggy project."""

HOOK: Final = "specguard_register"

BUILT_IN: Final = "specguard"
"""The distribution whose rules are always loaded."""

_BUILT_IN_MODULES: Final = (("builtin", "specguard_rules.plugin"),)
"""The entry points of `specguard` itself, as in `pyproject.toml`: reading them from the metadata is slow."""

_BROKEN_HELP: Final = "fix it, or remove it from `plugins` in the authority"


class _Hooks:
    """The hooks that a plugin can implement."""

    @pluggy.HookspecMarker(GROUP)
    def specguard_register(self, registry: Registry) -> None:
        """Add rules, declarations and presets to the registry."""


class _Manager(pluggy.PluginManager):
    """A plugin manager that finds hooks by name only, so that plugins need not import pluggy."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:  # noqa: ARG002 - pluggy's signature
        return {} if name == HOOK else None


def load_registry(distributions: Sequence[str] = ()) -> Registry:
    """Return everything that the built-in plugin and the named distributions register.

    Args:
        distributions: the names of installed distributions, as in a policy's `plugins`. No other
            distribution's code is imported, whatever entry points it has.

    Raises:
        PluginError: a distribution is not installed, has no entry point in the group, fails to import, uses
            another version of the interface, or registers something invalid.
    """
    return _load(tuple(distributions))


@cache
def _load(distributions: tuple[str, ...]) -> Registry:
    """Load the built-in plugin and these distributions, once for all policies that this process compiles."""
    registry = Registry(fact_types())
    registry.plugin = BUILT_IN
    for declaration in DECLARATIONS:
        registry.add_declaration(declaration)
    for distribution in (BUILT_IN, *distributions):
        manager = _Manager(GROUP)
        manager.add_hookspecs(_Hooks)
        try:
            with OutputOnStderr():
                for name, module in _modules(distribution):
                    manager.register(module, name=name)
                registry.plugin = distribution
                manager.hook.specguard_register(registry=registry)
            if distribution != BUILT_IN:
                # Settings that cannot be read are this plugin's, whichever the policy sets.
                pydantic_core.SchemaValidator(policy_model(registry))
        except PluginError as error:
            raise PluginError(error.message, help=error.help or _BROKEN_HELP) from None
        except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 - a plugin may raise anything
            message = f"plugin {distribution!r} cannot be loaded: {failure_text(error)}"
            raise PluginError(message, help=_BROKEN_HELP) from None
    return registry


def _modules(distribution: str) -> Iterator[tuple[str, ModuleType]]:
    """Import the modules that a distribution's entry points name, and yield their names and modules."""
    for name, target in _BUILT_IN_MODULES if distribution == BUILT_IN else _entry_points(distribution):
        module = importlib.import_module(target)
        if (version := getattr(module, "specguard_api", None)) != API_VERSION:
            what = f"specguard_api = {version!r}, and this is {API_VERSION}"
            raise PluginError(f"plugin {distribution!r} states {what}")
        if not callable(getattr(module, HOOK, None)):
            raise PluginError(f"plugin {distribution!r}: {target} has no function {HOOK}(registry)")
        yield name, module


def _entry_points(distribution: str) -> Sequence[tuple[str, str]]:
    """Return the name and module of each entry point of an installed distribution."""
    import importlib.metadata

    try:
        points = importlib.metadata.distribution(distribution).entry_points
    except importlib.metadata.PackageNotFoundError:
        help = f"install it beside specguard: pip install {distribution}"
        help += "; pre-commit takes it from `additional_dependencies`"
        raise PluginError(f"the plugin {distribution!r} is not installed", help=help) from None
    found = [(point.name, point.module) for point in points if point.group == GROUP]
    if not found:
        raise PluginError(f"the distribution {distribution!r} has no entry point of the group {GROUP!r}")
    return found


def plugin_files(distributions: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the files that plugins would be imported from, each behind the words for it; none is imported."""
    for distribution in distributions:
        for _, target in _entry_points(distribution):
            package, *rest = target.split(".")
            if spec := importlib.util.find_spec(package):
                folders = spec.submodule_search_locations or ()
                files = [spec.origin, *(f"{os.path.join(folder, *rest)}.py" for folder in folders)]
                yield from ((f"the plugin {distribution!r}", file) for file in files if file)


def find_rule(registry: Registry, selector: str) -> Registered:
    """Return the rule with this code or name; case is ignored.

    Raises:
        SpecguardError: no rule has this code or name.
    """
    entry = registry.rules.get(selector.lower()) or registry.by_code.get(selector.upper())
    if entry is None:
        raise unknown_rule(selector, [*registry.rules, *(one.rule.code for one in registry.rules.values())])
    return entry


def find_format(name: str, plugins: Sequence[str]) -> Format:
    """Return the report format with this name from one of the plugins.

    Raises:
        SpecguardError: no format has this name.
    """
    formats = load_registry(plugins).formats
    if name not in formats:
        raise unknown("format", name, [*FORMATS, *formats])
    return formats[name]


DECLARATIONS: Final = (
    Declaration("work", WorkKind, shape="tables", fact="work_kinds", problems=find_clashes),
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


def open_with_plugins(request: Request) -> Policy:
    """Return the policy that `open_policy` returns, with plugins that can be loaded now.

    Raises:
        SpecguardError: the policy is missing or wrong, or a plugin has broken since the policy was cached.
    """
    policy = open_policy(request)
    load_registry(policy.plugins)
    return policy


def known_rules(directory: str, named: Sequence[str] = ()) -> Registry:
    """Return the built-in rules and those of the trusted policy's plugins, if there is a policy.

    Args:
        directory: the folder to look for the repository in; empty: the working directory.
        named: more plugins.

    Raises:
        PluginError: a plugin of the policy is broken.
    """
    try:
        plugins = open_policy(Request(environment=os.environ, directory=directory)).plugins
    except SpecguardError:
        plugins = ()
    return load_registry(list(dict.fromkeys((*plugins, *named))))
