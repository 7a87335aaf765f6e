"""No models: outbox and log are no tables of the project. Django wants this module all the same."""
