"""The argument lists that hooks use, read without a command-line library."""

from __future__ import annotations

import os

from specguard.change.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def run_quickly(words: Sequence[str]) -> int | None:
    """Run `check` with one of the flags that hooks and jobs give, or `hook`; None for anything else."""
    if words[:1] == ["hook"] and len(words) > 1 and not {"-h", "--help"}.intersection(words):
        # Its exit codes are its own: a wrong word is a refusal there too.
        from specguard.integrations.hooks.answering import answer

        return answer(words[1:])
    request = quick_request(words)
    if request is None:
        return None
    from specguard.cli.judge import judge

    return judge(request)


def quick_request(words: Sequence[str]) -> Request | None:
    """The request that a hook's words stand for; None where click must read them."""
    match words:
        case ["check", "--staged"]:
            return Request(environment=os.environ, staged=True)
        case ["check", "--all"]:
            return Request(environment=os.environ, all=True)
        case ["check", "--push"]:
            return Request(environment=os.environ, push=True)
        case ["check", "--pre-receive"]:
            # What a server takes is final.
            return Request(environment=os.environ, pre_receive=True, enforce=True)
        case ["check", "--range", ends] if ".." in ends and not ends.startswith("-"):
            return Request(environment=os.environ, range=ends)
        case ["check", "--commit-msg-file", file] if file and not file.startswith("-"):
            return Request(environment=os.environ, message_file=file)
    return None
