"""`specguard hook`: answer an agent's event."""

from __future__ import annotations

import click

from specguard.integrations.hooks.calls import AGENTS


@click.command(name="hook")
@click.argument("agent", metavar="|".join(AGENTS))
def command(agent: str) -> int:
    """Answer an agent's event on standard input in that agent's dialect.

    Agents' settings run this. It ends with 0, or 2 if the agent needs that to refuse. Any failure is a
    refusal.
    """
    from specguard.integrations.hooks.answering import answer

    return answer([agent])
