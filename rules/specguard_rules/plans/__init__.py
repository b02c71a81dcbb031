"""Rules about plans, their tasks and the changes that implement them."""
