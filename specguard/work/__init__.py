"""Work items: templates, kinds, pointers, documents, and which item a change names."""
