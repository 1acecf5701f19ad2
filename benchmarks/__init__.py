"""Benchmarks of riskstats: one program per domain, problems shared with the tests. See README.md."""
