"""Tools/experiments/temporal_questions.py: requests for a chat service, and what its replies are read as."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

from tools import TOOLS

sys.path.insert(0, os.path.join(TOOLS, "experiments"))

import temporal_questions as tool

PAIR = ("When does the dog leave?", "At the 3rd second.")
SECONDS = [
    {"video": "a.mp4", "captions": {"0": "A dog.", "10": "No dog.", "2": 'A "dog"\nruns, 犬 {0}.'}},
    {"video": "b.mp4", "captions": {"0": "A street.", "1": "The same street."}},
    {"video": "short.mp4", "captions": {"0": "A man."}},
]


class Replies(unittest.TestCase):
    def test_dictionaries_are_read_however_they_are_quoted_and_wrapped(self):
        human, bot = PAIR
        for text in (
            json.dumps({"Human": human, "Bot": bot}),
            json.dumps({"bot": bot, "HUMAN": f" {human} ", "why": [1, {"x": None}]}, indent=2),
            repr({"Human": human, "Bot": bot}),
            f"```json\n{json.dumps({'Human': human, 'Bot': bot})}\n```",
            "Sure! Here it is: " + repr({"Human": human, "Bot": bot}) + " I hope that it helps.",
            f"The set {{x}} is: {json.dumps({'Human': human, 'Bot': bot})}",
            f'{{"Human": "{human}", "Bot": "{bot}"',
            f"{{Human: {human}, Bot: {bot}}}",
            f"Human: {human}\nBot: {bot}",
            f"{{“Human”: “{human}”, “Bot”: “{bot}”}}",
            f'{{"Human": "When does the dog\n leave?", "Bot": "{bot}",}}',
        ):
            self.assertEqual(tool.question_of(text), PAIR, text)
        quoted = {
            "Human": 'What says "stop", and when?',
            "Bot": "A sign's text, at the 3rd second; it's red.",
        }
        for text in (json.dumps(quoted), repr(quoted), json.dumps(quoted, ensure_ascii=False, indent=1)):
            self.assertEqual(tool.question_of(text), tuple(quoted.values()), text)

    def test_none_is_no_question_and_anything_else_cannot_be_read(self):
        for text in ("None", " none. ", "`None`", '"None"', "null", "None: nothing changes clearly."):
            self.assertIsNone(tool.question_of(text), text)
        for text in ("", "{}", '{"Human": "Why?"}', '{"Human": "", "Bot": "x"}', '{"Human": 1, "Bot": 2}',
                     "I cannot help with that.", "[]", "{" * 5000, "{" * 5000 + "}" * 5000,
                     "human: a " * 5000, "{'Human': " * 900):  # fmt: skip
            start = time.monotonic()
            self.assertRaises(ValueError, tool.question_of, text)
            self.assertLess(time.monotonic() - start, 2, text[:40])

    def test_yes_and_no_are_words(self):
        for text in ("Yes", "yes.", "**Yes**", "Answer: Yes", "Yes, no doubt."):
            self.assertIs(tool.says_yes(text), True, text)
        for text in ("No", "no, the scene is the same. Yes"):
            self.assertIs(tool.says_yes(text), False, text)
        for text in ("", "Nothing", "Yesterday", "It depends."):
            self.assertIsNone(tool.says_yes(text), text)


class Batches(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.seconds = self.write("seconds.jsonl", SECONDS)

    def write(self, name, lines):
        path = self.folder / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return path

    def read(self, name):
        text = (self.folder / name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def call(self, *arguments, status=0):
        path = os.path.join(TOOLS, "experiments", "temporal_questions.py")
        command = [sys.executable, path, str(self.seconds), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def reply(self, request, text, **other):
        body = {"choices": [{"message": {"role": "assistant", "content": text}}]}
        return {
            "id": "x",
            "custom_id": request["custom_id"],
            "response": {"status_code": 200, "body": body},
            "error": None,
            **other,
        }

    def test_requests_have_the_form_of_batches_and_all_captions_in_order(self):
        self.assertIn("4 requests; 1 of 3", self.call("-o", self.folder / "r.jsonl", "--model", "m"))
        requests = self.read("r.jsonl")
        self.assertEqual(len({request["custom_id"] for request in requests}), 4)
        for request in requests:
            self.assertEqual(set(request), {"custom_id", "method", "url", "body"})
            self.assertEqual((request["method"], request["url"]), ("POST", "/v1/chat/completions"))
            self.assertEqual(request["body"]["model"], "m")
            self.assertEqual([each["role"] for each in request["body"]["messages"]], ["system", "user"])
        change, question = (request["body"]["messages"][1]["content"] for request in requests[:2])
        for text in (change, question):
            self.assertIn('\n0: A dog.\n2: A "dog" runs, 犬 {0}.\n10: No dog.\n', text)
        self.assertIn("Yes or No", change)
        self.assertIn('{"Human": ', question)
        self.assertIn("reply None", question)
        self.call("-o", self.folder / "one.jsonl", "--step", "question", "--model", "m")
        self.assertEqual(self.read("one.jsonl"), [requests[1], requests[3]])

    def test_replies_become_a_data_set_and_what_else_there_is_is_counted(self):
        self.call("-o", self.folder / "r.jsonl")
        requests = self.read("r.jsonl")
        good = repr({"Human": PAIR[0], "Bot": PAIR[1]})
        changes = [self.reply(requests[0], "Yes."), self.reply(requests[2], "No")]
        self.write("changes.jsonl", changes)
        self.write("questions.jsonl", [self.reply(requests[1], [{"type": "text", "text": good}])])
        text = self.call("--read", self.folder / "changes.jsonl", self.folder / "questions.jsonl", "-o",
                         self.folder / "q.jsonl")  # fmt: skip
        expected = [{"video": "a.mp4", "question": PAIR[0], "answer": PAIR[1]}]
        self.assertEqual(self.read("q.jsonl"), expected)
        self.assertIn("1 questions, 2 no change", text)
        # Only what has changed is asked about.
        text = self.call("--step", "question", "--changed", self.folder / "changes.jsonl", "-o",
                         self.folder / "some.jsonl")  # fmt: skip
        self.assertEqual(self.read("some.jsonl"), [requests[1]])

    def test_what_failed_is_missing_or_cannot_be_read_is_told_by_the_status(self):
        self.call("-o", self.folder / "r.jsonl")
        requests = self.read("r.jsonl")
        both = [self.reply(requests[0], "Yes"), self.reply(requests[2], "No")]
        for last, name in (
            ([], "1 missing"),
            ([self.reply(requests[1], "Well.")], "1 unreadable"),
            ([self.reply(requests[1], "x", error={"code": "rate_limit"})], "1 failed"),
            ([{"custom_id": requests[1]["custom_id"], "response": None}], "1 failed"),
            ([self.reply(requests[1], None)], "1 failed"),
        ):
            path = self.write("replies.jsonl", both + last)
            text = self.call("--read", path, "-o", self.folder / "q.jsonl", status=3)
            self.assertIn(name, text)
            self.assertEqual(self.read("q.jsonl"), [])
        # One that came after it had failed counts.
        fine = self.reply(requests[1], json.dumps({"Human": PAIR[0], "Bot": PAIR[1]}))
        path = self.write("replies.jsonl", [*both, fine, self.reply(requests[1], "x", error={"code": "x"})])
        self.call("--read", path, "-o", self.folder / "q.jsonl")
        self.assertEqual(len(self.read("q.jsonl")), 1)

    def test_files_that_are_something_else_are_refused_with_the_line_and_nothing_is_written(self):
        for text in ("{", "[]", "{}", '{"video": "a"}', '{"video": "a", "captions": {"x": "y"}}',
                     '{"video": "a", "captions": {"0": 1}}',
                     '{"video": "a", "captions": {}}\n{"video": "a", "captions": {}}'):  # fmt: skip
            self.seconds.write_text(text, encoding="utf-8")
            last = text.count("\n") + 1
            self.assertIn(f"line {last} ", self.call("-o", self.folder / "r.jsonl", status=2))
        self.assertEqual(os.listdir(self.folder), ["seconds.jsonl"])


if __name__ == "__main__":
    unittest.main()
