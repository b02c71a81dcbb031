"""The declaration of rules and their settings, without anything that would slow a hook down."""
