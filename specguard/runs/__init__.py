"""The records of runs: their folders, manifests, settings and proofs."""
