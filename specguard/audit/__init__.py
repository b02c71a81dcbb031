"""Whole histories of many repositories, judged change by change, and what is kept and told of them."""
