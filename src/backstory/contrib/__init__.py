"""Backstory beside the libraries that people have already: one package for each, with an extra of its name."""
