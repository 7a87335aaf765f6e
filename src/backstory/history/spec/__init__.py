"""A decision of the history as a given/when/then test, without the values of people."""
