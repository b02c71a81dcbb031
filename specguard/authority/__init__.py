"""From the authority's documents to a policy: reading, merging, compiling, comparing."""
