"""A bank: deposits, withdrawals, and transfers that belong to two accounts."""
