"""The rules that a person or an agent may ask about in a repository."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from specguard.change.request import Request
from specguard.engine.plugins import load_registry
from specguard.engine.policies import open_policy
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from specguard.declaration.registry import Registry


def known_rules(directory: str) -> Registry:
    """The built-in rules, and those of the trusted policy's plugins, where there is a policy.

    Args:
        directory: the folder to look for the repository in; empty: the working directory.

    Raises:
        PluginError: a plugin of the policy is broken.
    """
    try:
        plugins = open_policy(Request(environment=os.environ, directory=directory)).plugins
    except SpecguardError:
        plugins = ()
    return load_registry(plugins)
