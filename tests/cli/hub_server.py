# SPDX-License-Identifier: MIT
"""A hub on this machine for the tests of pull: it serves repositories as
huggingface.co does, and misbehaves where a test says so. A behaviour is a
function of the handler and the content that was asked for."""
import hashlib
import http.server
import json
import re
import ssl
import threading
import urllib.parse

COMMIT = "c0ffee" + "0" * 34


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def blob_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(path):
    return path.endswith((".gguf", ".safetensors", ".bin"))


def etag(path, content):
    return sha256(content) if is_large(path) else blob_sha1(content)


def entry(path, content):
    """One of a list's siblings."""
    out = {"rfilename": path, "size": len(content),
           "blobId": blob_sha1(content)}
    if is_large(path):
        out["lfs"] = {"sha256": sha256(content), "size": len(content),
                      "pointerSize": 135}
    return out


# ---- Behaviours ------------------------------------------------------------

def serve(handler, content):
    """What a good server does."""
    start = handler.first_byte()
    if start is None:
        handler.answer(200, content)
    elif start >= len(content):
        handler.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
    else:
        handler.answer(206, content[start:], {
            "Content-Range":
                f"bytes {start}-{len(content) - 1}/{len(content)}"})


def small(content):
    """A file that the hub itself sends."""
    def behave(handler, _):
        handler.answer(200, content, {"ETag": f'"{blob_sha1(content)}"',
                                      "X-Repo-Commit": COMMIT})
    return behave


def drop(n):
    """Ends the connection after n bytes of the body."""
    def behave(handler, content):
        handler.cut = n
        serve(handler, content)
    return behave


def whole(handler, content):
    """A server that does not know ranges."""
    handler.answer(200, content)


def whole_drop(n):
    def behave(handler, content):
        handler.cut = n
        whole(handler, content)
    return behave


def status(code, **headers):
    def behave(handler, _):
        handler.answer(code, b"No.\n" * 5, {
            k.replace("_", "-"): v for k, v in headers.items()})
    return behave


def instead(other):
    """Other content, honestly announced."""
    return lambda handler, _: serve(handler, other)


def announce(length):
    """A length that is not the body's."""
    def behave(handler, content):
        handler.answer(200, content, {"Content-Length": str(length)})
    return behave


def unannounced(extra):
    """No length, and more or fewer bytes than there are."""
    def behave(handler, content):
        body = content + b"x" * extra if extra > 0 else content[:extra]
        handler.answer(200, body, {"Content-Length": None})
    return behave


def part(text, n=None):
    """A 206 with this Content-Range, for the first n bytes."""
    def behave(handler, content):
        handler.answer(206, content[:n], {"Content-Range": text})
    return behave


def redirect(to, code=302, **headers):
    def behave(handler, _):
        handler.answer(code, b"", dict(
            {k.replace("_", "-"): v for k, v in headers.items()},
            Location=to))
    return behave


def stall(n):
    """n bytes, and then nothing while the hub is up."""
    def behave(handler, content):
        handler.pause_at = n
        serve(handler, content)
    return behave


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cut = pause_at = None

    def log_message(self, *_):
        pass

    def first_byte(self):
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found.group(1)) if found else None

    def answer(self, code, body, headers=None):
        headers = {"Content-Length": str(len(body)), **(headers or {})}
        self.send_response(code)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        if self.cut is not None or headers["Content-Length"] != str(len(body)):
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.cut is not None:
            body = body[:self.cut]
        if self.pause_at is not None:
            self.wfile.write(body[:self.pause_at])
            self.wfile.flush()
            self.server.hub.stopping.wait(60)
            self.close_connection = True
            return
        self.wfile.write(body)

    def do_GET(self):
        self.cut = self.pause_at = None
        try:
            self.server.hub.handle(self)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    do_HEAD = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that goes away in the middle is what is tested


class Hub:
    """Repositories: {"org/name": {path: bytes}}. Large files lie on cdn, a
    second server, if there is one."""

    def __init__(self, repos=(), cdn=None, certificate=None):
        self.repos = dict(repos)
        self.cdn = cdn
        self.script = []  # [part of a path, behaviours that are left]
        self.seen = []  # (path, headers)
        self.lists = {}  # in place of what a list would be: bytes
        self.stopping = threading.Event()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.hub = self
        scheme = "http"
        if certificate:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def on(self, path, *behaviours):
        """The next requests whose path has this in it, in this order."""
        self.script.append((path, list(behaviours)))

    def paths(self, word="/"):
        return [path for path, _ in self.seen if word in path]

    def behaviour(self, path, default):
        for word, left in self.script:
            if word in path and left:
                return left.pop(0)
        return default

    def handle(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        path = urllib.parse.unquote(url.path)
        self.seen.append((path, dict(handler.headers)))
        content, default = self.find(path, url.query)
        self.behaviour(path, default)(handler, content)

    def find(self, path, query):
        """The content at path, and how it is served if nothing else is
        said."""
        found = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path)
        if found and found.group(1) in self.repos:
            repo, revision = found.groups()
            if revision not in ("main", "refs/pr/1", COMMIT):
                return b"", status(404, X_Error_Code="RevisionNotFound")
            return self.list(repo, "blobs=true" in query), serve
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if found:
            repo, revision, name = found.groups()
            content = self.repos.get(repo, {}).get(name)
            if content is not None and revision in ("main", COMMIT):
                return content, self.resolved(name, content)
        found = re.fullmatch(r"/cdn/([0-9a-f]+)", path)
        for files in self.repos.values():
            for content in files.values():
                if found and sha256(content) == found.group(1):
                    return content, serve
        return b"", status(404, X_Error_Code="EntryNotFound")

    def resolved(self, name, content):
        if not is_large(name):
            return small(content)
        self.cdn_of(content)
        to = (self.cdn.url if self.cdn else "") + "/cdn/" + sha256(content)
        return redirect(to, X_Linked_Etag=f'"{sha256(content)}"',
                        X_Linked_Size=str(len(content)),
                        X_Repo_Commit=COMMIT)

    def cdn_of(self, content):
        if self.cdn:
            self.cdn.repos.setdefault("c/dn", {})[sha256(content)] = content

    def list(self, repo, blobs):
        if repo in self.lists:
            return self.lists[repo]
        files = self.repos[repo]
        siblings = [entry(path, content) if blobs else {"rfilename": path}
                    for path, content in files.items()]
        return json.dumps({"id": repo, "sha": COMMIT,
                           "siblings": siblings}).encode()
