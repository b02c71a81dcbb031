"""Run rules: plugins, facts, states, and the check of one change from request to verdict."""
