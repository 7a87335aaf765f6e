"""The schema lock: what was published about events, in a file beside the code that must keep to it."""
