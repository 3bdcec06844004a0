"""Bugs in ``archiver/stores``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_PUT = "archiver/stores/files/put.py"
_SITE = "archiver/stores/files/site.py"
_ROOT = "archiver/stores/files/root.py"
_POWER = "tests/stores/test_file_power_cut.py"

MUTANTS = (
    Mutant(
        "put-data-unsynced",
        _PUT,
        "put_file",
        "            os.fsync(descriptor)\n            target",
        "            target",
        (_POWER,),
    ),
    Mutant(
        "put-data-synced-after-link",
        _PUT,
        "put_file",
        """            os.fsync(descriptor)
            target = _open_target(root, folder)
            try:
                fault("before-link")
                os.link(temp, name, src_dir_fd=temp_folder, dst_dir_fd=target)
""",
        """            target = _open_target(root, folder)
            try:
                fault("before-link")
                os.link(temp, name, src_dir_fd=temp_folder, dst_dir_fd=target)
                os.fsync(descriptor)
""",
        (_POWER,),
    ),
    Mutant("put-folder-unsynced", _PUT, "put_file", "os.fsync(target)", "pass", (_POWER,)),
    Mutant(
        "put-new-folder-unsynced",
        _ROOT,
        "SiteRoot.durable_folder",
        "self.sync_folder(parent)",
        "pass",
        (_POWER,),
    ),
    Mutant(
        "put-found-folder-unsynced",
        _ROOT,
        "SiteRoot.durable_folder",
        """        with suppress(FileExistsError):
            os.mkdir(folder, _FOLDER_MODE, dir_fd=self.objects)
        self.sync_folder(parent)
""",
        """        with suppress(FileExistsError):
            os.mkdir(folder, _FOLDER_MODE, dir_fd=self.objects)
            self.sync_folder(parent)
""",
        (_POWER,),
    ),
    Mutant(
        "delete-data-before-markers",
        _SITE,
        "FileSite.delete",
        """                for marker in file_walk.names_starting(folder, f"{name}~"):
                    unlink_name(folder, marker)
                unlink_name(folder, name)
""",
        """                unlink_name(folder, name)
                for marker in file_walk.names_starting(folder, f"{name}~"):
                    unlink_name(folder, marker)
""",
        (_POWER,),
    ),
    Mutant("delete-unsynced", _SITE, "FileSite.delete", "os.fsync(folder)", "pass", (_POWER,)),
    Mutant("site-made-unsynced", _ROOT, "create_root", "sync_folder(folder)", "pass", (_POWER,)),
)
