"""What a run does beyond this machine: fetching, pushing, and its pull request."""
