"""A shopping cart, and what its row in a table forgets."""
