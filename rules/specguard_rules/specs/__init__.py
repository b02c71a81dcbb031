"""Rules about specs: their index, reviews, statuses and approvals, and the code they govern."""
