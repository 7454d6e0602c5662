"""Tools/man: the manual page has every command and option of the binary, and the formatter has nothing to say
against it."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from tools import PACKAGE, TOOLS, release_binary

TOOL = os.path.join(TOOLS, "man")


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, cwd=PACKAGE, check=False)


@unittest.skipUnless(shutil.which("swift") and shutil.which("bash"), "Tools/man needs swift and bash")
class Manual(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = os.path.join(temporary.name, "new", "man1")
        cls.result = run(TOOL, "--multi-page", cls.folder)
        cls.root = json.loads(run(release_binary(), "--experimental-dump-help").stdout)["command"]

    def page(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as stream:
            return stream.read()

    def shown(self, items):
        return [item for item in items if item.get("shouldDisplay", True)]

    def test_pages_have_every_command_and_option(self):
        self.assertEqual(self.result.returncode, 0, self.result.stderr)
        names = [command["commandName"] for command in self.shown(self.root["subcommands"])]
        pages = sorted(["cogvlm.1"] + [f"cogvlm.{name}.1" for name in names])
        self.assertEqual(sorted(os.listdir(self.folder)), pages)
        self.assertEqual(
            sorted(self.result.stdout.split()), [os.path.join(self.folder, page) for page in pages]
        )
        overview = self.page("cogvlm.1")
        for command in self.shown(self.root["subcommands"]):
            self.assertIn(f"cogvlm.{command['commandName']}", overview)
            text = self.page(f"cogvlm.{command['commandName']}.1")
            self.assertIn(command["abstract"].rstrip("."), text)
            for argument in self.shown(command.get("arguments", [])):
                for name in argument.get("names", []):
                    # mdoc: `.Fl -long`, `.Fl s`.
                    dash = "" if name["kind"] == "short" else "-"
                    self.assertRegex(text, rf"(Fl|,) {dash}{name['name']}\b", command["commandName"])

    @unittest.skipUnless(shutil.which("groff"), "the formatter groff is missing")
    def test_pages_are_well_formed(self):
        for name in os.listdir(self.folder):
            result = run("groff", "-mdoc", "-Tutf8", "-ww", os.path.join(self.folder, name))
            self.assertEqual((result.returncode, result.stderr), (0, ""), name)
            # Bold is a character struck twice.
            self.assertIn("SYNOPSIS", re.sub(".\b", "", result.stdout), name)

    def test_wrong_usage_is_64(self):
        for arguments in ([], ["--pages", "x"], ["a", "b"]):
            result = run(TOOL, *arguments)
            self.assertEqual(result.returncode, 64, arguments)
            self.assertIn("Tools/man", result.stderr)
        self.assertEqual(run(TOOL, "--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
