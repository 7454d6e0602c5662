"""The plain PyTorch model against what the published code computed (the bundles beside the checkout)."""

import json
import os
import tempfile
import unittest

from support import SHARED, needs_shared, read_bundle, relative_l2

import torch

from reference import graph
from reference.capture import DTYPES, Request, capture
from reference.checkpoint import Checkpoint
from reference.configuration import read_configuration

# Formats/references.md: what a correct computation keeps to.
ACCUMULATED = {"float32": 1e-5, "bfloat16": 1.5e-2}
ISOLATED = {"float32": 1e-5, "bfloat16": 4e-3}

SETS = {
    "reference/tiny/checkpoint": "reference/tiny/references",
    "reference/tiny/checkpoint-bin": "reference/tiny/references",
    "reference/llama3-vocab/checkpoint": "reference/llama3-vocab/references",
    "sample/checkpoint": "sample/references",
}


def bundles(folder):
    """(name, compute dtype, path) of every bundle in a folder of /shared."""
    folder = os.path.join(SHARED, folder)
    for file in sorted(os.listdir(folder)):
        for dtype, (_, suffix) in DTYPES.items():
            if file.endswith(f".{suffix}.safetensors"):
                yield file[: -len(f".{suffix}.safetensors")], dtype, os.path.join(folder, file)


@needs_shared
class PlainModelAgainstPublishedCode(unittest.TestCase):
    def for_each_bundle(self, check):
        """Calls `check(checkpoint folder, compute dtype, path)`; a failure says for which bundle."""
        count = 0
        for checkpoint, references in SETS.items():
            for name, dtype, path in bundles(references):
                count += 1
                with self.subTest(checkpoint=checkpoint, bundle=name, dtype=dtype):
                    check(os.path.join(SHARED, checkpoint), dtype, path)
        self.assertGreaterEqual(count, 34)

    def test_every_tap_and_answer_from_the_reference_frames(self):
        self.for_each_bundle(self.check_bundle)

    def check_bundle(self, folder, dtype, path):
        reference, metadata = read_bundle(path)
        frames = path[: -len(f"{DTYPES[dtype][1]}.safetensors")] + "frames.safetensors"
        with tempfile.TemporaryDirectory() as output:
            request = Request(
                folder=folder,
                query=metadata["query"],
                history=[(turn[0], turn[1]) for turn in json.loads(metadata.get("history", "[]"))],
                output=os.path.join(output, "made"),
                dtypes=[dtype],
                template=metadata["template_version"],
                frames=frames if os.path.exists(frames) else None,
                plain=True,
            )
            made, made_metadata = read_bundle(capture(request)[0])
        self.check_taps(made, reference, ACCUMULATED[dtype])
        self.check_answer(made, made_metadata, reference, metadata)

    def check_taps(self, made, reference, tolerance):
        for tap, tensor in reference.items():
            if tap == "frame_indices":  # of the video, which only the reference's maker had
                continue
            self.assertIn(tap, made)
            if tensor.dtype == torch.int64:
                self.assertTrue(torch.equal(made[tap], tensor), tap)
                continue
            error = relative_l2(made[tap], tensor)
            self.assertLess(error, 1e-5 if tap == "images" else tolerance, tap)

    def check_answer(self, made, made_metadata, reference, metadata):
        """Equal ids, or a first difference where the two logits were closer than the logits' error."""
        ids, wanted = json.loads(made_metadata["answer_ids"]), json.loads(metadata["answer_ids"])
        if ids == wanted:
            self.assertEqual(made_metadata["answer_text"].strip(), metadata["answer_text"].strip())
            return
        step = next(index for index, pair in enumerate(zip(ids, wanted)) if pair[0] != pair[1])
        error = float((made["lm_head"].double() - reference["lm_head"].double()).abs().max())
        # A bfloat16 logit of 8...16 is a multiple of 1/16: one step of it is below any error worth the name.
        spacing = 2.0**-8 if metadata["compute_dtype"] == "bfloat16" else 2.0**-23
        allowed = 2 * max(error, spacing * float(reference["lm_head"].double().abs().max()))
        self.assertLessEqual(
            json.loads(made_metadata["answer_margins"])[step], allowed, f"answer token {step}"
        )
        self.assertLessEqual(float(metadata["min_margin"]), allowed)

    def test_every_language_layer_and_the_head_from_the_reference_input(self):
        self.for_each_bundle(self.check_language)

    def check_language(self, folder, dtype, path):
        reference, _ = read_bundle(path)
        configuration = read_configuration(folder)
        checkpoint, torch_dtype = Checkpoint(folder, configuration), DTYPES[dtype][0]
        for layer in range(1, configuration.num_hidden_layers):
            name = f"model.layers.{layer}"
            weights = checkpoint.layer(name + ".", torch_dtype)
            x, positions = reference[f"model.layers.{layer - 1}"], reference["position_ids"]
            output, _ = graph.language_layer(x, positions, weights, configuration, None)
            self.assertLess(relative_l2(output, reference[name]), ISOLATED[dtype], name)
        last = reference["model.norm"][-1:]
        logits = graph.linear(last, checkpoint.tensor("lm_head.weight", torch_dtype))
        self.assertLess(relative_l2(logits, reference["lm_head"]), ISOLATED[dtype])

    def test_every_vision_layer_from_the_reference_input(self):
        self.for_each_bundle(self.check_vision)

    def check_vision(self, folder, dtype, path):
        reference, _ = read_bundle(path)
        if "model.vision" not in reference:
            return
        configuration = read_configuration(folder)
        checkpoint, torch_dtype = Checkpoint(folder, configuration), DTYPES[dtype][0]
        previous = "model.vision.patch_embedding"
        for layer in range(configuration.vision.num_hidden_layers):
            name = f"model.vision.transformer.layers.{layer}"
            weights = checkpoint.layer(name + ".", torch_dtype)
            output = graph.vision_layer(reference[previous], weights, configuration.vision)
            self.assertLess(relative_l2(output, reference[name]), ISOLATED[dtype], name)
            previous = name
        conv = graph.downsample(reference[previous], checkpoint.layer("model.vision.conv.", torch_dtype))
        self.assertLess(relative_l2(conv, reference["model.vision.conv"]), ISOLATED[dtype])
        weights = checkpoint.layer("model.vision.linear_proj.", torch_dtype)
        features = graph.adapter(reference["model.vision.conv"], weights)
        self.assertLess(relative_l2(features, reference["model.vision.linear_proj"]), ISOLATED[dtype])


if __name__ == "__main__":
    unittest.main()
