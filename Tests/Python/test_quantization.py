"""Tools/experiments/quantization.py with a stand-in for cogvlm: what it asks for, and what it makes of it."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(PACKAGE, "Tools", "experiments", "quantization.py")

# Notes how it was called, and prints what the command would.
STAND_IN = """#!/usr/bin/env python3
import json, os, sys
arguments = sys.argv[1:]
with open(os.environ["CALLS"], "a", encoding="utf-8") as stream:
    stream.write(json.dumps(arguments) + "\\n")
shares = {"meanKL": 0.002, "cappedMeanKL": 0.001, "percentile99KL": 0.03, "top1Agreement": 0.99,
          "perplexityRatio": 1.5, "positions": 12}
tensors = [("language", True, 64, 36), ("vision", True, 64, 68), ("head", True, 64, 68),
           ("language", False, 64, 128)]
print(json.dumps({
    "convert": {},
    "prepare": {},
    "quantize": {"bitsPerWeight": 6.5, "tensors": [
        {"part": part, "isQuantized": quantized, "shape": [1, weights], "bytes": bytes}
        for part, quantized, weights, bytes in tensors]},
    "verify": {"divergence": shares, "features": None,
               "intervals": {"meanKL": {"low": 0.001, "high": 0.003}},
               "questions": [{"flip": None}, {"flip": {"position": 0, "gap": 0.25}}]},
    "eval": {"questions": 3, "answers": [{"correct": True}, {"correct": False}, {"correct": True}]},
}[arguments[0]]))
sys.exit(int(os.environ.get("STATUS", "0")) if arguments[0] == "verify" else 0)
"""


class Quantization(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.binary = self.write("cogvlm", STAND_IN)
        os.chmod(self.binary, 0o755)
        self.methods = self.write(
            "methods.json",
            json.dumps(
                {
                    "prepare": [["prepare", "{questions}", "--split", "{calibrate}", "-o", "{folder}/x"]],
                    "methods": [
                        {"name": "one", "format": "int4/64", "options": ["--split", "{calibrate}"]},
                        {"name": "two", "format": "int8/64", "options": []},
                    ],
                }
            ),
        )

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path

    def run_tool(self, *arguments, status="0"):
        calls = os.path.join(self.folder, "calls")
        with open(calls, "w", encoding="utf-8"):
            pass
        environment = {**os.environ, "COGVLM_BINARY": self.binary, "CALLS": calls, "STATUS": status}
        done = subprocess.run(
            [sys.executable, TOOL, "--methods", self.methods, "--questions", "q.json", *arguments],
            capture_output=True, text=True, env=environment, check=False,
        )  # fmt: skip
        with open(calls, encoding="utf-8") as stream:
            return done, [json.loads(line) for line in stream]

    def test_every_method_is_measured_on_the_part_that_was_not_calibrated_on(self):
        done, calls = self.run_tool("--folder", os.path.join(self.folder, "work"))
        self.assertEqual(done.returncode, 0, done.stderr)
        work = os.path.join(self.folder, "work")
        self.assertIn(["prepare", "q.json", "--split", "1/2", "-o", f"{work}/x"], calls)
        quantize = [call for call in calls if call[0] == "quantize"]
        self.assertEqual([call[5:] for call in quantize], [["--split", "1/2"], []])
        verify = [call for call in calls if call[0] == "verify"]
        self.assertEqual(len(verify), 6)
        tested = f"{work}/tested.cogvlm"
        for call, mode, against in zip(
            verify, ["float32", "fast", "fast"], [f"{work}/float.cogvlm", tested, f"{work}/float.cogvlm"]
        ):
            self.assertEqual(call[call.index("--mode") + 1], mode)
            self.assertEqual(call[call.index("--against") + 1], against)
            self.assertEqual(call[call.index("--against-mode") + 1], "float32")
            self.assertEqual(call[call.index("--split") + 1], "2/2")
            self.assertIn("--every-question", call)

    def test_the_table_has_the_figures(self):
        done, _ = self.run_tool(status="1")
        self.assertEqual(done.returncode, 0, done.stderr)
        # 104 bytes of 128 weights; the head and what is not quantized are left out.
        cells = "2.00e-03 | 1.00e-03 to 3.00e-03 | 1.00e-03 | 3.00e-02 | 99.00 % | 1.5000 | 1 (0.25) |"
        self.assertIn(f"| int4/64 | one | 6.500 | {cells}", done.stdout)
        self.assertIn("| int8/64 | two | 6.500 | 6.500 | 2 of 3 |", done.stdout)

    def test_methods_can_be_chosen_and_what_goes_wrong_ends_it(self):
        done, calls = self.run_tool("--name", "t*", "--own-questions", "--without-eval")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([call[0] for call in calls if call[0] in ("quantize", "eval")], ["quantize"])
        self.assertFalse(any("--every-question" in call for call in calls))
        self.assertNotEqual(self.run_tool("--name", "three")[0].returncode, 0)
        done, _ = self.run_tool(status="2")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("exit status 2", done.stderr)


if __name__ == "__main__":
    unittest.main()
