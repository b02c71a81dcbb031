"""Documents as data: headings, sections, lists, tables, fenced blocks, with their lines."""
