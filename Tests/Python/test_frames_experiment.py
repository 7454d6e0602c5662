"""Tools/experiments/frames.py: a run for each rule of frames, scored in one table, with the real command."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from tools import PACKAGE, TOOLS, release_binary

SAMPLE = pathlib.Path(PACKAGE, "Tests", "Fixtures", "sample")
TOOL = os.path.join(TOOLS, "experiments", "frames.py")


class Frames(unittest.TestCase):
    def setUp(self):
        self.binary = os.environ.get("COGVLM_BINARY", release_binary())
        if not os.path.exists(self.binary):
            self.skipTest("there is no release build of cogvlm")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def call(self, *arguments, status=0):
        environment = {**os.environ, "COGVLM_BINARY": str(self.binary)}
        command = [sys.executable, TOOL, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_a_table_of_rules_that_goes_on_where_it_was_stopped(self):
        model = self.folder / "sample.cogvlm"
        quantize = [self.binary, "quantize", SAMPLE / "checkpoint", "-o", model]
        subprocess.run(quantize, capture_output=True, check=True)
        runs, figures = self.folder / "runs", self.folder / "figures.json"
        words = [model, "--questions", SAMPLE / "questions.json", "--runs", runs, "--json", figures]
        only = ["--", "--only", "v0[1-3]*"]
        rules = ["--frames", "chat", "uniform:2"]
        self.call(*words, *rules, *only, "--limit", "2", status=3)
        # All other videos are missing, and so the status is 3.
        text = self.call(*words, *rules, *only, status=3)
        first, second = json.loads(figures.read_text())
        self.assertEqual((first["frames"], second["frames"]), ("chat", "uniform:2"))
        self.assertEqual(second["shown"], 2)
        self.assertGreater(first["shown"], 5)
        for row in (first, second):
            run = runs / row["frames"].replace(":", "-")
            score = subprocess.run([self.binary, "score", run, "--json"], capture_output=True, check=False)
            document = json.loads(score.stdout)
            self.assertEqual(row["accuracy"], document["accuracy"])
            self.assertEqual(row["correct"], sum(answer["correct"] for answer in document["answers"]))
            self.assertEqual(row["questions"], len(document["answers"]))
            self.assertGreater(row["questions"], 5)
            self.assertIn(f"| {row['frames']} | {row['shown']:.1f} | {row['correct']} |", text)
            lines = [path.read_text().count("\n") for path in (run / "parts").iterdir()]
            self.assertEqual(sum(lines), row["questions"], "something was asked twice")
        self.assertEqual(set(second["pair"]), {"onlyFirst", "onlySecond", "probability"})
        self.assertNotIn("pair", first)
        # What is wrong is said by cogvlm, and ends the experiment.
        self.call(self.folder / "none", *words[1:], status=2)


if __name__ == "__main__":
    unittest.main()
