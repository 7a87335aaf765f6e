"""Questions about speed and size, one runnable file each, with the peers measured in the same run.

python -m benchmarks                        all of them
python -m benchmarks.bulk_append            one of them
python -m benchmarks --only single --quick  small sizes, to see that it runs
"""
