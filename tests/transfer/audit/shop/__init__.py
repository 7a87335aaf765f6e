"""A Django application whose models have history, as its users write it: with django-simple-history."""
