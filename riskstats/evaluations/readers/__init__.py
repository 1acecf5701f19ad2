"""Readers of the logs of evaluation tools; `read_log` is in `riskstats.evaluations.readers.log`."""
