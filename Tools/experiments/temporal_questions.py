#!/usr/bin/env python3
"""Makes questions about time from captions of every second, with any chat service that takes batches.

    temporal_questions.py SECONDS -o REQUESTS [--step change|question] [--changed REPLIES ...]
    temporal_questions.py SECONDS --read REPLIES ... -o QUESTIONS

SECONDS is what `cogvlm merge RUN --export seconds` writes: a line for each video with a dictionary from
second to caption. REQUESTS has a line for each request in the form of OpenAI's batches (`custom_id`,
`method`, `url`, `body`), two for each video: whether what is seen changes clearly from one second to the
next, Yes or No; and one question about the biggest change with its answer, as a dictionary with the keys
Human and Bot, or None.
`--step` writes one of the two alone; `--changed` leaves out videos that the replies do not say Yes about.

`--read` puts the service's replies together, in any number of files: QUESTIONS gets a line with `video`,
`question` and `answer` for each video that was said Yes about and has a question. What else there is, is
counted on standard error; the exit status is 3 when replies are missing, have failed or cannot be read.
"""

import argparse
import ast
import contextlib
import hashlib
import json
import os
import pathlib
import re
import sys

SYSTEM = "You help to make a data set of questions about videos. Reply in exactly the form that is asked for."

CHANGE = """Here is what is seen at each second of one video, one description for each second. The same \
thing may be described in other words from one second to the next; that is no change.

{captions}

Does what is seen change clearly from one second to the next at least once: another place, another action, \
somebody or something that appears or goes away? Reply with one word, Yes or No."""

QUESTION = """Here is what is seen at each second of one video, one description for each second. The same \
thing may be described in other words from one second to the next; that is no change.

{captions}

Find the biggest change between two seconds that follow each other. Write one question about when it \
happens, or about what happens at that time, and its answer, as somebody would who has watched the video and \
knows of no descriptions. Say the time as in "at the 3rd second". Reply with one dictionary alone, such as
{{"Human": "When does the dog leave the room?", "Bot": "At the 3rd second."}}
If there is no clear change, reply None."""

PROMPTS = {"change": (CHANGE, 8), "question": (QUESTION, 256)}
LONGEST_REPLY = 4000


class InputError(Exception):
    """A file is not what it should be; the text names it, the line and the cause."""


def lines_of(path):
    """The objects of a file of JSON lines, each with its number."""
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}: line {number} is no JSON: {error}") from error
            if not isinstance(value, dict):
                raise InputError(f"{path}: line {number} is no object")
            yield number, value


def videos_of(path):
    """The captions of each video by second, in the order of the file."""
    videos = {}
    for number, line in lines_of(path):
        video, captions = line.get("video"), line.get("captions")
        known = isinstance(captions, dict) and all(
            second.isascii() and second.isdigit() and isinstance(text, str)
            for second, text in captions.items()
        )
        if not isinstance(video, str) or not known:
            raise InputError(f"{path}: line {number} has no `video`, or no `captions` by second")
        if video in videos:
            raise InputError(f"{path}: line {number} has {video} again")
        videos[video] = sorted((int(second), " ".join(text.split())) for second, text in captions.items())
    return videos


def identifier(step, video, captions):
    """What replies are known by: that of other captions is another one."""
    digest = hashlib.sha256(json.dumps([video, captions]).encode()).hexdigest()
    return f"{step}-{digest[:32]}"


def request(step, video, captions, model):
    prompt, tokens = PROMPTS[step]
    text = prompt.format(captions="\n".join(f"{second}: {caption}" for second, caption in captions))
    return {
        "custom_id": identifier(step, video, captions),
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": model,
            "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": tokens,
        },
    }


def content_of(line):
    """The text of a reply; None where the service has failed."""
    response = line.get("response")
    body = response.get("body") if isinstance(response, dict) else None
    choices = body.get("choices") if isinstance(body, dict) else None
    if line.get("error") or not isinstance(choices, list) or not choices:
        return None
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else None


def replies_of(paths):
    """The text of each reply by its `custom_id`; None for those that failed and did not come otherwise."""
    replies = {}
    for path in paths:
        for number, line in lines_of(path):
            name = line.get("custom_id")
            if not isinstance(name, str):
                raise InputError(f"{path}: line {number} has no `custom_id`")
            text = content_of(line)
            if text is not None or name not in replies:
                replies[name] = text
    return replies


def says_yes(text):
    """Whether a reply says Yes; None where it says neither."""
    word = re.search(r"\b(yes|no)\b", text[:LONGEST_REPLY].lower())
    return word and word.group(1) == "yes"


def dictionaries(text):
    """What may be a dictionary in a reply, as Python values."""
    end = text.rfind("}") + 1
    for place in [match.start() for match in re.finditer(r"\{", text[:end])][:8]:
        with contextlib.suppress(ValueError, RecursionError):
            yield json.JSONDecoder(strict=False).raw_decode(text, place)[0]
        with contextlib.suppress(ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            yield ast.literal_eval(text[place:end])


LOOSE = re.compile(
    r"""["'“]?\bhuman["'”]?\s*[:=]\s*["'“]?(?P<human>.+?)["'”]?\s*[,;\n]\s*"""
    r"""["'“]?\bbot["'”]?\s*[:=]\s*["'“]?(?P<bot>.+?)["'”]?\s*,?\s*(?:[}\n]|$)""",
    re.IGNORECASE | re.DOTALL,
)


def question_of(text):
    """Question and answer of a reply, None where it says that there are none.

    Raises ValueError where it says neither. Services wrap dictionaries in words and fences, and quote as
    Python does, or not at all.
    """
    text = text[:LONGEST_REPLY].strip()
    if re.fullmatch(r"\W*(none|null)\W*", text, re.IGNORECASE):
        return None
    for value in dictionaries(text):
        if isinstance(value, dict):
            members = {str(key).strip().lower(): member for key, member in value.items()}
            pair = pair_of(members)
            if pair:
                return pair
            if members.keys() & {"human", "bot"}:
                raise ValueError("a dictionary without texts for Human and Bot")
    loose = LOOSE.search(text)
    pair = pair_of(loose.groupdict()) if loose else None
    if pair:
        return pair
    if re.match(r"\W*(none|null)\b", text, re.IGNORECASE):
        return None
    raise ValueError("no dictionary with Human and Bot")


def pair_of(values):
    """Both texts in one line each; None where one is missing or empty."""
    texts = [values.get(key) for key in ("human", "bot")]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return None
    return tuple(" ".join(text.split()) for text in texts)


def write(path, lines):
    """A file that has its name when it is whole."""
    unfinished = pathlib.Path(f"{path}.tmp-{os.getpid()}")
    try:
        with open(unfinished, "w", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_requests(options, videos):
    steps = [options.step] if options.step else list(PROMPTS)
    replies = replies_of(options.changed)
    taken, left_out = [], 0
    for video, captions in videos.items():
        # A change needs two seconds.
        reply = replies.get(identifier("change", video, captions))
        if len(captions) < 2 or (options.changed and not says_yes(reply or "")):
            left_out += 1
        else:
            taken += [request(step, video, captions, options.model) for step in steps]
    write(options.output, taken)
    print(f"{len(taken)} requests; {left_out} of {len(videos)} videos left out", file=sys.stderr)
    return 0


def read_replies(options, videos):
    replies = replies_of(options.read)
    counts = dict.fromkeys(("questions", "no change", "no question", "failed", "unreadable", "missing"), 0)
    found = []
    for video, captions in videos.items():
        if len(captions) < 2:
            counts["no change"] += 1
            continue
        what, pair = outcome(*(replies.get(identifier(step, video, captions), ...) for step in PROMPTS))
        counts[what] += 1
        if pair:
            found.append({"video": video, "question": pair[0], "answer": pair[1]})
    write(options.output, found)
    print(", ".join(f"{count} {name}" for name, count in counts.items()), file=sys.stderr)
    return 3 if counts["failed"] or counts["unreadable"] or counts["missing"] else 0


def outcome(change, question):
    """What came of a video: a word for it, and question and answer. Replies that are not there are `...`."""
    if change is ...:
        return "missing", None
    if change is None:
        return "failed", None
    yes = says_yes(change)
    if yes is None:
        return "unreadable", None
    if not yes:
        return "no change", None
    if question is ...:
        return "missing", None
    if question is None:
        return "failed", None
    try:
        pair = question_of(question)
    except ValueError:
        return "unreadable", None
    return ("questions", pair) if pair else ("no question", None)


def main(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", help="seconds.jsonl of `cogvlm merge RUN --export seconds`")
    parser.add_argument("-o", "--output", required=True, help="the file to write")
    parser.add_argument("--read", nargs="+", default=[], metavar="REPLIES", help="read the service's replies")
    parser.add_argument("--model", default="gpt-4o-mini", help="the model that the service is to ask")
    parser.add_argument("--step", choices=list(PROMPTS), help="write one of the two requests alone")
    parser.add_argument("--changed", nargs="+", default=[], metavar="REPLIES", help="take changed ones alone")
    options = parser.parse_args(arguments)
    try:
        videos = videos_of(options.seconds)
        return read_replies(options, videos) if options.read else write_requests(options, videos)
    except (InputError, OSError) as error:
        print(f"temporal_questions.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
