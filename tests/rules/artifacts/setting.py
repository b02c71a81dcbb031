"""What the tests of rules about artifacts share: many rows judged in one repository, and drawn secrets."""

import random
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from specguard.testing import Step
from tests.rules.items import judge

Files = Mapping[str, str]


def messages_of(
    code: str,
    directory: Path,
    rows: Sequence[Files],
    policy: str,
    before: Files | None = None,
    shared: Files | None = None,
) -> list[list[str]]:
    """What a rule says of each row, whose files are in a folder of its own: `00`, `01` and so on.

    `before` are the files of each row in the base, `shared` those of the base outside of them.
    """
    base = {"a": "a", **(shared or {})}
    change: dict[str, str] = {}
    for at, files in enumerate(rows):
        base |= {f"{at:02}/{path}": text for path, text in (before or {}).items()}
        change |= {f"{at:02}/{path}": text for path, text in files.items()}
    steps = {"base": [Step("chore: base", files=base)], "commits": [Step("docs: x", files=change)]}
    outcome = judge(code, directory, policy=policy, expect=None, **steps)
    assert outcome.state(code) in ("passed", "failed", "warned"), outcome
    found = outcome.report["findings"]
    return [
        sorted(one["message"] for one in found if one["location"]["path"].startswith(f"{at:02}/"))
        for at in range(len(rows))
    ]


def drawn(length: int, alphabet: str = string.ascii_letters + string.digits, seed: int = 7) -> str:
    """Characters drawn at random, the same each time: no credential stands in a file."""
    return "".join(random.Random(seed).choices(alphabet, k=length))


def said(found: list[list[str]], expected: Sequence[Sequence[str]]) -> None:
    """Of each row these parts of messages are said, in their order, and nothing else."""
    for at, (messages, parts) in enumerate(zip(found, expected, strict=True)):
        assert len(messages) == len(parts), (at, messages)
        assert all(part in message for part, message in zip(parts, messages, strict=True)), (at, messages)
