"""Audits: judge whole histories of many repositories change by change, and store and report the results."""
