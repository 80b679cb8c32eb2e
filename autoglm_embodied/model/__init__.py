"""From an Observation to an action chunk: encoders, grounding, modality gate, fusion transformer, heads.

Letters of the shape comments: B batch, N visual tokens, D width, Q queries, L words, R raw wrench samples,
S scales of the force pyramid, H steps of a chunk, M modalities.
"""
