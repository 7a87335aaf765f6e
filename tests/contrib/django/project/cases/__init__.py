"""The tests of the project, which Django runs."""

from django.db import transaction

# Its name in Django before 6.1 is the second one.
savepoint_create = getattr(transaction, "savepoint_create", None) or transaction.savepoint
