"""Tests of what joins the sites: clocks, users and rights."""
