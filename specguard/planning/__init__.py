"""From a proposal to a plan: OpenSpec change folders, spec-kit folders, and the plans made from them."""
