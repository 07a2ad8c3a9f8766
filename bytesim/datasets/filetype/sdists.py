"""Source distributions from PyPI.

pip learns a source distribution's metadata by running the build that the package brings. Here nothing of a package
runs: the archive is looked up in PyPI's JSON interface (https://docs.pypi.org/api/json/), downloaded, and compared with
its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ADDRESS = "https://pypi.org/pypi/{name}/json"
ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".zip")
TIMEOUT_S = 60.0


def download_sdist(name: str, folder: Path, *, max_bytes: int) -> str:
    """Download the newest source distribution of a package. Returns the error message; empty if it succeeded."""
    try:
        listing = json.loads(_read(ADDRESS.format(name=urllib.parse.quote(name))))
        found = [
            file
            for file in listing["urls"]
            if file["packagetype"] == "sdist" and file["filename"].endswith(ARCHIVES) and "/" not in file["filename"]
        ]
        if not found:
            return "no source distribution"
        if found[0]["size"] > max_bytes:
            return "larger than the limit"
        data = _read(found[0]["url"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    if hashlib.sha256(data).hexdigest() != found[0]["digests"]["sha256"]:
        return "the archive differs from the SHA-256 that PyPI states"
    (folder / found[0]["filename"]).write_bytes(data)
    return ""


def _read(address: str) -> bytes:
    """The bytes at an address. Raises OSError."""
    with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
        data: bytes = answer.read()
    return data
