"""The parts of Benchmarks/run.py: what is measured (rows), who is measured (peers), with what (load, upstream), and the report."""
