"""The schema lock: the published schemas of events, in a file beside the code that must keep to them."""
