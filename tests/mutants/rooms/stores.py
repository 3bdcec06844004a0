"""Bugs in ``archiver/stores``."""

from __future__ import annotations

from tests.mutants.model import Mutant

_PUT = "archiver/stores/files/put.py"
_SITE = "archiver/stores/files/site.py"
_ROOT = "archiver/stores/files/root.py"
_POWER = "tests/stores/test_file_power_cut.py"
_GONE = ("tests/stores/test_file_faults.py",)
_S3 = "archiver/stores/s3/site.py"
_READ_BACK = ("tests/stores/test_s3_read_back.py",)
_INCOMING = "archiver/stores/s3/incoming.py"
_PASSING = ("tests/stores/test_s3_passing.py",)

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
            self._open_up(folder, parent)
        self.sync_folder(parent)
""",
        """        with suppress(FileExistsError):
            os.mkdir(folder, _FOLDER_MODE, dir_fd=self.objects)
            self._open_up(folder, parent)
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
    Mutant(
        "list-ends-where-the-folder-went",
        _SITE,
        "FileSite.list",
        """            self._root.check_present()  # an end""",
        """            # an end""",
        _GONE,
    ),
    Mutant(
        "strays-end-where-the-folder-went",
        _SITE,
        "FileSite.strays",
        "/ TEMP)\n            self._root.check_present()",
        "/ TEMP)",
        _GONE,
    ),
    Mutant(
        "s3-size-not-read-back", _S3, "S3Site._read_back", "if stored.size != size", "if False", _READ_BACK
    ),
    Mutant(
        "s3-lock-not-read-back",
        _S3,
        "S3Site._read_back",
        "if stored.retain_until != until",
        "if False",
        _READ_BACK,
    ),
    Mutant(
        "s3-lost-put-found-by-any-lock",
        _S3,
        "S3Site._find_put",
        "if found.retain_until == until",
        "if found",
        _READ_BACK,
    ),
    Mutant(
        "s3-lost-put-found-by-size", _S3, "S3Site._find_put", " and listed.etag == md5.hex()", "", _READ_BACK
    ),
    Mutant(
        "s3-lost-put-done-twice",
        _S3,
        "S3Site._send_until_answered",
        "if found is not None",
        "if False",
        _READ_BACK,
    ),
    Mutant(
        "s3-doubt-forgotten",
        _S3,
        "S3Site._send_until_answered",
        "in_doubt = in_doubt or failure.may_be_stored",
        "in_doubt = False",
        _READ_BACK,
    ),
    Mutant("s3-null-version-taken", _S3, "S3Site._given", """ or version == "null\"""", "", _READ_BACK),
    Mutant(
        "s3-extension-not-read-back",
        _S3,
        "S3Site.extend",
        "extended.retain_until < until",
        "False",
        _READ_BACK,
    ),
    Mutant(
        "s3-get-without-a-lock-is-believed",
        "archiver/stores/s3/bucket.py",
        "Bucket._locked",
        'answer.get("x-amz-object-lock-mode") == MODE and _UNTIL in answer',
        "True",
        ("tests/stores/test_s3_faults.py::test_a_get_that_shows_no_lock_does_not_say_that_there_is_none",),
    ),
    Mutant(
        "s3-listing-with-a-document-type",
        "archiver/stores/s3/page.py",
        "_root",
        "root.getroottree().docinfo.internalDTD is not None",
        "False",
        ("tests/stores/test_s3_page.py",),
    ),
    Mutant(
        "s3-listing-says-a-thing-twice",
        "archiver/stores/s3/page.py",
        "_add",
        "name in found or len(element)",
        "len(element)",
        ("tests/stores/test_s3_page.py",),
    ),
    Mutant(
        "s3-what-follows-an-answer-is-the-next-one",
        "archiver/stores/s3/connections.py",
        "Answer._read",
        "keep=self._keep and not extra",
        "keep=self._keep",
        ("tests/stores/test_s3_connections.py",),
    ),
    Mutant(
        "passed-on-whatever-it-is",
        _INCOMING,
        "Checked._finish",
        "self._digest.digest() != self._promised",
        "False",
        _PASSING,
    ),
    Mutant(
        "passed-on-before-it-was-compared",
        _INCOMING,
        "Checked.__next__",
        """        if not self._left:
            self._finish()
        return piece""",
        "        return piece",
        _PASSING,
    ),
    Mutant(
        "passed-on-and-not-read-back",
        _S3,
        "S3Site.put_from",
        "return self._read_back(key, version, size, until)",
        "return incoming.found",
        _PASSING,
    ),
    Mutant(
        "s3-any-mode-is-a-lock",
        "archiver/stores/s3/bucket.py",
        "Bucket._stored",
        "== MODE",
        "is not None",
        _READ_BACK,
    ),
    Mutant(
        "standby-within-the-primary",
        "archiver/stores/places.py",
        "within",
        "outer.path in inner.path.parents or outer.id in inner.above",
        "False",
        ("tests/stores/test_places.py",),
    ),
    Mutant(
        "one-bucket-twice",
        "archiver/stores/places.py",
        "check_apart",
        "if same(one, other):",
        "if False:",
        ("tests/stores/test_places.py",),
    ),
)
