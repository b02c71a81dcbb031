"""Waves: stages that open one after the other, each with the artifacts it must leave behind."""
