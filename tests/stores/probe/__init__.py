"""The probe against a store that is right, against one fault at a time, and against real servers."""
