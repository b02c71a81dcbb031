"""`python -m specguard`, for environments where the script is not on the path; CI runs the script."""

import sys

if not sys.flags.safe_path:
    # Python puts the working directory first, and a repository there may have its own `json.py` or `click`.
    del sys.path[0]

from specguard.cli import run_and_leave

run_and_leave()
