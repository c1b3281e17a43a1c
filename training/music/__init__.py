"""Random music with exact beat truth: the parts that training/generate.py puts together."""
