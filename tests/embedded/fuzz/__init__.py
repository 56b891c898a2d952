"""Mutated messages for a running server: valid calls by the handlers' own annotations, then bent, cut and garbled."""
