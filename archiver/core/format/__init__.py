"""Bytes of objects: batches, segments, large objects and the encryption of Parquet files.

Each part is a door of its own: ``batches``, ``segments``, ``segments.schema``, ``framed``, ``encrypted``.
Every byte is described in archiver/FORMAT.md.
"""
