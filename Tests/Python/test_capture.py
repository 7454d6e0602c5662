"""The command on a small random checkpoint: every layout of weights, every kind of bad input."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest

from support import SMALL, TOOL, read_bundle, small_frames, small_weights, write_checkpoint

import torch
from safetensors.torch import save_file

from reference import capture as capture_module
from reference.bundle import write_atomically
from reference.capture import Request, capture
from reference.errors import ToolError
from reference.remote import hooked, require_taps
from reference.taps import Taps, greedy_answer


class Captures(unittest.TestCase):
    def setUp(self):
        output = tempfile.TemporaryDirectory()
        self.addCleanup(output.cleanup)
        self.output = output.name
        self.frames = small_frames(self.output)

    def request(self, folder, **changes):
        values = {
            "folder": folder,
            "query": "WHY?",
            "history": [("WHO?", "ME")],
            "output": os.path.join(self.output, "made"),
            "dtypes": ["float32", "bfloat16"],
            "frames": self.frames,
            "max_new_tokens": 5,
            "plain": True,
        }
        return Request(**{**values, **changes})

    def checkpoint(self, layout="sharded", change=None):
        weights = small_weights()
        if change is not None:
            change(weights)
        folder = write_checkpoint(weights, layout)
        self.addCleanup(folder.cleanup)
        return folder.name

    def test_every_layout_of_weights_gives_the_same_bundle(self):
        wanted = None
        for layout in ("single", "sharded", "bin", "sharded-bin"):
            made = [read_bundle(path)[0] for path in capture(self.request(self.checkpoint(layout)))]
            wanted = wanted or made
            for first, other in zip(wanted, made):
                self.assertEqual(first.keys(), other.keys())
                self.assertTrue(all(torch.equal(first[name], other[name]) for name in first), layout)

    def test_what_an_output_may_not_take_the_place_of_stays(self):
        """Reports 1 and 13d: pipes, devices, inputs; a link is followed."""
        folder = self.checkpoint("single")
        target = os.path.join(self.output, "made.f32.safetensors")
        os.mkfifo(target)
        with self.assertRaisesRegex(ToolError, "a pipe"):
            capture(self.request(folder))
        self.assertTrue(stat.S_ISFIFO(os.lstat(target).st_mode))
        for path in (self.frames, os.path.join(folder, "config.json")):
            os.unlink(target)
            os.symlink(path, target)
            with self.assertRaisesRegex(ToolError, "which is read"):
                capture(self.request(folder))
        os.unlink(target)
        os.symlink("far.safetensors", target)
        written = capture(self.request(folder, dtypes=["float32"]))
        self.assertTrue(os.path.islink(target) and target in written)
        self.assertTrue(read_bundle(os.path.join(self.output, "far.safetensors"))[0])
        os.unlink(target)
        os.symlink("made.f32.safetensors", target)
        with self.assertRaisesRegex(ToolError, "leads nowhere"):
            capture(self.request(folder))

    def test_a_bundle_has_the_specified_tensors_and_metadata(self):
        paths = capture(self.request(self.checkpoint(), vision_frames_kept=1))
        self.assertEqual([os.path.basename(path).split(".")[1] for path in paths], ["f32", "bf16", "frames"])
        for path, dtype in zip(paths, (torch.float32, torch.bfloat16)):
            tensors, metadata = read_bundle(path)
            tokens = len(tensors["input_ids"])
            shapes = {
                "images": [1, 3, 56, 56],
                "frame_indices": [3],
                "token_type_ids": [tokens],
                "position_ids": [tokens],
                "model.vision.patch_embedding": [1, 17, 12],
                "model.vision.transformer.layers.1": [1, 17, 12],
                "model.vision.conv": [3, 12, 2, 2],
                "model.vision.linear_proj": [3, 4, 16],
                "model.vision": [3, 6, 16],
                "model.layers.1": [tokens, 16],
                "model.norm": [tokens, 16],
                "lm_head": [1, 64],
            }
            for name, shape in shapes.items():
                self.assertEqual(list(tensors[name].shape), shape, name)
                if name.startswith(("model.", "lm_")):
                    self.assertEqual(tensors[name].dtype, dtype)
            ids, margins = json.loads(metadata["answer_ids"]), json.loads(metadata["answer_margins"])
            self.assertEqual(len(ids), len(margins))
            self.assertEqual(float(metadata["min_margin"]), min(margins))
            self.assertEqual(json.loads(metadata["history"]), [["WHO?", "ME"]])
            self.assertEqual((metadata["bundle_version"], metadata["video"]), ("2", "clip.mp4"))
            self.assertNotIn(self.output, json.dumps(metadata))

    def test_the_cache_gives_what_a_longer_prompt_gives(self):
        """A step on the cache against a prompt that ends with the same token, in float32."""
        folder = self.checkpoint()
        first = capture(
            self.request(folder, dtypes=["float32"], frames=None, history=[], template="base", query="ABC")
        )
        longer = capture(
            self.request(
                folder,
                dtypes=["float32"],
                frames=None,
                history=[],
                template="base",
                query="ABCD",
                max_new_tokens=1,
            )
        )[0]
        logits = read_bundle(longer)[0]["lm_head"][0]
        configuration = capture_module.read_configuration(folder)
        model = capture_module._opener(self.request(folder), configuration)(torch.float32)
        tokenizer = capture_module.Tokenizer(folder)
        prompt = capture_module.build_prompt(configuration, tokenizer, "base", "ABC", [], 0)
        model.prefill(prompt, None, Taps(1))
        step = model.step(tokenizer.encode("D")[0], 4)
        self.assertEqual(len(first), 1)
        self.assertLess(float((step - logits).abs().max()), 1e-5)

    def test_hooks_on_a_module_tree_keep_what_the_modules_return(self):
        """A stand-in with the published module paths; its layers return tuples and a batch, as there."""

        class Layer(torch.nn.Module):
            def forward(self, x):
                return (x + 1, "cache")

        class Whole(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = torch.nn.Module()
                self.model.layers = torch.nn.ModuleList([Layer(), Layer()])
                self.model.norm = torch.nn.Identity()
                self.lm_head = torch.nn.Identity()

            def forward(self, x):
                for layer in self.model.layers:
                    x = layer(x)[0]
                return self.lm_head(self.model.norm(x))

        taps, whole = Taps(1), Whole()
        with hooked(whole, taps):
            whole(torch.zeros(1, 4, 16))
        whole(torch.ones(1, 9, 16))  # unhooked again: keeps nothing
        self.assertTrue(torch.equal(taps.tensors["model.layers.1"], torch.full((4, 16), 2.0)))
        self.assertEqual(list(taps.tensors["lm_head"].shape), [1, 16])
        configuration = capture_module.read_configuration(self.checkpoint())
        require_taps(taps, configuration, False, "stand-in")
        with self.assertRaisesRegex(ToolError, "model.vision"):
            require_taps(taps, configuration, True, "stand-in")

    def test_greedy_answers_stop_at_end_of_text_and_report_each_gap(self):
        class Counting:
            def step(self, token, position):
                self.last = (token, position)
                return torch.tensor([0.0, 1.0, 3.0]) if token == 0 else torch.tensor([0.0, 2.5, 1.0])

        model = Counting()
        answer = greedy_answer(model, torch.tensor([4.0, 4.0, 1.0]), 10, 8, [1])
        self.assertEqual((answer.ids, answer.margins), ([0, 2, 1], [0.0, 2.0, 1.5]))
        self.assertEqual(model.last, (2, 11))

    def expect(self, message, folder, **changes):
        with self.assertRaisesRegex(ToolError, message):
            capture(self.request(folder, **changes))
        self.assertEqual(os.listdir(self.output), ["clip.frames.safetensors"])

    def test_a_checkpoint_that_does_not_fit_its_configuration_is_refused_by_name(self):
        def drop(weights):
            del weights["model.norm.weight"]

        def add(weights):
            weights["model.layers.0.mlp.vision_mlp.up_proj.weight"] = torch.zeros(2, 2)

        def widen(weights):
            weights["model.vision.conv.bias"] = torch.zeros(13)

        def count(weights):
            weights["model.norm.weight"] = torch.zeros(16, dtype=torch.int32)

        self.expect("model.norm.weight' missing", self.checkpoint(change=drop))
        self.expect("image model", self.checkpoint(change=add))
        self.expect(
            r"conv.bias has shape \[13\], but by config.json it is \[12\]", self.checkpoint(change=widen)
        )
        self.expect("model.norm.weight is stored as torch.int32", self.checkpoint(change=count))

    def test_damaged_shards_are_named(self):
        heads = {
            b"": "empty",
            b"version https://git-lfs.github.com/spec/v1\n": "LFS pointer",
            b"<!DOCTYPE html><html>": "HTML page",
            b"GGUF\x03\0\0\0": "GGUF file",
            b"\xff" * 64: "not a readable",
        }
        for layout, shard in (("sharded", "model-00002-of-00002.safetensors"), ("bin", "pytorch_model.bin")):
            for head, message in heads.items():
                folder = self.checkpoint(layout)
                with open(os.path.join(folder, shard), "wb") as stream:
                    stream.write(head)
                self.expect(f"{shard}: .*{message}", folder)
            folder = self.checkpoint(layout)
            os.truncate(os.path.join(folder, shard), 3000)
            self.expect(f"{shard}: not a readable", folder)

    def test_an_index_that_disagrees_with_its_shards_is_refused(self):
        def rewrite(change):
            folder = self.checkpoint()
            path = os.path.join(folder, "model.safetensors.index.json")
            with open(path, encoding="utf-8") as stream:
                index = json.load(stream)
            change(index["weight_map"])
            with open(path, "w", encoding="utf-8") as stream:
                json.dump(index, stream)
            return folder

        one, two = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2))

        def swap(weight_map):
            weight_map["lm_head.weight"] = {one: two, two: one}[weight_map["lm_head.weight"]]

        self.expect("lm_head.weight", rewrite(swap))
        self.expect("lm_head.weight.*no shard", rewrite(lambda weight_map: weight_map.pop("lm_head.weight")))
        self.expect(
            "without folders", rewrite(lambda weight_map: weight_map.update({"lm_head.weight": "../x"}))
        )
        folder = self.checkpoint()
        os.remove(os.path.join(folder, two))
        self.expect(f"{two}: cannot be read", folder)

    def test_bad_configurations_are_refused_with_field_and_value(self):
        changes = {
            "hidden_size": -1,
            "num_hidden_layers": 10**9,
            "vocab_size": "many",
            "architectures": ["LlamaForCausalLM"],
            "eos_token_id": 64,
            "template_version": "song",
            "rms_norm_eps": None,
            "vision_config": [],
            "num_multi_query_heads": 3,
        }
        for field, value in changes.items():
            folder = self.checkpoint()
            with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as stream:
                json.dump({**SMALL, field: value}, stream)
            self.expect("config.json", folder)
        folder = self.checkpoint()
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as stream:
            stream.write("[" * 100000)
        self.expect("config.json: not JSON", folder)

    def test_frames_of_the_wrong_kind_are_refused(self):
        wrong = os.path.join(self.output, "clip.frames.safetensors")
        save_file({"frames": torch.zeros(2, 3, 4, 4)}, wrong)
        self.expect("frames is torch.float32", self.checkpoint())
        save_file({"pixels": torch.zeros(2)}, wrong)
        self.expect("frames is missing", self.checkpoint())
        with open(wrong, "wb") as stream:
            stream.write(b"no safetensors")
        self.expect("not a readable", self.checkpoint())

    def test_a_prompt_that_exceeds_the_context_is_refused_with_the_numbers(self):
        self.expect("context is 512", self.checkpoint(), query="A" * 600)

    def test_without_code_in_the_folder_the_default_way_points_at_plain(self):
        self.expect("--plain", self.checkpoint(), plain=False)

    def test_an_output_that_cannot_be_written_is_refused_before_the_work(self):
        folder = self.checkpoint()
        self.expect("no such folder", folder, output=os.path.join(self.output, "missing", "name"))
        self.expect("names a folder", folder, output=self.output + os.sep)

    def test_a_write_that_fails_leaves_no_file(self):
        taken = os.path.join(self.output, "taken")
        os.mkdir(taken)
        with self.assertRaisesRegex(ToolError, "cannot be written"):
            write_atomically(taken, {"x": torch.zeros(2)}, {})
        with self.assertRaisesRegex(ToolError, "cannot be written"):
            write_atomically(os.path.join(self.output, "missing", "x"), {"x": torch.zeros(2)}, {})
        self.assertEqual(sorted(os.listdir(self.output)), ["clip.frames.safetensors", "taken"])


class CommandLine(unittest.TestCase):
    def run_tool(self, *arguments):
        return subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, check=False)

    def test_usage_errors_exit_64_and_print_nothing_to_standard_output(self):
        for arguments in (
            [],
            ["folder", "--query", "Q"],
            ["folder", "--query", "Q", "-o", "x", "--dtype", "int4"],
            ["folder", "--query", "Q", "-o", "x", "--history", "[1]"],
            ["folder", "--query", "Q", "-o", "x", "--max-new-tokens", "0"],
            ["folder", "--query", "Q", "-o", "x", "--history", '[["\\ud800", "a"]]'],
            ["folder", "--query", "\udcff", "-o", "x"],
        ):
            result = self.run_tool(*arguments)
            self.assertEqual((result.returncode, result.stdout), (64, ""), arguments)
            self.assertIn("usage:", result.stderr)

    def test_bad_input_exits_2_and_names_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            result = self.run_tool(folder, "--plain", "--query", "Q", "-o", os.path.join(folder, "x"))
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn("config.json", result.stderr)
            self.assertEqual(os.listdir(folder), [])

    def test_a_text_only_bundle_is_written_and_its_paths_printed(self):
        folder = write_checkpoint(small_weights(), "single")
        self.addCleanup(folder.cleanup)
        name = os.path.join(folder.name, "text")
        result = self.run_tool(
            folder.name, "--plain", "--query", "HELLO", "-o", name, "--max-new-tokens", "2"
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.split(), [f"{name}.f32.safetensors", f"{name}.bf16.safetensors"])
        self.assertTrue(all("vision" not in tap for tap in read_bundle(f"{name}.f32.safetensors")[0]))


if __name__ == "__main__":
    unittest.main()
