"""The kit that tests rules and policies on real repositories."""
