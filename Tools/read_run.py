#!/usr/bin/env python3
"""A second reader of the folders of runs, written from Formats/run.md alone.

    read_run.py FOLDER...            how many items there are, finished, failed and missing
    read_run.py FOLDER... --merge    the merged results, as cogvlm merge writes them

Exit status: 0 done, 2 bad input, with the file and the cause on standard error, 3 items are missing or have
failed, 64 usage. Every key and digest is made anew and compared. Needs Python 3.8.
"""

import argparse
import hashlib
import json
import os
import sys

LONGEST_LINE = 1 << 20
ITEM_KEYS = {
    "key", "dataset", "video", "bounds", "imagesPerSecond", "task", "question", "candidates", "answer",
}  # fmt: skip
RECORD_KEYS = {
    "key", "status", "reply", "ids", "frames", "damagedFrames", "error", "attempt", "seconds", "finished",
    "tool", "kernels", "run",
}  # fmt: skip
OPTIONAL = {
    "bounds", "imagesPerSecond", "task", "candidates", "answer", "reply", "damagedFrames", "error",
}  # fmt: skip
RESULT_KEYS = ("status", "ids", "frames")


class RunFormatError(Exception):
    """The folder has no run, or a damaged one; the text names the file and the cause."""


def require(condition, file, problem):
    if not condition:
        raise RunFormatError(f"{file}: {problem}")


def key_of(item, copy):
    """The key of an item: the field `copy` counts items that ask the same."""
    fields = [("dataset", item["dataset"]), ("video", item["video"])]
    if "bounds" in item:
        fields += [(name, repr(float(item["bounds"][name]))) for name in ("start", "end")]
    fields += [(name, item[name]) for name in ("task", "question") if name in item]
    fields += [("candidate", text) for text in item.get("candidates", [])]
    if copy > 1:
        fields.append(("copy", str(copy)))
    digest = hashlib.sha256()
    for name, value in fields:
        data = value.encode()
        digest.update(f"{name} {len(data)}\n".encode() + data + b"\n")
    return digest.hexdigest()[:32]


def identity_of(header):
    settings, items = header["settings"], header["items"]
    lines = [
        f"job {header['job']}",
        f"model {header['model']['digest']}",
        f"--mode {settings['mode']}",
        f"--template {header['prompt']['template']}",
        f"prompt profile {header['prompt']['profile']}",
        f"--frames {header['frames']}",
        f"--max-new-tokens {settings['maxNewTokens']}",
        f"--tolerate-damage {'true' if settings['toleratesDamage'] else 'false'}",
    ]
    lines += [f"--prompt {header['prompt']['text']}"] if "text" in header["prompt"] else []
    lines += [f"pieces {settings['pieces']}"] if "pieces" in settings else []
    lines += [
        f"items {items['count']} of {items['videos']} videos, {items['digest']}",
    ]
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()[:16]


class Run:
    """A run: its `header`, its `items` in order, and of each key the `best` line."""

    def __init__(self, folders):
        self.best, self.identity = {}, None
        for folder in folders:
            path = os.path.join(folder, "header.json")
            with open(path, "rb") as file:
                header = json.load(file)
            require(header.get("format") == "cogvlm run", path, "no header of a run")
            require(header["version"] == 1, path, "another version")
            identity = identity_of(header)
            require(self.identity in (None, identity), path, "another run than the first")
            if self.identity is None:
                self.header, self.identity = header, identity
                self.items = self._read_items(os.path.join(folder, "items.jsonl"))
            self._read_parts(os.path.join(folder, "parts"))

    def _read_items(self, path):
        with open(path, "rb") as file:
            data = file.read()
        digest, header = hashlib.sha256(data).hexdigest(), self.header["items"]
        require(digest == header["digest"], path, "not the list of the header")
        items, copies = [json.loads(line) for line in data.splitlines()], {}
        for item in items:
            require(ITEM_KEYS - OPTIONAL <= set(item) <= ITEM_KEYS, path, f"keys of {item}")
            first = key_of(item, 1)
            copies[first] = copies.get(first, 0) + 1
            require(item["key"] == key_of(item, copies[first]), path, f"the key of {item}")
        require(len(items) == header["count"], path, "another number of items")
        require(len({item["video"] for item in items}) == header["videos"], path, "another number of videos")
        return items

    def _read_parts(self, folder):
        for name in sorted(os.listdir(folder)):
            if name.startswith("part-") and name.endswith(".jsonl"):
                with open(os.path.join(folder, name), "rb") as file:
                    lines = file.read().split(b"\n")
                for line in lines:
                    self._add(line, os.path.join(folder, name))

    def _add(self, line, path):
        try:
            record = json.loads(line) if len(line) <= LONGEST_LINE else None
        except ValueError:
            record = None
        if not isinstance(record, dict):
            return
        require(RECORD_KEYS - OPTIONAL <= set(record) <= RECORD_KEYS, path, f"keys of {record}")
        require(record["run"] == self.identity, path, "lines of another run")
        is_ok = record["status"] == "ok"
        require(is_ok == ("reply" in record) == ("error" not in record), path, f"status of {record}")
        rank = (is_ok, record["attempt"], record["finished"])
        if record["key"] not in self.best or rank >= self.best[record["key"]][0]:
            self.best[record["key"]] = (rank, record)

    def results(self):
        """The merged results, each as a dictionary."""
        for item in self.items:
            if item["key"] in self.best:
                record = self.best[item["key"]][1]
                result = dict(item, reply=record.get("reply"))
                result.update({key: record[key] for key in RESULT_KEYS})
                result.update({key: record[key] for key in ("damagedFrames", "error") if key in record})
                result["run"] = {
                    "digest": self.header["items"]["digest"],
                    "items": len(self.items),
                    "frames": self.header["frames"],
                }
                yield result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", metavar="FOLDER", nargs="+")
    parser.add_argument("--merge", action="store_true", help="print the merged results")
    try:
        arguments = parser.parse_args()
    except SystemExit as status:
        return 64 if status.code else 0
    try:
        run = Run(arguments.folders)
    except (RunFormatError, OSError, ValueError, KeyError, TypeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    results = list(run.results())
    failed = sum(result["status"] != "ok" for result in results)
    if arguments.merge:
        for result in results:
            print(json.dumps(result, sort_keys=True, ensure_ascii=False, separators=(",", ":")))
    else:
        print(f"{len(run.items)} items, {len(results)} finished, {failed} of them failed")
    return 3 if failed or len(results) < len(run.items) else 0


if __name__ == "__main__":
    sys.exit(main())
