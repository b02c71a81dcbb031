"""Names of people, in contrast to words in place of one and to agents, models and bots."""

from __future__ import annotations

import re

from specguard.declaration.look_alikes import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Final

NOBODY: Final = (
    "a", "actions", "agent", "agents", "ai", "aider", "an", "anthropic", "anybody", "anyone", "assistant",
    "audit", "auto", "automated", "automatic", "automation", "awaiting", "bot", "by", "chatgpt", "child",
    "ci", "claude", "cli", "cline", "code", "codex", "coding", "copilot", "cursor", "deepseek", "delegated",
    "docs", "executor", "gemini", "github", "google", "gpt", "grok", "haiku", "human", "implied", "judge",
    "kimi", "kiro", "lane", "llama", "llm", "machine", "manual", "manually", "me", "missing", "mistral",
    "mock", "model", "my", "n", "na", "name", "nobody", "none", "noone", "noreply", "one", "openai",
    "opencode", "opus", "orchestrator", "our", "parent", "pending", "person", "pipeline", "planner", "policy",
    "provider", "qwen", "reviewer", "robot", "runner", "script", "self", "somebody", "someone", "sonnet",
    "specguard", "sub", "subagent", "subagents", "system", "task", "tba", "tbc", "tbd", "the", "todo",
    "unassigned", "unknown", "user", "verifier", "via", "waived", "worker", "workers", "workflow", "your",
)  # fmt: skip
"""Words in place of a person that identify nobody."""

_AGENTS: Final = frozenset({"agent", "agents", "child", "lane", "orchestrator", "subagent", "worker"})
"""Words that identify nobody beside another such one, as in `CO-7 docs lane`, unless there is a name, too."""

_MODEL_NAME: Final = re.compile(
    r"(?:claude|codex|copilot|deepseek|gemini|glm|gpt|grok|kimi|llama|mistral|qwen)[-_ .]?"
    r"(?:[a-z-]*[-_ .]?[0-9]|(?:opus|sonnet|haiku|flash|pro|large|coder)\b).*"
    r"|(?:opus|sonnet|haiku|o)[-_ .]?[0-9].*"
)
_PRODUCTS: Final = ("chatgpt", "claude code", "claude-code", "codex", "copilot", "gemini cli", "gemini-cli")
"""Beginnings of texts that identify nobody, unless there is a name, too, as in `Codex and Ann Lee`."""

# A word that may be a name beside those: with a capital letter, or before what describes it.
_OWN_NAME: Final = re.compile(r"^[a-z.-]+(?= ?[,(])|(?<![\w-])(?:[A-Z][a-z]|[^\W\dA-z])[^\W\d_]*(?![\w-])")
# An address behind a name, and the host of an address.
_ADDRESS: Final = re.compile(r"(?<=\S)\s*<[^<>]*>?|(?<=\S)@\S+")


def names_nobody(who: str, also: Collection[str] = ()) -> bool:
    """True if a text in place of a person's name only has generic words, or names a model or a bot.

    Args:
        who: the text.
        also: further words in lower case that name nobody here.
    """
    read = _ADDRESS.sub("", reading(who).strip(" .@<>"))
    words = [word for word in re.split(r"[\W_]+", read) if any(map(str.isalpha, word))]
    generic = [word for word in words if word in NOBODY]
    if read.startswith(_PRODUCTS) or (generic[1:] and not _AGENTS.isdisjoint(generic)):
        words = [reading(word) for word in _OWN_NAME.findall(_ADDRESS.sub("", who).strip(" .@<>"))]
    return "[bot" in read or bool(_MODEL_NAME.fullmatch(read)) or {*words} <= {*NOBODY, *also}
