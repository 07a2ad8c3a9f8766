"""Calls of the Python API that a type checker must refuse. mypy reads this file; nothing runs it.

A line that mypy accepts is an error as well, because its `type: ignore` is then unused.
"""

import bytesim

x: int = bytesim.classify_file("a")  # type: ignore[assignment]
bytesim.abc2midi(b"a.abc")  # type: ignore[arg-type]
bytesim.abc2midi(3)  # type: ignore[arg-type]
bytesim.abc2midi("a.abc", engin="rules")  # type: ignore[call-arg]
bytesim.normalize()  # type: ignore[call-arg]
bytesim.show_model("music").parameters  # type: ignore[attr-defined]  # noqa: B018
bytesim.simulate_cpu("gcd.asm", registers="A=3")  # type: ignore[arg-type]
bytesim.generate("abc")  # type: ignore[call-arg]
bytesim.load("music").convert("X:1", "abc", "mid")  # type: ignore[arg-type]
bytesim.load("music").convert(b"X:1")  # type: ignore[call-overload]
y: str = bytesim.load("music").generate("abc")  # type: ignore[assignment]
z: bytes = bytesim.load("music").generate("abc", count=2)  # type: ignore[assignment]
bytesim.no_such_name  # type: ignore[attr-defined]  # noqa: B018
bytesim.classify_file("a")[0].result.answer  # type: ignore[union-attr]  # noqa: B018
