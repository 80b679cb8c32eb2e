"""The instruction as word tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from autoglm_embodied.vocabulary import words as split_words

PADDING, UNKNOWN = 0, 1


def word_ids(instruction: str, vocabulary: tuple[str, ...], max_words: int) -> list[int]:
    """Ids of the words the model knows, padded to `max_words`; verbs and fillers are left out."""
    ids = [vocabulary.index(word) + 2 for word in split_words(instruction) if word in vocabulary][:max_words]
    ids = ids or [UNKNOWN]
    return ids + [PADDING] * (max_words - len(ids))


class WordEncoder(nn.Module):
    """Words to tokens and to one summary."""

    def __init__(self, vocabulary_size: int, max_words: int, width: int, heads: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size + 2, width, padding_idx=PADDING)
        self.position = nn.Parameter(torch.zeros(max_words, width))
        self.layer = nn.TransformerEncoderLayer(width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, L, D) and their mean over the words there are, (B, D), from ids (B, L)."""
        there = ids != PADDING
        tokens = self.layer(self.embedding(ids) + self.position, src_key_padding_mask=~there)
        weight = there.unsqueeze(-1).to(tokens.dtype)
        return tokens, (tokens * weight).sum(1) / weight.sum(1).clamp(min=1)
