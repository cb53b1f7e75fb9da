"""All SQL of the core: tables, queries, and the only place that commits."""
