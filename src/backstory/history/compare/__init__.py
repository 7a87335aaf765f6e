"""Two values of a state, and the differences between them."""
