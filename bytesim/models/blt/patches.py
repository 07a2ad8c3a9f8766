"""Cross-attention between bytes and patches: a patch pools its bytes, and a byte reads the patch before its own.

Neither needs a mask of patches times bytes, because a byte belongs to one patch: the vectors of its patch are gathered
beside it, and what the bytes of a patch give is added up.

Axes: B files, T bytes, P patches, K vectors of a patch, H hidden, N heads, D = H / N.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bytesim.nn.parts import Parts, make_norm, make_output


class PatchAttention(nn.Module):
    """Queries, keys and values of one layer of cross-attention, for either direction."""

    def __init__(self, size: int, head_size: int, key_value_heads: int, parts: Parts) -> None:
        super().__init__()
        self.head_size = head_size
        self.groups = size // head_size // key_value_heads
        self.query_norm = make_norm(size, parts)
        self.key_norm = make_norm(size, parts)
        self.query = nn.Linear(size, size, bias=False)
        self.key = nn.Linear(size, key_value_heads * head_size, bias=False)
        self.value = nn.Linear(size, key_value_heads * head_size, bias=False)
        self.out = make_output(size, size, parts)
        self.kept = 2 if parts == "llama" else 1
        """How often the residual branch adds its input: the published code does it twice."""

    def queries(self, x: Tensor) -> Tensor:
        """(..., H) -> (..., N, D), multiplied by the scale of the scores."""
        return self.query(self.query_norm(x)).unflatten(-1, (-1, self.head_size)) * self.head_size**-0.5

    def keys_and_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(..., H) -> keys and values (..., N, D), those of shared heads repeated."""
        x = self.key_norm(x)
        keys, values = (part(x).unflatten(-1, (-1, self.head_size)) for part in (self.key, self.value))
        return keys.repeat_interleave(self.groups, -2), values.repeat_interleave(self.groups, -2)

    def joined(self, x: Tensor, attended: Tensor) -> Tensor:
        """The residual branch: x (..., H) and what was attended (..., N, D) -> (..., H)."""
        return self.kept * x + self.out(attended.flatten(-2))

    def pool(self, patches: Tensor, x: Tensor, owners: Tensor) -> Tensor:
        """Patches (B, P, K, H) read their own bytes x (B, T, H); `owners` (B, T) are the patches of the bytes."""
        keys, values = self.keys_and_values(x)
        place = _flat(owners, patches.shape[1])
        queries = self.queries(patches).flatten(0, 1)[place]
        scores = (queries * keys.flatten(0, 1)[:, None]).sum(-1)
        shares = _softmax_by_owner(scores, place, patches.shape[0] * patches.shape[1])
        given = shares[..., None] * values.flatten(0, 1)[:, None]
        attended = given.new_zeros(patches.shape[0] * patches.shape[1], *given.shape[1:]).index_add(0, place, given)
        return self.joined(patches, attended.view(*patches.shape[:3], *given.shape[2:]))

    def read(self, x: Tensor, patches: Tensor, seen: Tensor) -> Tensor:
        """Bytes x (B, T, H) read one patch each, of patches (B, P, K, H); `seen` (B, T) says which."""
        keys, values = self.keys_and_values(patches)
        place = _flat(seen, patches.shape[1])
        keys, values = (each.flatten(0, 1)[place].view(*x.shape[:2], *each.shape[2:]) for each in (keys, values))
        shares = (self.queries(x)[:, :, None] * keys).sum(-1).softmax(2)
        return self.joined(x, (shares[..., None] * values).sum(2))


def largest(x: Tensor, owners: Tensor, count: int) -> Tensor:
    """(B, P, H) largest value of each feature among the bytes x (B, T, H) of each of `count` patches, 0 for none."""
    place = _flat(owners, count)
    found = x.new_zeros(x.shape[0] * count, x.shape[2])
    found = found.scatter_reduce(0, place[:, None].expand(-1, x.shape[2]), x.flatten(0, 1), "amax", include_self=False)
    return found.view(x.shape[0], count, -1)


def _flat(owners: Tensor, count: int) -> Tensor:
    """(B * T,) places in the flattened patches of a batch, `count` for each file, of owners (B, T)."""
    return (owners + torch.arange(len(owners), device=owners.device)[:, None] * count).flatten()


def _softmax_by_owner(scores: Tensor, place: Tensor, count: int) -> Tensor:
    """Softmax of scores (B * T, K, N) among the bytes of each patch."""
    index = place[:, None, None].expand_as(scores)
    shape = (count, *scores.shape[1:])
    most = scores.detach().new_full(shape, float("-inf")).scatter_reduce(0, index, scores.detach(), "amax")
    shares = (scores - most[place]).exp()
    return shares / shares.new_zeros(shape).index_add(0, place, shares)[place]
