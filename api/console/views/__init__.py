"""What pages show, as frozen dataclasses: pure, from values that a route has read."""
