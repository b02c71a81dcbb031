"""`python -m specguard`, for places where the script is not on the path; CI runs the script."""

import sys

from specguard.cli import main

sys.exit(main())
