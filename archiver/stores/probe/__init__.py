"""The probe: attacks a store as an insider would, and says whether it may hold an archive."""
