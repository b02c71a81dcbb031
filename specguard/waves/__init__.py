"""Waves: stages that open one after the other, and what each must leave behind."""
