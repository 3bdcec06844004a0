"""An S3 store on loopback that does Object Lock right, but for the faults that it is told to have.

The only stand-in for a server in these tests: real servers cannot be told to be wrong in one way at a time.
It speaks what boto3 asks of it, path style, and takes the user's name from the access key unchecked.
"""

from __future__ import annotations

import hashlib
import re
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.stores.probe.worm_model import DISPOSER, Headers, S3Error, Version, WormModel

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    model: WormModel


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Tests stay quiet."""

    def version_string(self) -> str:
        return "FaultyS3"

    def handle_expect_100(self) -> bool:
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()  # boto3 waits a second for it before it sends the body
        return True

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self.server.model.now().replace(microsecond=0), usegmt=True)

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        self.query = dict(parse_qsl(url.query, keep_blank_values=True))
        self.bucket, _, self.key = unquote(url.path).lstrip("/").partition("/")
        self.given: Headers = {name.lower(): value for name, value in self.headers.items()}
        self.body = _unchunk(self.rfile.read(int(self.given.get("content-length", 0))), self.given)
        user = re.search(r"Credential=([^/]+)/", self.given.get("authorization", ""))
        self.user = user[1] if user else ""
        self.bypass = self.given.get("x-amz-bypass-governance-retention", "").lower() == "true"
        try:
            self.check_right()
            self.operation()()
        except S3Error as error:
            self.answer(error.status, f"<Error><Code>{error.code}</Code><Message>no</Message></Error>")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def check_right(self) -> None:
        """The disposer reads, and removes versions that a request names."""
        removes = self.command == "DELETE" and self.key and "versionId" in self.query
        many = self.command == "POST" and "delete" in self.query  # each entry is judged by itself
        narrow = self.user == DISPOSER and "disposer-may-more" not in self.model.faults
        if narrow and self.command not in ("GET", "HEAD") and not (removes or many):
            raise S3Error("AccessDenied")

    def operation(self) -> Callable[[], None]:
        """The operation that the method, the path and the query name."""
        level = "object" if self.key else "bucket" if self.bucket else "service"
        topics = (
            "object-lock",
            "policy",
            "versioning",
            "lifecycle",
            "versions",
            "uploads",
            "uploadId",
            "delete",
        )
        topic = next((name for name in (*topics, "retention", "legal-hold") if name in self.query), "")
        name = f"{self.command}_{level}_{topic}".lower().replace("-", "_").rstrip("_")
        found: Callable[[], None] | None = getattr(self, name, None)
        if found is None:
            raise S3Error("NotImplemented", 501)
        return found

    def answer(self, status: int, body: str | bytes = b"", headers: Headers | None = None) -> None:
        data = body if isinstance(body, bytes) else f'<?xml version="1.0"?>{body}'.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(data)
        self.wfile.flush()

    @property
    def model(self) -> WormModel:
        return self.server.model

    def version(self) -> Version:
        return self.model.find(self.bucket, self.key, self.query.get("versionId", ""))

    def text(self, path: str) -> str:
        found = _parse(self.body).find(path)
        return (found.text or "") if found is not None else ""

    # service and bucket

    def get_service(self) -> None:
        self.answer(200, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")

    def put_bucket(self) -> None:
        self.model.make(self.bucket)
        self.answer(200)

    def delete_bucket(self) -> None:
        self.model.remove(self.bucket)
        self.answer(204)

    def get_bucket_versioning(self) -> None:
        status = self.model.bucket(self.bucket).versioning
        xml = f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>"
        self.answer(200, xml)

    def put_bucket_versioning(self) -> None:
        self.model.suspend(self.bucket)
        self.answer(200)

    def get_bucket_object_lock(self) -> None:
        if not self.model.bucket(self.bucket).lock_enabled:
            raise S3Error("ObjectLockConfigurationNotFoundError", 404)
        enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
        self.answer(200, f"<ObjectLockConfiguration>{enabled}</ObjectLockConfiguration>")

    def put_bucket_object_lock(self) -> None:
        days = self.text("Rule/DefaultRetention/Days")
        self.model.set_default(
            self.bucket, self.text("Rule/DefaultRetention/Mode"), int(days) if days else None
        )
        self.answer(200)

    def put_bucket_lifecycle(self) -> None:
        self.model.set_lifecycle(self.bucket)
        self.answer(200)

    def get_bucket_uploads(self) -> None:
        uploads = self.model.bucket(self.bucket).uploads
        rows = [f"<Upload><Key>{u.key}</Key><UploadId>{i}</UploadId></Upload>" for i, u in uploads.items()]
        self.answer(200, f"<ListMultipartUploadsResult>{''.join(rows)}</ListMultipartUploadsResult>")

    def get_bucket_versions(self) -> None:
        rows = []
        at = self.model.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        prefix, after = self.query.get("prefix", ""), self.query.get("key-marker", "")
        with self.model.mutex:
            for key, versions in sorted(self.model.bucket(self.bucket).keys.items()):
                if not key.startswith(prefix) or key <= after:
                    continue
                for one in reversed(versions):
                    tag = "DeleteMarker" if one.marker else "Version"
                    latest = "true" if one is versions[-1] else "false"
                    of_bytes = (
                        "" if one.marker else f"<ETag>{_etag(one.body)}</ETag><Size>{len(one.body)}</Size>"
                    )
                    rows.append(
                        f"<{tag}><Key>{escape(key)}</Key><VersionId>{one.id}</VersionId>"
                        f"<IsLatest>{latest}</IsLatest><LastModified>{at}</LastModified>{of_bytes}</{tag}>"
                    )
        self.answer(200, f"<ListVersionsResult>{''.join(rows)}</ListVersionsResult>")

    def post_bucket_delete(self) -> None:
        entries = [
            (one.findtext("Key", ""), one.findtext("VersionId", ""))
            for one in _parse(self.body).iter("Object")
        ]
        refused = self.model.delete_many(self.bucket, entries, bypass=self.bypass, user=self.user)
        rows = [
            f"<Error><Key>{escape(key)}</Key><VersionId>{version}</VersionId><Code>{code}</Code></Error>"
            for key, version, code in refused
        ]
        self.answer(200, f"<DeleteResult>{''.join(rows)}</DeleteResult>")

    # objects

    def put_object(self) -> None:
        source = self.given.get("x-amz-copy-source")
        if source:
            path, _, version = unquote(source).lstrip("/").partition("?versionId=")
            bucket, _, key = path.partition("/")
            found = self.model.find(bucket, key, version)
            made = self.model.copy(self.bucket, self.key, found, self.given)
            xml = f"<CopyObjectResult><ETag>{_etag(made.body)}</ETag></CopyObjectResult>"
            return self.answer(200, xml, {"x-amz-version-id": made.id})
        made = self.model.put(self.bucket, self.key, self.body, self.given)
        self.answer(200, b"", {"x-amz-version-id": made.id, "ETag": _etag(made.body)})

    def get_object(self) -> None:
        self.answer(200, self.version().body, self._describe(self.version()))

    def head_object(self) -> None:
        self.get_object()

    def _describe(self, one: Version) -> Headers:
        headers = {"x-amz-version-id": one.id, "ETag": _etag(one.body)}
        headers["Last-Modified"] = self.date_time_string()
        if one.mode and one.until:
            headers["x-amz-object-lock-mode"] = one.mode
            headers["x-amz-object-lock-retain-until-date"] = one.until.strftime("%Y-%m-%dT%H:%M:%SZ")
        if one.hold:
            headers["x-amz-object-lock-legal-hold"] = "ON"
        if one.sha256 and "x-amz-checksum-mode" in self.given:
            headers["x-amz-checksum-sha256"] = one.sha256
        return headers

    def delete_object(self) -> None:
        version = self.query.get("versionId", "")
        marker = self.model.delete(self.bucket, self.key, version, bypass=self.bypass, user=self.user)
        self.answer(204, b"", {"x-amz-version-id": marker} if marker else {})

    def put_object_retention(self) -> None:
        self.model.retain(self.version(), self.text("Mode"), self.text("RetainUntilDate"), self.bypass)
        self.answer(200)

    def put_object_legal_hold(self) -> None:
        self.model.hold(self.version(), self.text("Status"))
        self.answer(200)

    # multipart

    def post_object_uploads(self) -> None:
        started = self.model.start_upload(self.bucket, self.key, self.given)
        xml = f"<UploadId>{started}</UploadId>"
        self.answer(200, f"<InitiateMultipartUploadResult>{xml}</InitiateMultipartUploadResult>")

    def put_object_uploadid(self) -> None:
        upload = self.model.bucket(self.bucket).uploads[self.query["uploadId"]]
        upload.parts[int(self.query["partNumber"])] = self.body
        self.answer(200, b"", {"ETag": _etag(self.body)})

    def post_object_uploadid(self) -> None:
        made = self.model.complete(self.bucket, self.query["uploadId"], self.given)
        xml = f"<ETag>{_etag(made.body)}</ETag>"
        self.answer(
            200,
            f"<CompleteMultipartUploadResult>{xml}</CompleteMultipartUploadResult>",
            {"x-amz-version-id": made.id},
        )

    def delete_object_uploadid(self) -> None:
        self.model.bucket(self.bucket).uploads.pop(self.query["uploadId"], None)
        self.answer(204)


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


def _parse(body: bytes) -> ElementTree.Element:
    """The body's XML without its namespace; an empty element when there is no body."""
    text = body.decode().replace(f'xmlns="{_NAMESPACE}"', "")
    return ElementTree.fromstring(text) if text.strip() else ElementTree.Element("none")


def _unchunk(body: bytes, headers: Headers) -> bytes:
    """The payload of an aws-chunked body (which boto3 uses for trailing checksums)."""
    if "aws-chunked" not in headers.get("content-encoding", ""):
        return body
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            break
        out, body = out + body[:length], body[length + 2 :]
    return out


class FaultyS3:
    """The running store; ``become`` makes it a new one, empty and with other faults, at the same URL."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}"

    @property
    def model(self) -> WormModel:
        """What it holds."""
        return self._server.model

    def become(self, faults: Container[str], now: Callable[[], datetime]) -> None:
        """``now`` is the clock that it judges locks by, and sends as Date."""
        self._server.model = WormModel(faults, now)


@contextmanager
def faulty_s3() -> Iterator[FaultyS3]:
    """Run the store on a free port of loopback."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield FaultyS3(server)
        finally:
            server.shutdown()
            thread.join()
