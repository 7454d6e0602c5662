"""What the tools may write where (reports 1 and 13d)."""

import os
import stat
import tempfile
import unittest

import tools  # noqa: F401

from reference.errors import ToolError
from reference.place import landing


class Places(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def test_a_link_is_followed_and_one_in_a_circle_refused(self):
        os.symlink("far", self.path("link"))
        self.assertEqual(landing(self.path("link"), []), self.path("far"))
        os.symlink("circle", self.path("circle"))
        with self.assertRaisesRegex(ToolError, "leads nowhere"):
            landing(self.path("circle"), [])

    def test_pipes_folders_descriptors_and_inputs_are_refused(self):
        os.mkfifo(self.path("pipe"))
        with open(self.path("input"), "wb"):
            os.link(self.path("input"), self.path("other name"))
        os.symlink("/dev/stdout", self.path("out"))
        for name, words in [
            (self.path("pipe"), "a pipe"),
            (self.folder, "a folder"),
            (self.path("other name"), "is read"),
            ("/proc/self/fd/1", "what a process has open"),
            (self.path("out"), "what a process has open"),
        ]:
            with self.assertRaisesRegex(ToolError, words):
                landing(name, ["no such input", self.path("input")])
        self.assertTrue(stat.S_ISFIFO(os.lstat(self.path("pipe")).st_mode))
        self.assertEqual(landing(self.path("new"), [self.path("input")]), self.path("new"))


if __name__ == "__main__":
    unittest.main()
