"""Where patches begin. Whether a byte begins a patch is decided from the bytes before it, so that no border leaks.

The first token is a patch of its own, and the second begins the next one. The rules are those of BLT, arXiv:2412.09871,
section 2, and one more: `cumulative`, after the paper.

Axes: B files, T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.models.blt.config import BLTConfig
from bytesim.patching import END_OF_PATCH


@dataclass(slots=True)
class BorderState:
    """What the rules remember of each file between two tokens."""

    token: Tensor
    """(B,) the last token."""
    entropy: Tensor
    """(B,) the entropy after it."""
    total: Tensor
    """(B,) sum of the entropies since the last border."""
    open: Tensor
    """(B,) number of tokens since the last border."""

    @classmethod
    def empty(cls, rows: int, device: torch.device) -> BorderState:
        """A state for `rows` files, to be set by `put`."""
        numbers = torch.zeros(rows, dtype=torch.long, device=device)
        return cls(numbers, torch.zeros(rows, device=device), torch.zeros(rows, device=device), numbers.clone())

    def rows(self, first: int, last: int) -> BorderState:
        """The files `first` to `last`."""
        return BorderState(*(tensor[first:last] for tensor in self.tensors))

    def put(self, first: int, other: BorderState) -> None:
        """Set the files from row `first` on."""
        for tensor, values in zip(self.tensors, other.tensors, strict=True):
            tensor[first : first + len(values)] = values

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Its tensors, each with a row for every file."""
        return self.token, self.entropy, self.total, self.open


@dataclass(slots=True)
class Borders:
    """The borders after tokens (B, T)."""

    ends: Tensor
    """(B, T) true where a patch ends with this token, so that the next one begins a patch."""
    totals: Tensor
    """(B, T) sum of the entropies since the last border, 0 at one."""
    opens: Tensor
    """(B, T) number of tokens since the last border, 0 at one."""

    def state(self, tokens: Tensor, entropies: Tensor, places: Tensor) -> BorderState:
        """The state of each file after its token at `places` (B,)."""
        files = torch.arange(len(tokens), device=tokens.device)
        return BorderState(*(each[files, places] for each in (tokens, entropies, self.totals, self.opens)))


@dataclass(frozen=True, slots=True)
class Layout:
    """Which patch each byte belongs to, and which it reads."""

    owners: Tensor
    """(B, T) the patch that a byte belongs to."""
    seen: Tensor
    """(B, T) the last patch that is complete with this byte, which the prediction of the next byte reads."""
    count: int
    """Number of patches of the longest file, the last one complete or not."""

    @classmethod
    def of(cls, ends: Tensor) -> Layout:
        """The layout of bytes (B, T), given which of them end a patch."""
        complete = ends.long().cumsum(1)
        owners = complete - ends.long()
        return cls(owners, complete - 1, int(owners.max()) + 1)


def entropy_of(logits: Tensor) -> Tensor:
    """Entropy in nats of the distributions with logits (..., V), float32."""
    logarithms = logits.float().log_softmax(-1)
    return -(logarithms.exp() * logarithms).sum(-1)


def find_borders(config: BLTConfig, tokens: Tensor, entropies: Tensor, state: BorderState | None) -> Borders:
    """The borders after tokens (B, T) that follow those of a state, or begin their files.

    `entropies` (B, T) are those of the byte after each token; zeros for patchers without an entropy model.
    """
    ends = _by_rule(config, tokens, entropies, state)
    if state is None:
        ends[:, 0] = True
    return _scan(config, ends, entropies, state)


def _by_rule(config: BLTConfig, tokens: Tensor, entropies: Tensor, state: BorderState | None) -> Tensor:
    """(B, T) true where the bytes themselves end a patch."""
    if config.patcher == "space":
        before = F.pad(tokens[:, :-1], (1, 0), value=END_OF_PATCH)
        if state is not None:
            before[:, 0] = state.token
        return _is_separator(tokens) & ~_is_separator(before)
    if config.patcher in ("static", "cumulative"):
        return torch.zeros(tokens.shape, dtype=torch.bool, device=tokens.device)
    before = F.pad(entropies[:, :-1], (1, 0))
    if state is not None:
        before[:, 0] = state.entropy
    rises = entropies - before > config.rise_threshold
    high = entropies > config.threshold
    return {"entropy": high, "rise": rises, "entropy_and_rise": high & rises}[config.patcher]


def _is_separator(tokens: Tensor) -> Tensor:
    """True for bytes that are neither letters nor digits of ASCII, nor continue a character of UTF-8."""
    letters = ((tokens | 32) >= ord("a")) & ((tokens | 32) <= ord("z"))
    digits = (tokens >= ord("0")) & (tokens <= ord("9"))
    continues = (tokens >= 0x80) & (tokens < 0xC0)
    return ~(letters | digits | continues)


def _scan(config: BLTConfig, ends: Tensor, entropies: Tensor, state: BorderState | None) -> Borders:
    """The borders with the rules that depend on the border before: lengths and sums."""
    batch, length = ends.shape
    opened = torch.zeros(batch, dtype=torch.long, device=ends.device) if state is None else state.open
    longest = config.patch_bytes if config.patcher == "static" else config.max_patch_bytes
    if config.patcher != "cumulative" and not longest:
        places = torch.arange(length, device=ends.device).expand(batch, -1)
        last = torch.where(ends, places, -1).cummax(1).values
        opens = places - last + torch.where(last < 0, opened[:, None], 0)
        return Borders(ends, torch.zeros_like(entropies), opens)
    total = torch.zeros_like(entropies[:, 0]) if state is None else state.total
    found, totals, lengths = [], [], []
    for index in range(length):
        total, opened = total + entropies[:, index], opened + 1
        end = ends[:, index]
        if config.patcher == "cumulative":
            end = end | (total > config.threshold)
        if longest:
            end = end | (opened >= longest)
        total, opened = torch.where(end, 0.0, total), torch.where(end, 0, opened)
        found.append(end)
        totals.append(total)
        lengths.append(opened)
    return Borders(torch.stack(found, 1), torch.stack(totals, 1), torch.stack(lengths, 1))
