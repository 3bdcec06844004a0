"""Chaos: sites, nodes and gateways under random faults, and a check of every promise afterwards."""
