"""Every failure a user can act on.

    BytesimError
    |-- InputError        a file that cannot be read, is empty, too large or of the wrong kind
    |   |-- EmptyError    a file without a byte
    |   `-- FormatError   a file whose bytes break the rules of its format, at a known offset
    |-- OutputError       a path that cannot be written
    |-- ConfigError       a model or recipe whose settings contradict each other
    |-- ModelError        a model or checkpoint that is missing, damaged or of the wrong kind
    |-- ContextError      a file longer than the model's history
    |-- DecodeError       a model that did not end its file, or wrote one that does not parse
    `-- ToolError         an external program that is missing or failed

Each message says what happened and what to do about it. The command line prints
one line, `error: FILE, byte OFFSET: message`, and exits with 1.
"""

from __future__ import annotations


class BytesimError(Exception):
    """A failure that the user can act on.

    `file` is the name that the user typed, `offset` a byte position in it; `str()` puts both, where
    they are known, before the message. Code that parses bytes raises with the offset that it knows,
    and its callers add the file with `in_file`.
    """

    def __init__(self, message: str, *, file: str | None = None, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.offset = offset

    def in_file(self, file: str) -> BytesimError:
        """Name the file this error came from, unless it is named already; returns self."""
        if self.file is None:
            self.file = file
        return self

    def __str__(self) -> str:
        location = [self.file] if self.file is not None else []
        if self.offset is not None:
            location.append(f"byte {self.offset}")
        return f"{', '.join(location)}: {self.message}" if location else self.message


class InputError(BytesimError):
    """A file that cannot be read, is empty, too large or of the wrong kind."""


class EmptyError(InputError):
    """A file without a byte."""


class FormatError(InputError):
    """A file whose bytes break the rules of its format."""


class OutputError(BytesimError):
    """A path that cannot be written."""


class ConfigError(BytesimError):
    """A model or recipe whose settings contradict each other."""


class ModelError(BytesimError):
    """A model or checkpoint that is missing, damaged or of the wrong kind."""


class ContextError(BytesimError):
    """A file longer than the model's history."""


class DecodeError(BytesimError):
    """A model that did not end its file, or wrote one that does not parse."""


class ToolError(BytesimError):
    """An external program that is missing or failed."""
