"""Rules about plans, their tasks and the changes that are made for them."""
