"""Tools/make_checkpoint.py: layout, scale and spread of its weights, and what it does about bad input."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections import namedtuple
from unittest import mock

import tools

TOOL = os.path.join(tools.TOOLS, "make_checkpoint.py")
FIXTURES = os.path.join(tools.PACKAGE, "Tests", "Fixtures")

try:
    import numpy as np
except ImportError as error:
    raise unittest.SkipTest(f"make_checkpoint.py needs numpy: {error}") from error

from reference.configuration import expected_tensors, read_configuration  # noqa: E402
from reference.errors import ToolError  # noqa: E402
from synthetic import folder as writer  # noqa: E402
from synthetic import presets, weights  # noqa: E402

Stored = namedtuple("Stored", "dtype values start")


def run(*arguments):
    return subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, check=False)


def read_shard(path):
    """The tensors of a safetensors file, read from its bytes alone."""
    with open(path, "rb") as stream:
        data = stream.read()
    count = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + count])
    entries.pop("__metadata__")
    tensors = {}
    for name, entry in entries.items():
        start, end = (8 + count + offset for offset in entry["data_offsets"])
        bits = np.frombuffer(data[start:end], "<u2").astype(np.uint32) << 16
        tensors[name] = Stored(entry["dtype"], bits.view(np.float32).reshape(entry["shape"]), start)
    return tensors


def read_folder(path):
    with open(os.path.join(path, writer.INDEX), encoding="utf-8") as stream:
        index = json.load(stream)
    tensors = {}
    for shard in sorted(set(index["weight_map"].values())):
        tensors.update(read_shard(os.path.join(path, shard)))
    return index, tensors


class Published(unittest.TestCase):
    def test_the_full_shards_have_the_published_sizes_to_the_byte(self):
        with open(
            os.path.join(FIXTURES, "published", "published-checkpoint.json"), encoding="utf-8"
        ) as stream:
            listing = json.load(stream)
        with tempfile.TemporaryDirectory() as folder:
            shards = presets.load("full", folder).shards
        sizes = {}
        for shard in shards:
            start, names = writer.header(shard)
            sizes[shard.name] = len(start) + sum(presets.byte_count(shard.shapes[name]) for name in names)
        self.assertEqual(sizes, {shard["file"]: shard["file_bytes"] for shard in listing["shards"]})
        counts = [presets.byte_count(shape) for shard in shards for shape in shard.shapes.values()]
        self.assertEqual((len(counts), sum(counts)), (listing["tensor_count"], listing["total_size"]))

    def test_medium_is_about_a_sixteenth_of_full(self):
        with tempfile.TemporaryDirectory() as folder:
            shards = presets.load("medium", folder).shards
        total = sum(presets.byte_count(shape) for shard in shards for shape in shard.shapes.values())
        self.assertTrue(15 <= 25_015_065_088 / total <= 17, total)

    def test_the_rotary_frequencies_are_those_of_the_published_code(self):
        found = 0
        for model in ("tiny", "sample"):
            folder = os.path.join(FIXTURES, model, "checkpoint")
            for name in os.listdir(folder):
                if not name.endswith(".safetensors"):
                    continue
                for tensor, stored in read_shard(os.path.join(folder, name)).items():
                    if tensor.endswith("inv_freq"):
                        made = weights.float32_values(weights.rotary_frequencies(len(stored.values)))
                        np.testing.assert_array_equal(made, stored.values)
                        found += 1
        self.assertGreater(found, 0)


class Tiny(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = os.path.join(cls.temporary.name, "tiny")
        cls.result = run("--preset", "tiny", "-o", cls.folder)
        cls.index, cls.tensors = read_folder(cls.folder)

    def test_every_tensor_of_the_model_is_there_once_in_bf16_sorted_by_name(self):
        self.assertEqual(self.result.returncode, 0, self.result.stderr)
        self.assertEqual(self.result.stderr, "")
        shapes = {name: list(stored.values.shape) for name, stored in self.tensors.items()}
        self.assertEqual(shapes, expected_tensors(read_configuration(self.folder)))
        self.assertEqual({stored.dtype for stored in self.tensors.values()}, {"BF16"})
        self.assertEqual(len(set(self.index["weight_map"].values())), 3)
        for shard in set(self.index["weight_map"].values()):
            stored = read_shard(os.path.join(self.folder, shard))
            self.assertEqual(sorted(stored, key=lambda name: stored[name].start), sorted(stored))
            self.assertEqual({self.index["weight_map"][name] for name in stored}, {shard})
        weight_bytes = sum(2 * stored.values.size for stored in self.tensors.values())
        self.assertEqual(self.index["metadata"]["total_size"], weight_bytes)

    def test_matrices_have_a_realistic_scale_and_input_channels_that_stand_out(self):
        matrices = 0
        for name, stored in self.tensors.items():
            self.assertTrue(np.isfinite(stored.values).all(), name)
            if len(stored.values.shape) != 2 or "_embedding" in name:
                continue
            matrices += 1
            channels = np.sqrt((stored.values.astype(np.float64) ** 2).mean(axis=0))
            usual = np.median(channels)
            wanted = 0.02 if "embed_tokens" in name else stored.values.shape[1] ** -0.5
            if "model.vision." in name and "query_key_value" in name:
                wanted /= (1 + 2 * int(name.split(".layers.")[1].split(".")[0])) ** 0.5
            self.assertTrue(0.85 < usual / wanted < 1.15, f"{name}: {usual}, not {wanted}")
            outliers = channels[channels > 5 * usual]
            self.assertTrue(1 <= len(outliers) <= 3, f"{name}: {outliers}")
            self.assertTrue(
                (outliers > 8 * usual).all() and (outliers < 34 * usual).all(), f"{name}: {outliers}"
            )
        self.assertEqual(matrices, 2 * 5 + 2 * 4 + 4 + 2)

    def test_norms_are_near_1_and_what_is_added_is_small(self):
        for name, stored in self.tensors.items():
            if "norm" in name and name.endswith("weight"):
                self.assertTrue(
                    0.97 < stored.values.mean() < 1.03 and 0.05 < stored.values.std() < 0.15, name
                )
            elif name.endswith((".bias", "embedding.weight", "boi", "eoi")):
                self.assertTrue(0.014 < stored.values.std() < 0.026, name)

    def test_no_two_rows_and_no_two_tensors_are_alike(self):
        starts = set()
        for name, stored in self.tensors.items():
            if len(stored.values.shape) == 2:
                rows = stored.values.reshape(stored.values.shape[0], -1)
                self.assertEqual(len(np.unique(rows, axis=0)), len(rows), name)
            if not name.endswith("inv_freq"):
                starts.add(stored.values.reshape(-1)[:64].tobytes())
        self.assertEqual(len(starts), len(self.tensors) - 2)

    def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(self):
        for seed, expected in (("0", True), ("1", False)):
            other = os.path.join(self.temporary.name, f"seed{seed}")
            self.assertEqual(run("--preset", "tiny", "--seed", seed, "-o", other).returncode, 0)
            self.assertEqual(sorted(os.listdir(other)), sorted(os.listdir(self.folder)))
            for name in os.listdir(other):
                if name.endswith(".safetensors"):
                    with open(os.path.join(other, name), "rb") as a, open(
                        os.path.join(self.folder, name), "rb"
                    ) as b:
                        self.assertEqual(a.read() == b.read(), expected, name)

    def test_the_tokenizer_has_the_vocabulary_of_the_configuration(self):
        with open(os.path.join(self.folder, "tokenizer.json"), encoding="utf-8") as stream:
            text = stream.read()
        document = json.loads(text)
        words, added = (
            document["model"]["vocab"],
            {token["content"]: token["id"] for token in document["added_tokens"]},
        )
        self.assertEqual(sorted([*words.values(), *added.values()]), list(range(2048)))
        self.assertEqual((added["<|begin_of_text|>"], added["<|end_of_text|>"]), (1792, 1793))
        for merge in document["model"]["merges"]:
            left, right = merge.split(" ")
            self.assertTrue({left, right, left + right} <= words.keys(), merge)
        self.assertEqual(len(set(document["model"]["merges"])), 1792 - 256)
        try:
            from tokenizers import Tokenizer
        except ImportError:
            return
        tokenizer = Tokenizer.from_str(text)
        sentence = "Question: what's in the 12th frame? Ünïcode 視\n Answer:"
        self.assertEqual(tokenizer.decode(tokenizer.encode(sentence).ids), sentence)
        self.assertEqual(tokenizer.encode("<|begin_of_text|>the").ids[0], 1792)

    def test_a_tokenizer_that_is_given_is_taken_as_it_is(self):
        source, folder = (
            os.path.join(self.folder, "tokenizer.json"),
            os.path.join(self.temporary.name, "given"),
        )
        self.assertEqual(run("--preset", "tiny", "--tokenizer", source, "-o", folder).returncode, 0)
        with open(source, "rb") as a, open(os.path.join(folder, "tokenizer.json"), "rb") as b:
            self.assertEqual(a.read(), b.read())


class Refusals(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.output = os.path.join(temporary.name, "out")

    def refused(self, says, *arguments):
        """Exits with 2, says what is wrong without a traceback, and leaves no output folder."""
        before = sorted(os.listdir(self.folder))
        result = run("--preset", "tiny", *arguments)
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertIn(says, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path

    def test_a_folder_with_files_in_it_or_a_file_is_refused_and_left_alone(self):
        path = self.write("mine.txt", "precious")
        self.refused("there are files in it, such as mine.txt", "-o", self.folder)
        self.refused("not a folder that can be written", "-o", path)
        with open(path, encoding="utf-8") as stream:
            self.assertEqual(stream.read(), "precious")

    def test_a_tokenizer_that_is_missing_damaged_or_too_large_is_refused(self):
        large = {"model": {"vocab": {"a": 2048}}, "added_tokens": []}
        self.refused("cannot be read", "-o", self.output, "--tokenizer", self.output + ".json")
        for name, text, says in (
            ("no.json", "{", "not a tokenizer.json"),
            ("list.json", "[]", "not a tokenizer.json"),
            ("empty.json", '{"model": {"vocab": {}}, "added_tokens": []}', "not a tokenizer.json"),
            ("large.json", json.dumps(large), "the largest token id is 2048, expected less than 2048"),
        ):
            self.refused(says, "-o", self.output, "--tokenizer", self.write(name, text))

    def test_a_disk_with_too_little_room_is_noticed_before_anything_is_made(self):
        little = mock.Mock(f_bavail=25_000, f_frsize=1_000_000)
        with mock.patch("os.statvfs", return_value=little), self.assertRaises(ToolError) as caught:
            writer.write_checkpoint("full", self.output, 0, None)
        self.assertIn("found 25000000000", str(caught.exception))
        self.assertFalse(os.path.exists(self.output))

    def test_a_disk_that_fails_leaves_nothing_in_a_folder_that_was_empty(self):
        os.mkdir(self.output)
        with mock.patch.object(writer, "_flush", side_effect=OSError(28, "No space left on device")):
            with self.assertRaises(ToolError) as caught:
                writer.write_checkpoint("tiny", self.output, 0, None)
        self.assertIn("No space left on device", str(caught.exception))
        self.assertEqual(os.listdir(self.output), [])

    def test_an_interrupt_leaves_nothing(self):
        # A shell lets what runs in its background ignore interrupts, and this with it.
        process = subprocess.Popen(
            [sys.executable, TOOL, "--preset", "medium", "-o", self.output], stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while (
                not any(name.startswith("model") for name in self.entries()) and time.monotonic() < deadline
            ):
                time.sleep(0.01)
            self.assertFalse(writer.INDEX in self.entries())
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        self.assertEqual(process.returncode, 130, errors)
        self.assertEqual(os.listdir(self.folder), [])

    def entries(self):
        return os.listdir(self.output) if os.path.isdir(self.output) else []

    def test_usage_errors_exit_64(self):
        for arguments in (
            [],
            ["--preset", "huge", "-o", self.output],
            ["--preset", "tiny"],
            ["--seed", "-1"],
        ):
            self.assertEqual(run(*arguments).returncode, 64, arguments)
        self.assertFalse(os.path.exists(self.output))


if __name__ == "__main__":
    unittest.main()
