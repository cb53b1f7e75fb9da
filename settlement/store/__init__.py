"""All SQL of settlement."""
