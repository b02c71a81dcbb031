"""Markdown documents: headings, sections, lists, tables, fenced blocks and sentences, with their lines."""
