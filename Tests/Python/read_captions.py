#!/usr/bin/env python3
"""Reads exported captions as the programs that train video models do, and prints what they get.

    read_captions.py FORM FOLDER VIDEOS    VIDEOS: the folder of the videos

Where a form has paths of videos, they are followed from FOLDER, as these programs do; they are printed as
names below VIDEOS. Written from Formats/run.md and from what these programs do with their files; needs
nothing but Python.
"""

import csv
import json
import os
import sys
from pathlib import Path


def name(folder, path, videos):
    """The name below `videos` of a path that a file in `folder` has."""
    found = folder / path
    if not found.is_file():
        raise SystemExit(f"there is no video at {found}")
    return os.path.relpath(os.path.realpath(found), os.path.realpath(videos))


def pair(prompts, videos):
    """`load_prompts` and `load_videos` of CogVideo's finetune: blank lines are dropped, counts must match."""
    captions = [line.strip() for line in prompts.read_text(encoding="utf-8").splitlines() if line.strip()]
    names = [line.strip() for line in videos.read_text(encoding="utf-8").splitlines() if line.strip()]
    if len(captions) != len(names):
        raise SystemExit(f"{len(captions)} prompts for {len(names)} videos")
    return list(zip(names, captions))


def read_prompts(folder, videos):
    for path, caption in pair(folder / "prompts.txt", folder / "videos.txt"):
        yield name(folder, path, videos), caption


def read_sidecar(folder, videos):
    """finetrainers, musubi-tuner: the text of a video's name, as a whole."""
    for path in sorted(videos.rglob("*")):
        text = folder / path.relative_to(videos).with_suffix(".txt")
        if path.is_file() and text.is_file():
            yield str(path.relative_to(videos)), text.read_text(encoding="utf-8").strip()


def read_sat(folder, videos):
    """`SFTDataset` of CogVideo's SAT code: `videos/1.mp4` has the first line of `labels/1.txt`."""
    for root, _, names in os.walk(videos):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(root, name), videos)
            label = folder / "labels" / Path(path).with_suffix(".txt")
            if label.is_file():
                yield path, label.read_text(encoding="utf-8").splitlines()[0]


def piece(row):
    """`@START-END` of a caption of a piece, nothing of a whole video's."""
    if "start" not in row:
        return ""
    start, end = float(row["start"]), float(row["end"])
    if not 0 <= start <= end:
        raise SystemExit(f"the piece of {row}")
    return f"@{start:g}-{end:g}"


def read_csv(folder, videos):
    with open(folder / "metadata.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, strict=True):
            if row["file_name"] != row["video_path"] or None in row:
                raise SystemExit(f"the row {row}")
            yield name(folder, row["file_name"], videos) + piece(row), row["caption"]


def read_jsonl(folder, videos):
    with open(folder / "metadata.jsonl", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if record["file_name"] != record["video_path"]:
                raise SystemExit(f"the line {line}")
            yield name(folder, record["file_name"], videos) + piece(record), record["caption"]


def read_videox_fun(folder, videos):
    """`ImageVideoDataset` of VideoX-Fun."""
    for entry in json.loads((folder / "metadata.json").read_text(encoding="utf-8")):
        if entry["type"] != "video":
            raise SystemExit(f"the entry {entry}")
        yield name(folder, entry["file_path"], videos), entry["text"]


def read_seconds(folder, videos):
    for line in (folder / "seconds.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        for second, caption in record["captions"].items():
            yield f"{record['video']}@{second}", caption


READERS = {
    "prompts": read_prompts, "sidecar": read_sidecar, "sat": read_sat, "csv": read_csv, "jsonl": read_jsonl,
    "videox-fun": read_videox_fun, "seconds": read_seconds,
}  # fmt: skip

if __name__ == "__main__":
    form, folder, videos = sys.argv[1:]
    found = list(READERS[form](Path(folder), Path(videos)))
    for video, caption in found:
        # What readers of lines would tear apart, and what tokenizers would not take for a space.
        if len(caption.splitlines()) != 1 or caption != " ".join(caption.split()):
            raise SystemExit(f"{video}: {caption!r} is not one line")
    names = [video.rpartition("@")[0 if "@" in video else 2] for video, _ in found]
    if not all((Path(videos) / video).is_file() for video in names):
        raise SystemExit("a video is not there")
    print(json.dumps(dict(found)))
