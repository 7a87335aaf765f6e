"""A lending library: books, readers, loans and fines."""
