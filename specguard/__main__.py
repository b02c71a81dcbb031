"""`python -m specguard`, for places where the script is not on the path; CI runs the script."""

import sys

if not sys.flags.safe_path:
    # Python puts the working directory first, where a repository may have a `json.py` or `click` of its own.
    del sys.path[0]

from specguard.cli import main

sys.exit(main())
