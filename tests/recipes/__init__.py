"""The recipes for other programs."""
