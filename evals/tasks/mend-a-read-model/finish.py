from evals.checking import ran

ran("backstory", "run", "--once")
