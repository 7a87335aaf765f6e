"""A shop that paid an order back twice: who did it, why it could happen, and what a history says about it."""
