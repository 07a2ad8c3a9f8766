"""Source distributions from PyPI.

pip learns a source distribution's metadata by running the build that the package brings. Here nothing of a package
runs: the archive is looked up in PyPI's JSON interface (https://docs.pypi.org/api/json/), downloaded, and compared with
its SHA-256.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ADDRESS = "https://pypi.org/pypi/{name}/json"
ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".zip")
TIMEOUT_S = 60.0
MAX_LISTING_BYTES = 64_000_000
_GONE = (404, 410)
_NOT_AS_DOCUMENTED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What an answer raises that is not what PyPI documents."""


class UnreachableError(Exception):
    """PyPI did not answer; another try may succeed."""


def download_sdist(name: str, folder: Path, *, max_bytes: int) -> str:
    """Download the source distribution of a package's latest version. Returns why there is none; empty if there is.

    Raises UnreachableError, and OSError if the file cannot be written.
    """
    try:
        listing = json.loads(_read(ADDRESS.format(name=urllib.parse.quote(name)), MAX_LISTING_BYTES))
        sdist = next((file for file in listing["urls"] if _is_sdist(file)), None)
        if sdist is None:
            return "no source distribution"
        if sdist["size"] > max_bytes:
            return "larger than the limit"
        data = _read(sdist["url"], max_bytes)
        if hashlib.sha256(data).hexdigest() != sdist["digests"]["sha256"]:
            return "the archive differs from the SHA-256 that PyPI states"
    except FileNotFoundError as error:
        return str(error)
    except _NOT_AS_DOCUMENTED as error:
        return f"PyPI's answer is not as documented ({type(error).__name__}: {error})"
    (folder / f"{hashlib.sha256(data).hexdigest()[:16]}{_ending(sdist['filename'])}").write_bytes(data)
    return ""


def _is_sdist(file: dict[str, str]) -> bool:
    return file["packagetype"] == "sdist" and file["filename"].endswith(ARCHIVES)


def _ending(name: str) -> str:
    return next(ending for ending in ARCHIVES if name.endswith(ending))


def _read(address: str, max_bytes: int) -> bytes:
    """At most `max_bytes` bytes at an address.

    Raises UnreachableError, FileNotFoundError if there is nothing at the address, and ValueError for an address without
    https.
    """
    if not address.startswith("https://"):
        raise ValueError(f"{address[:80]!r} is not an address of https")
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
            data: bytes = answer.read(max_bytes)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError) and error.code in _GONE:
            raise FileNotFoundError(f"PyPI answers {error.code} {error.reason}") from error
        raise UnreachableError(f"{type(error).__name__}: {error}") from error
    return data
