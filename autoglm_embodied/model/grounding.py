"""Where the named object is: words attend to visual tokens, and the tokens that match vote for its centre.

The match of each token is a probability of its own (sigmoid), so that none, one or many objects may match;
votes follow Hough voting on points (Qi et al. 2019, VoteNet, section 4.1).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

READ_RUN = 4  # neighbouring tokens that the queries read as one: where the target is, the votes say more exactly
NO_MATCH = -1e4  # a logit whose sigmoid is 0
NOTHING_NAMED = (0.0, NO_MATCH, NO_MATCH)  # logits of Referent.NONE


class Grounded(NamedTuple):
    """What the words found in the image.

    Without an image or without words nothing is named: no token matches, the referent is NONE, and the target, at the
    base frame's origin, means nothing; its token is masked.
    """

    latents: Tensor  # (B, Q, D)
    match_logits: Tensor  # (B, N) token lies on an object that fits the words
    votes_m: Tensor  # (B, N, 3) where each token believes the centre of its object is, base frame
    target_m: Tensor  # (B, 3) mean vote of the tokens that match
    spread_m: Tensor  # (B,) standard deviation of the votes
    referent_logits: Tensor  # (B, 3) none, one, many


class CrossAttention(nn.Module):
    """Queries read from tokens, then pass through an MLP of their own."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_query = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, query: Tensor, tokens: Tensor) -> Tensor:
        """What the queries (B, Q, D) read from the tokens (B, N, D): (B, Q, D)."""
        query = query + self.attention(self.norm_query(query), tokens, tokens, need_weights=False)[0]
        read: Tensor = query + self.mlp(self.norm(query))
        return read


class Grounding(nn.Module):
    """Learnable queries, conditioned on the words, over the visual tokens."""

    def __init__(self, width: int, heads: int, queries: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(0.02 * torch.randn(queries, width))
        self.position_embedding = nn.Linear(4, width)
        self.key = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        self.name, self.scale = nn.Linear(width, width), width**0.5
        self.match_bias = nn.Parameter(torch.tensor(-2.0))
        self.offset_head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 3))
        self.matched = nn.Linear(1, width)
        self.read = nn.ModuleList(CrossAttention(width, heads) for _ in range(2))
        self.referent = nn.Sequential(nn.Linear(width + 4, width), nn.GELU(), nn.Linear(width, 3))

    def match_each(self, visual: Tensor, language: Tensor) -> Tensor:
        """Logits (B, N, K): how well every token (B, N, D + 4) matches each of K summaries of words (K, D)."""
        logits = torch.einsum("bnd,kd->bnk", self.key(visual[..., :-4]), self.name(language) / self.scale)
        biased: Tensor = logits + self.match_bias
        return biased

    def forward(self, visual: Tensor, language: Tensor, named: Tensor) -> Grounded:
        """Ground the words.

        Args:
            visual: (B, N, D + 4) tokens of FrameEncoder.
            language: (B, D) summary of the instruction.
            named: (B,) bool both are there; elsewhere they must hold constants.
        """
        features, where = visual[..., :-4], visual[..., -4:]
        anchor, known = where[..., :3], where[..., 3]
        match_logits = (
            torch.einsum("bnd,bd->bn", self.key(features), self.name(language) / self.scale) + self.match_bias
        )
        match_logits = match_logits.masked_fill(~named.unsqueeze(1), NO_MATCH)
        match = match_logits.sigmoid() * (known > 0)
        votes = anchor + 0.1 * self.offset_head(features)  # (B, N, 3)
        weight = match**2 / (match**2).sum(1, keepdim=True).clamp(min=1e-4)
        target = (weight.unsqueeze(-1) * votes).sum(1)
        spread = (weight * (votes - target.unsqueeze(1)).square().sum(-1)).sum(1).clamp(min=1e-10).sqrt()
        runs = torch.cat([features, where, match.unsqueeze(-1)], dim=-1).unflatten(1, (-1, READ_RUN)).mean(2)
        features, where, match_in_run = runs.split([features.shape[-1], 4, 1], dim=-1)  # (B, N / 4, ...)
        tokens = features + self.position_embedding(where) + self.matched(match_in_run)
        latents = self.queries + language.unsqueeze(1)
        for layer in self.read:
            latents = layer(latents, tokens)
        strongest = match.topk(4, dim=1).values
        evidence = torch.stack([strongest[:, 0], strongest[:, 3], match.sum(1) / 10, spread * 10], dim=1)
        referent = self.referent(torch.cat([latents[:, 0], evidence], dim=1))
        referent = torch.where(named.unsqueeze(1), referent, referent.new_tensor(NOTHING_NAMED))
        return Grounded(latents, match_logits, votes, target, spread, referent)
