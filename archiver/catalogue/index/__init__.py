"""The key index over ten years of segments: values of fields -> rows. Never a source of truth.

Format, byte for byte: FORMAT.md. From segments to files: ``build``, ``merge``, ``plan``. Where files lie:
``store``, ``folder_store``, ``s3_store``. Asking: ``reader``, over the open files of ``file``.
"""
