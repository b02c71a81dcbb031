"""Properties that hold of any input; `make fuzz` tries many more examples of each."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.approvals.conftest import alice, make_key, mallory

__all__ = ["alice", "make_key", "mallory"]

# New examples each time, first those that failed before.
settings.register_profile(
    "fuzz",
    settings.get_profile("specguard"),
    max_examples=300,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
