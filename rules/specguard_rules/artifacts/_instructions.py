"""Where the instructions of agents stand: the files that they are told to read, whatever agent it is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

INSTRUCTIONS: Final = (
    "**/AGENTS.md", "**/AGENT.md", "**/AGENTS.override.md", "**/CLAUDE.md", "**/CLAUDE.local.md",
    "**/GEMINI.md", "**/QWEN.md", "**/CONVENTIONS.md", "**/SKILL.md", "**/llms.txt", "**/.cursorrules",
    "**/.windsurfrules", "**/.clinerules", "**/.clinerules/**", "**/.roorules", "**/.rules",
    "**/.cursor/rules/**", "**/.windsurf/rules/**", "**/.roo/**", "**/.kiro/**/*.md", "**/.junie/**/*.md",
    "**/.amazonq/rules/**", "**/.claude/**/*.md", "**/.codex/**/*.md", "**/.gemini/**/*.md",
    "**/.agent/**/*.md", "**/.agents/**/*.md", "**/.opencode/**/*.md", "**/.augment/**/*.md",
    ".github/copilot-instructions.md", ".github/instructions/**", ".github/prompts/**", ".github/agents/**",
    ".github/chatmodes/**", "**/prompts/**/*.md", "**/prompts/**/*.txt", "**/*.prompt", "**/*.prompt.md",
    "**/*.mdc",
)  # fmt: skip
"""Patterns that select them."""
