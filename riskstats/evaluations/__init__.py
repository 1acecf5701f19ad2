"""Evaluation logs as one honest table, and the statistics that serve every safety benchmark."""
