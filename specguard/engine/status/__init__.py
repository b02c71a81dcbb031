"""Where the work stands: item, waves, slices, plans, agents, specs, what is missing and what comes next."""
