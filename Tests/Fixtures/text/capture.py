"""Captures what the `tokenizers` package does, for the tests of CogText.

    pip install tokenizers==0.23.3
    python capture.py

Run in this folder. Reads compact-tokenizer.json; writes small-tokenizer.json, scalar-classes.json, pieces.json,
encodings.json and decodings.json. The random numbers are seeded: the same versions write the same files.
"""

import json
import random

from tokenizers import Regex, Tokenizer
from tokenizers.pre_tokenizers import Split

compact = json.load(open("compact-tokenizer.json"))
PATTERN = compact["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
SCALARS = [value for value in range(0x110000) if not 0xD800 <= value < 0xE000]


def write(name, value):
    with open(name, "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")


def matched_ranges(pattern):
    """Ranges [first, last] of the scalars that the one-scalar pattern matches in the package's regex engine."""
    split = Split(Regex(pattern), "removed")
    matched = set()
    for start in range(0, len(SCALARS), 4096):
        chunk = SCALARS[start : start + 4096]
        rest = {ord(c) for piece, _ in split.pre_tokenize_str("".join(map(chr, chunk))) for c in piece}
        matched.update(set(chunk) - rest)
    ranges = []
    for value in sorted(matched):
        if ranges and ranges[-1][1] == value - 1:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    return ranges


COMMON = list("aAbsStTrReEvVmMlLdDxyz019 .,!?'\"-_/()") + ["\n", "\r", "\t", " ", " ", "'", "'", "\n"]
RARE = list("éßØñçжЖщ中文字かな한글٣५Ⅷ²½ªºǅʰ€😀👨‍👩‍👧🇩🇪ſKÅ") + [
    "\u00a0", "\u0085", "\u2028", "\u2029", "\u3000", "\u200b", "\u200d", "\u180e", "\u1680", "\u000b", "\u000c",
    "\u001c", "\u0000", "\u0301", "\u0903", "\ufeff", "\ufffd", "\U0001d400", "\U00020000", "\U000e0001",
    "\u0378", "\U00011de0", "\U000323b0", "\U0010fffd",
]
SNIPPETS = [
    "'s", "'S", "'\u017f", "'ll", "'LL", "'lL", "'re", "'VE", "'d", "'M", "'t", " 's", "''s", "   ", "\r\n", "\n\n", "  \n ",
    "Question: ", " Answer:", "<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_1", "<|", "|>",
    "hello", " world", "1234567", " the", "...", "!!\n\n", " \t x",
]


def random_text(generator, length):
    def part():
        roll = generator.random()
        if roll < 0.55:
            return generator.choice(COMMON)
        if roll < 0.80:
            return generator.choice(SNIPPETS)
        if roll < 0.97:
            return generator.choice(RARE)
        return chr(generator.choice(SCALARS))

    return "".join(part() for _ in range(length))


def capture_pieces():
    generator = random.Random(1)
    split = Split(Regex(PATTERN), "isolated")
    cases = []
    for length in [1, 2, 3, 4, 5, 8, 12, 20] * 90:
        text = random_text(generator, length)
        cases.append({"text": text, "pieces": [len(p.encode()) for p, _ in split.pre_tokenize_str(text)]})
    write("pieces.json", cases)


def small_tokenizer():
    """All single bytes in reverse order, a few merges, and added tokens that overlap one another."""
    spelled = sorted((k for k in compact["model"]["vocab"] if len(k) == 1), reverse=True)
    merges = ["a a", "a b", "aa aa", "b a", "ab a", "Ġ a", "a aa", "aaaa aa", "aba ba", "Ġ Ġ", "b b", "Ġa b"]
    # A token that no merge makes, and one that another merge makes first.
    results = [m.replace(" ", "") for m in merges] + ["abbb", "abab"]
    vocab = {token: index for index, token in enumerate(spelled + results)}
    contents = [
        ("<|a|>", True), ("<|a|><|b", True), ("|>", False), ("ab<", False), ("Ġx", False), ("éé", False), ("日本", True),
        ("b ", True), ("aaaaaaaaa", False),
    ]
    added = [
        {"id": len(vocab) + i, "content": c, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": special}
        for i, (c, special) in enumerate(contents)
    ]
    copy = json.loads(json.dumps(compact))
    copy["post_processor"] = None
    copy["added_tokens"] = added
    copy["model"]["vocab"] = vocab
    copy["model"]["merges"] = merges
    return copy


def variant(source, ignore_merges):
    copy = json.loads(json.dumps(source))
    copy["model"]["ignore_merges"] = ignore_merges
    return Tokenizer.from_str(json.dumps(copy))


def capture_encodings(small):
    generator = random.Random(2)
    kinds = {
        "compact": variant(compact, True), "compactWithMerges": variant(compact, False),
        "small": variant(small, True), "smallWithMerges": variant(small, False),
    }
    parts = ["a", "b", "aa", "ab", " ", " a", "ba", "<|a|>", "<|b", "|>", "<", "Ġx", "éé", "é", "日", "本", "b ", "\n", "aaaaaaaaa"]
    texts = [random_text(generator, n) for n in [1, 3, 6, 10, 20, 40] * 25]
    texts += ["".join(generator.choice(parts) for _ in range(n)) for n in [2, 4, 8, 16, 30] * 50]
    texts += ["ab" * 50, "a" * 1000, "aab" * 333, " " * 100, "\n" * 100, "1" * 100, "abbb", "abab", " ababbbb"]
    write(
        "encodings.json",
        [
            {"text": t, **{k: m.encode(t, add_special_tokens=False).ids for k, m in kinds.items()}}
            for t in texts
        ],
    )


def capture_decodings(small):
    generator = random.Random(3)
    cases = []
    for name, source, single in [("compact", compact, 256), ("small", small, 256)]:
        model = variant(source, True)
        count = model.get_vocab_size()
        for length in [1, 2, 3, 4, 6, 10, 20] * 40:
            # Single bytes mostly, so that all kinds of ill-formed UTF-8 come up.
            ids = [generator.randrange(single if generator.random() < 0.7 else count) for _ in range(length)]
            cases.append({
                "tokenizer": name, "ids": ids, "all": model.decode(ids, skip_special_tokens=False),
                "withoutSpecial": model.decode(ids, skip_special_tokens=True),
            })
    write("decodings.json", cases)


small = small_tokenizer()
write("small-tokenizer.json", small)
write("scalar-classes.json", {
    "letter": matched_ranges(r"\p{L}"), "number": matched_ranges(r"\p{N}"), "space": matched_ranges(r"\s"),
})
capture_pieces()
capture_encodings(small)
capture_decodings(small)
