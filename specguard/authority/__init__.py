"""Read, merge, compile and compare the documents of an authority."""
