"""Deciding recorded commands again, with the code as it is now, on a history that vanishes."""
