"""Failover: promotion of a site, and the way back."""
