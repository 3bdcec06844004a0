"""Index files beside each site, so that a new node need not make its index from segments.

Why so: docs/decisions/0024-kept-index.md.
"""
