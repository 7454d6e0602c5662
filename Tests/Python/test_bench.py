"""What Tools/bench computes by itself: packed weights, names of machines, ratios and tables. It needs neither
llama.cpp nor OpenVINO."""

import argparse
import os
import sys
import unittest
from unittest import mock

from tools import TOOLS

try:
    import numpy
except ImportError as error:
    raise unittest.SkipTest(f"the tests of Tools/bench need numpy: {error}") from error

sys.path.insert(0, os.path.join(TOOLS, "bench"))

import compare
import u4
from environment import NAMES, package_names, requirements_file
from measuring import machine_text, markdown_table, parse_lscpu, spread
from results import comparisons, ratios, steady_groups, table

LSCPU = """Architecture:                            x86_64
Vendor ID:                               GenuineIntel
Model name:                              Intel(R) Xeon(R) Processor
CPU family:                              6
Model:                                   207
NUMA node0 CPU(s):                       0,1
"""


def result(prefill, decode, memory):
    """A round of two programs."""
    rates = [
        {key: {"tokensPerSecond": rate} for key, rate in zip(("own", "other"), part)}
        for part in (prefill, decode)
    ]
    return {"prefill": rates[0], "decode": rates[1], "memory": memory}


class PackedWeights(unittest.TestCase):
    def test_the_first_of_two_values_is_in_the_low_half(self):
        self.assertEqual(list(u4.pack([1, 2, 15, 0])), [0x21, 0x0F])

    def test_unpacking_gives_back_what_was_packed(self):
        values = numpy.random.default_rng(1).integers(0, 16, (3, 2, 64))
        numpy.testing.assert_array_equal(u4.unpack(u4.pack(values), values.shape), values)

    def test_values_that_do_not_fit_are_refused(self):
        for values in ([1, 16], [1, 2, 3]):
            with self.assertRaises(ValueError):
                u4.pack(values)

    def test_each_group_has_its_zero_point_and_scale(self):
        values = numpy.arange(2 * 128).reshape(2, 2, 64) % 16
        zeros = numpy.array([7, 8, 0, 15]).reshape(2, 2, 1)
        scales = numpy.array([0.5, 1, 2, 0.25], numpy.float16).reshape(2, 2, 1)
        matrix = u4.Matrix(u4.pack(values), u4.pack(zeros), scales, 2, 128)
        floats = matrix.floats()
        self.assertEqual(floats[0, 0], (0 - 7) * 0.5)
        self.assertEqual(floats[0, 64 + 3], (3 - 8) * 1)
        self.assertEqual(floats[1, 63], (15 - 0) * 2)
        self.assertEqual(floats[1, 127], (15 - 15) * 0.25)
        numpy.testing.assert_array_equal(floats, ((values - zeros) * scales.astype(float)).reshape(2, 128))

    def test_random_weights_keep_the_size_of_their_input(self):
        random = numpy.random.default_rng(2)
        matrix = u4.Matrix.random(random, 301, 192)
        self.assertEqual(matrix.floats().shape, (301, 192))
        self.assertEqual(matrix.byte_count, 301 * 192 // 2 + (301 * 3 + 1) // 2 + 301 * 3 * 2)
        outputs = random.standard_normal((50, 192)) @ matrix.floats().T
        self.assertAlmostEqual(outputs.std(), 1, delta=0.1)

    def test_a_group_that_is_not_whole_is_refused(self):
        with self.assertRaises(ValueError):
            u4.Matrix.random(numpy.random.default_rng(3), 4, 96)


class Machine(unittest.TestCase):
    def test_a_processor_is_named_with_its_numbers(self):
        self.assertEqual(machine_text(parse_lscpu(LSCPU)), "Intel(R) Xeon(R) Processor (family 6, model 207)")

    def test_what_lscpu_leaves_out_is_left_out(self):
        self.assertEqual(machine_text(parse_lscpu("Model name: Neoverse-N1\n")), "Neoverse-N1")
        self.assertEqual(machine_text(parse_lscpu("")), "unknown processor")


class Requirements(unittest.TestCase):
    def test_packages_are_read_without_comments_and_versions(self):
        text = "# a comment\ncmake\ngguf>=0.1  # another\n\nllama-cpp-python==0.3.36\n"
        self.assertEqual(package_names(text), ["cmake", "gguf", "llama-cpp-python"])

    def test_each_environment_has_a_file_that_names_packages(self):
        for name in NAMES:
            self.assertTrue(package_names(requirements_file(name).read_text(encoding="utf-8")))


class Ratios(unittest.TestCase):
    def test_they_are_formed_within_a_round(self):
        rounds = [result((30, 10), (4, 2), [1, 1, 1]), result((10, 10), (9, 3), [1, 1, 1])]
        self.assertEqual(ratios(rounds, "prefill", "own", "other"), [3, 1])
        self.assertEqual(spread(ratios(rounds, "decode", "own", "other"))["median"], 2.5)

    def test_rounds_count_once_more_where_the_memory_was_as_fast_for_both(self):
        rounds = [
            result((1, 1), (6, 3), [60e9, 58e9, 61e9]),
            result((1, 1), (6, 3), [60e9, 34e9, 34e9]),
            result((1, 1), (4, 4), [34e9, 34e9, 33e9]),
            result((1, 1), (6, 2), [57e9, 58e9, 60e9]),
        ]
        found = steady_groups(rounds, ["own"], "other")
        self.assertEqual(found, [(33e9, [rounds[2]]), (57.5e9, [rounds[3], rounds[0]])])

    def test_only_the_memory_between_both_decodes_counts(self):
        middle = {"tokensPerSecond": 1}
        rounds = [result((1, 1), (6, 3), [10e9, 50e9, 50e9, 10e9])]
        rounds[0]["decode"] = {"first": middle, **rounds[0]["decode"]}
        self.assertEqual(steady_groups(rounds, ["own"], "other"), [])
        rounds[0]["memory"] = [10e9, 50e9, 50e9, 50e9]
        self.assertEqual(steady_groups(rounds, ["own"], "other"), [(50e9, rounds)])
        self.assertEqual(steady_groups(rounds, ["first", "own"], "other"), [])

    def test_comparisons_have_each_pair_and_part(self):
        rounds = [result((30, 10), (4, 2), [1e9, 1e9, 1e9])]
        found = comparisons(rounds, ["own"], ["other"])
        self.assertEqual([(row["part"], row["median"]) for row in found],
                         [("prefill", 3), ("decode", 2), ("decode", 2)])  # fmt: skip
        self.assertEqual((found[2]["memoryBytesPerSecond"], found[2]["rounds"]), (1e9, 1))


class Rounds(unittest.TestCase):
    def rounds(self, *outcomes):
        """What is kept of rounds that end in these results or errors."""
        arguments = argparse.Namespace(rounds=len(outcomes))
        with mock.patch("compare.measure_round", side_effect=outcomes):
            return compare.measure_rounds([], None, arguments)

    def test_an_interrupt_keeps_what_was_finished(self):
        first = result((3, 1), (2, 1), [1, 1, 1])
        self.assertEqual(self.rounds(first, KeyboardInterrupt(), first), [first])

    def test_an_interrupt_of_the_first_round_ends_the_program(self):
        with self.assertRaises(KeyboardInterrupt):
            self.rounds(KeyboardInterrupt())


class Tables(unittest.TestCase):
    def test_markdown(self):
        self.assertEqual(
            markdown_table([["a", "b", "c"], ["1", "", ""]]), "| a | b | c |\n| --- | --- | --- |\n| 1 | | |"
        )

    def test_rates_and_ratios_have_medians_and_ranges(self):
        rounds = [
            result((30, 10), (4, 2), [1e9, 2e9, 2e9]),
            result((20, 10), (6, 2), [1e9, 1e9, 1e9]),
            result((40, 10), (4, 2), [1e9, 2e9, 2e9]),
        ]
        programs = {"own": "ours", "other": "theirs: a part"}
        names = {"own": "ours", "other": "theirs"}
        text = table(rounds, programs, names, {"own": "over it"}, {"prefill": "prompt", "decode": "tokens"})
        self.assertEqual(text.splitlines()[2:], [
            "| prompt | ours | 30.00 (20.00 to 40.00) | |",
            "| prompt | theirs: a part | 10.00 (10.00 to 10.00) | 3.00 (2.00 to 4.00) |",
            "| tokens | ours | 4.00 (4.00 to 6.00) | |",
            "| tokens | theirs: a part | 2.00 (2.00 to 2.00) | 2.00 (2.00 to 3.00) |",
            "| tokens, memory steady at 1 GB/s, 1 of 3 rounds | theirs | | 3.00 |",
        ])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
