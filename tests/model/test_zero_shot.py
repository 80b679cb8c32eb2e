"""A detector from a folder tells which objects a word names that no vocabulary has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    CLIPTokenizer,
    OwlViTConfig,
    OwlViTForObjectDetection,
    OwlViTImageProcessorPil,
    OwlViTProcessor,
    pipeline,
)

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.checkpoint import SHIPPED_SEGMENTER
from autoglm_embodied.model.zero_shot import TASK, ZeroShotDetector, _box, _score

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
SIDE_PX, START, END = 64, "<|startoftext|>", "<|endoftext|>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OWL-ViT of one layer that was never trained, whose boxes are 4 x 4 fields of the image."""
    vocabulary = {token: at for at, token in enumerate([*LETTERS, *(f"{x}</w>" for x in LETTERS), START, END])}
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"bos_token_id": vocabulary[START], "eos_token_id": vocabulary[END], "pad_token_id": vocabulary[END]}
    text = small | ends | {"vocab_size": len(vocabulary), "max_position_embeddings": 16}
    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("owl")
    vision = small | {"image_size": SIDE_PX, "patch_size": 16}
    model = OwlViTForObjectDetection(OwlViTConfig(text_config=text, vision_config=vision, projection_dim=32))
    torch.nn.init.zeros_(model.box_head.dense2.weight)
    torch.nn.init.zeros_(model.box_head.dense2.bias)
    model.save_pretrained(made)
    images = OwlViTImageProcessorPil(size={"height": SIDE_PX, "width": SIDE_PX})
    OwlViTProcessor(images, CLIPTokenizer(vocab=vocabulary, merges=[])).save_pretrained(made)
    return made


def test_each_object_is_named_by_what_is_detected_around_it(folder: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    found = pipeline(TASK, model=str(folder))(Image.fromarray(rgb), candidate_labels=["screwdriver"], threshold=0.0)
    inside = [each for each in found if min(each["box"].values()) >= 0 and max(each["box"].values()) <= 128]
    first, last = inside[0], inside[-1]
    owner = np.full((128, 128), -1, np.int16)
    for index, box in ((0, first["box"]), (2, last["box"])):
        owner[box["ymin"] + 2 : box["ymax"] - 2, box["xmin"] + 2 : box["xmax"] - 2] = index
    named = ZeroShotDetector(folder).named(rgb, "screwdriver", owner, 3)
    assert first["score"] != last["score"]
    assert named.tolist() == [pytest.approx(first["score"]), 0.0, pytest.approx(last["score"])], "one is not seen"


def test_a_box_counts_where_it_lies_around_the_object() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:20, 10:30] = True
    boxes = np.array([[10, 10, 30, 20], [11, 10, 30, 21], [10, 10, 20, 20], [0, 0, 40, 40]], float)
    assert _score(_box(mask), boxes, np.array([0.3, 0.6, 0.8, 0.9])) == 0.6
    assert _score(_box(mask), boxes[2:], np.array([0.8, 0.9])) == 0
    assert _score(_box(~mask & mask), boxes, np.ones(4)) == 0
    assert _score(_box(mask), np.zeros((0, 4)), np.zeros(0)) == 0


def test_a_folder_without_such_a_model_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (pickled / file.name).write_bytes(file.read_bytes())
    torch.save({}, pickled / "pytorch_model.bin")
    for wrong in (tmp_path / "nowhere", tmp_path, pickled, SHIPPED_SEGMENTER):
        with pytest.raises(
            ConfigError, match=r"^grounding must be a folder with a zero-shot object detector"
        ) as raised:
            ZeroShotDetector(wrong)
        assert "\n" not in str(raised.value)
