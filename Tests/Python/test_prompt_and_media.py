"""Prompts, positions, the choice of frames and the preparation of images."""

import json
import os
import random
import unittest

from support import SHARED, needs_shared

import torch

from reference.errors import ToolError
from reference.media import base_indices, chat_indices, decode_video, prepare_images
from reference.prompt import Tokenizer, position_ids, prompt_text

try:
    import decord  # noqa: F401

    HAS_DECORD = True
except ImportError:
    HAS_DECORD = False


def positions_twin(types):
    """The rule of the facts, step by step: retype the edges, then count."""
    retyped = list(types)
    for index, kind in enumerate(types):
        at_edge = index == 0 or index == len(types) - 1
        if kind == 1 and (at_edge or types[index - 1] == 0 or types[index + 1] == 0):
            retyped[index] = 0
    positions = [0]
    for index in range(1, len(types)):
        moves = retyped[index] == 0 or retyped[index - 1] == 0
        positions.append(positions[-1] + (1 if moves else 0))
    return positions


class Prompts(unittest.TestCase):
    def test_positions_of_one_frame_between_text(self):
        self.assertEqual(position_ids([0, 1, 1, 1, 1, 0, 0]), [0, 1, 2, 2, 3, 4, 5])

    def test_positions_equal_a_plain_twin_on_random_types(self):
        random.seed(1)
        for _ in range(500):
            types = [random.randint(0, 1) for _ in range(random.randint(1, 40))]
            self.assertEqual(position_ids(types), positions_twin(types), types)

    def test_templates_put_history_before_the_question_except_base(self):
        history = [("What?", "A cat.")]
        self.assertEqual(
            prompt_text("chat", "Why?", history), "Question: What? Answer: A cat.\nQuestion: Why? Answer:"
        )
        self.assertEqual(
            prompt_text("vqa", "Why?", history),
            "Question: What? Short answer: A cat.\nQuestion: Why? Short answer:",
        )
        self.assertEqual(prompt_text("base", "Why?", history), "Why?")

    @needs_shared
    def test_tokenizer_gives_the_reference_ids(self):
        with open(os.path.join(SHARED, "reference", "tokenizer-vectors.json"), encoding="utf-8") as stream:
            vectors = json.load(stream)
        for folder, key in (("llama3-vocab", "llama3"), ("tiny", "compact")):
            tokenizer = Tokenizer(os.path.join(SHARED, "reference", folder, "checkpoint"))
            for vector in vectors:
                self.assertEqual(tokenizer.encode(vector["text"]), vector[key], vector["text"])


class FrameChoice(unittest.TestCase):
    def test_chat_takes_the_frame_closest_to_each_second_the_first_on_a_tie(self):
        self.assertEqual(chat_indices([0.0, 0.5, 1.5, 2.0]), [0, 1, 3])

    def test_chat_stops_after_24_frames(self):
        self.assertEqual(chat_indices([float(second) for second in range(40)]), list(range(24)))

    def test_chat_rounds_the_last_second_half_to_even(self):
        self.assertEqual(len(chat_indices([0.0, 0.5])), 1)
        self.assertEqual(len(chat_indices([0.0, 1.5])), 3)

    def test_base_repeats_frames_of_a_short_video_and_ends_on_the_last(self):
        indices = base_indices(5, 25.0)
        self.assertEqual((len(indices), indices[0], indices[-1]), (24, 0, 4))
        self.assertEqual(base_indices(10000, 25.0)[-1], 1499)

    @needs_shared
    @unittest.skipUnless(HAS_DECORD, "decoding needs decord")
    def test_frames_of_every_clip_are_the_published_ones(self):
        with open(os.path.join(SHARED, "videos", "frames.json"), encoding="utf-8") as stream:
            clips = json.load(stream)
        checked = 0
        for clip in clips:
            path = os.path.join(SHARED, "videos", clip["file"])
            for template in ("chat", "base"):
                if "error" in clip:
                    self.assertRaisesRegex(ToolError, clip["file"], decode_video, path, template)
                elif template in clip:
                    frames = decode_video(path, template)
                    self.assertEqual(frames.indices.tolist(), clip[template]["indices"], clip["file"])
                    checked += 1
        self.assertGreater(checked, 10)


class Images(unittest.TestCase):
    def test_a_gray_frame_is_normalized_gray_of_the_right_shape(self):
        images = prepare_images(torch.full((2, 50, 30, 3), 128, dtype=torch.uint8), 28)
        self.assertEqual(list(images.shape), [2, 3, 28, 28])
        expected = (128 / 255 - 0.48145466) / 0.26862954
        self.assertTrue(torch.allclose(images[:, 0], torch.tensor(expected), atol=1e-6))

    def test_the_crop_offset_rounds_half_to_even(self):
        # 28 x 31 pixels cut to 28: the offset 1.5 becomes 2; pixels are not scaled.
        ramp = torch.arange(31, dtype=torch.uint8).view(1, 1, 31, 1).expand(1, 28, 31, 3)
        images = prepare_images(ramp, 28)
        first = round((float(images[0, 0, 0, 0]) * 0.26862954 + 0.48145466) * 255)
        self.assertEqual(first, 2)

    def test_a_ribbon_of_pixels_is_refused(self):
        with self.assertRaisesRegex(ToolError, "1x16384"):
            prepare_images(torch.zeros((1, 16384, 1, 3), dtype=torch.uint8), 28)


if __name__ == "__main__":
    unittest.main()
