"""A local server that speaks as much of the Hugging Face hub's protocol as `models pull` and `models push` use.

Small files are sent in the commit itself, large ones by Git LFS, as the hub asks its clients to do.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

LARGE = ".safetensors"
TOKEN = "hf_of_the_tests"


class Hub:
    """The repositories of a server: name -> commit -> file -> content; the last commit is the branch main."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, dict[str, bytes]]] = {}
        self.private: set[str] = set()
        self.messages: list[str] = []
        self.stored: dict[str, bytes] = {}
        self.url = ""

    def commit(self, repository: str, files: dict[str, bytes]) -> str:
        """A new commit with files beside those that are there."""
        commits = self.repositories.setdefault(repository, {})
        whole = {**(list(commits.values())[-1] if commits else {}), **files}
        name = hashlib.sha1(json.dumps([len(commits), sorted(whole)]).encode()).hexdigest()
        commits[name] = whole
        return name

    def at(self, repository: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """The commit of a revision, and its files."""
        commits = self.repositories.get(repository, {})
        name = list(commits)[-1] if revision == "main" and commits else revision
        return (name, commits[name]) if name in commits else None


@contextmanager
def hub_server() -> Iterator[Hub]:
    """A running server."""
    hub = Hub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def missing(self, code: str) -> None:
        self.answer({"error": code}, 404, (("X-Error-Code", code),))

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self.tell(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)(/.*)?", path):
            state = self.hub.at(found[1], found[2])
            rows = [] if state is None else [self.row(name, data) for name, data in state[1].items()]
            self.answer(rows)
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            state = self.hub.at(found[1], found[2])
            if state is None or found[3] not in state[1]:
                self.missing("EntryNotFound")
                return
            data = state[1][found[3]]
            headers = (("ETag", f'"{hashlib.sha256(data).hexdigest()}"'), ("X-Repo-Commit", state[0]))
            self.answer(data, headers=headers)
        else:
            self.missing("RepoNotFound")

    def tell(self, repository: str, revision: str) -> None:
        if repository not in self.hub.repositories:
            self.missing("RepoNotFound")
            return
        state = self.hub.at(repository, revision)
        if state is None:
            self.missing("RevisionNotFound")
            return
        commit, files = state
        self.answer({"id": repository, "sha": commit, "siblings": [{"rfilename": name} for name in files]})

    def row(self, name: str, data: bytes) -> dict[str, object]:
        return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}

    def do_POST(self) -> None:
        path, body = unquote(self.path.partition("?")[0]), self.body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer({"error": "Invalid username or password."}, 401)
        elif path == "/api/validate-yaml":
            text = json.loads(body)["content"]
            self.answer({"errors": [] if text.startswith("---\n") else [{"message": "no fields"}], "warnings": []})
        elif path == "/api/repos/create":
            self.create(json.loads(body))
        elif re.fullmatch(r"/api/models/[^/]+/[^/]+/preupload/main", path):
            asked = json.loads(body)["files"]
            modes = [("lfs" if each["path"].endswith(LARGE) else "regular", each["path"]) for each in asked]
            self.answer({"files": [{"path": name, "uploadMode": mode, "shouldIgnore": False} for mode, name in modes]})
        elif re.fullmatch(r"/[^/]+/[^/]+\.git/info/lfs/objects/batch", path):
            self.batch(json.loads(body))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            self.take(found[1], [json.loads(line) for line in body.splitlines()])
        else:
            self.missing("RevisionNotFound")

    def create(self, asked: dict[str, object]) -> None:
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        if name in self.hub.repositories:
            self.answer({"error": "You already created this model repo", "url": f"{self.hub.url}/{name}"}, 409)
            return
        self.hub.commit(name, {".gitattributes": b""})
        if asked.get("private") or asked.get("visibility") == "private":
            self.hub.private.add(name)
        self.answer({"url": f"{self.hub.url}/{name}"})

    def batch(self, asked: dict[str, list[dict[str, object]]]) -> None:
        rows = [
            {**each, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}"}}} for each in asked["objects"]
        ]
        self.answer({"transfer": "basic", "objects": rows}, headers=(("Content-Type", "application/json"),))

    def do_PUT(self) -> None:
        data = self.body()
        self.hub.stored[hashlib.sha256(data).hexdigest()] = data
        self.answer({})

    def take(self, repository: str, lines: list[dict[str, dict[str, str]]]) -> None:
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.hub.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
        commit = self.hub.commit(repository, files)
        self.answer({"success": True, "commitOid": commit, "commitUrl": f"{self.hub.url}/{repository}/commit/{commit}"})
