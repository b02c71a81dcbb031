"""How a rule and its settings are declared, without anything that a hook would have to wait for."""
