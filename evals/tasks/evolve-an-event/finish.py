from evals.checking import ran

ran("backstory", "schema", "lock")
