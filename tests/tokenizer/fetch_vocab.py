#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes vocabulary-only GGUF files of the three real vocabularies.

    fetch_vocab.py DIRECTORY

writes phi-4.gguf, phi-4-mini.gguf and phi-3.gguf there, with the tokens,
types, merges or scores and added tokens that the published files have. The
data come from npm packages, fetched by name and version from the registry that
npm is configured for, checked against the digests below, and kept in
DIRECTORY: nothing of them is part of this repository. A second run does
nothing. Only the standard library is needed."""
import base64
import hashlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import urllib.request

PACKAGES = {  # name: version, sha512
    "tiktoken": ("1.0.22",
                 "PKvy1rVF1RibfF3JlXBSP0Jrcw2uq3yXdgcEXtKTYn3QJ/cBRBHDnrJ5jHky"
                 "+MENZ6DIPwNUGWpkVx+7joCpNA=="),
    "llama-tokenizer-js": ("1.2.2",
                           "Wmth393dc3odWU3IzARJ3r2oIfWgw9GdJ5Gm+hGhfECN"
                           "O18UHLRqEFSf511jn4E9KcQGzuuKw4Wl08pHAemLAw=="),
}

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)

# Ids of added tokens, from the published tokenizer_config.json.
PHI4_ADDED = {100257: "endoftext", 100258: "fim_prefix", 100259: "fim_middle",
              100260: "fim_suffix", 100264: "im_start", 100265: "im_end",
              100266: "im_sep", 100276: "endofprompt"}
MINI_ADDED = {199999: "endoftext", 200018: "endofprompt", 200019: "assistant",
              200020: "end", 200021: "user", 200022: "system", 200023: "tool",
              200024: "/tool", 200025: "tool_call", 200026: "/tool_call",
              200027: "tool_response", 200028: "tag"}
PHI3_ADDED = {32000: "endoftext", 32001: "assistant", 32002: "placeholder1",
              32003: "placeholder2", 32004: "placeholder3",
              32005: "placeholder4", 32006: "system", 32007: "end",
              32008: "placeholder5", 32009: "placeholder6", 32010: "user"}


def registry():
    try:
        url = subprocess.run(["npm", "config", "get", "registry"], text=True,
                             capture_output=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        url = ""
    return url if url.startswith("http") else "https://registry.npmjs.org/"


def package(name, folder):
    """The package as a tarfile."""
    version, digest = PACKAGES[name]
    path = os.path.join(folder, f"{name}-{version}.tgz")
    if not os.path.exists(path):
        url = f"{registry().rstrip('/')}/{name}/-/{name}-{version}.tgz"
        with urllib.request.urlopen(url, timeout=180) as response:
            data = response.read()
        with open(path + ".part", "wb") as f:
            f.write(data)
        os.replace(path + ".part", path)
    with open(path, "rb") as f:
        data = f.read()
    found = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != digest:
        os.remove(path)
        sys.exit(f"{name} {version}: sha512 is {found}, expected {digest}")
    return tarfile.open(fileobj=io.BytesIO(data))


def tiktoken_encoder(folder, name):
    """(pattern, tokens in the order of their ranks) of an encoder."""
    with package("tiktoken", folder) as tar:
        text = tar.extractfile(f"package/encoders/{name}.json").read()
    data = json.loads(text)
    tokens = []
    for line in data["bpe_ranks"].splitlines():
        _, first, *words = line.split(" ")
        assert int(first) == len(tokens)
        tokens += [base64.b64decode(w) for w in words]
    return data["pat_str"], tokens


def merges_of(tokens):
    """Merges in order: the last join that gives each token, which is what
    merging its bytes with the earlier tokens alone leaves to do."""
    rank = {t: i for i, t in enumerate(tokens)}
    for token in tokens:
        if len(token) == 1:
            continue
        limit = rank[token]
        parts = [token[i:i + 1] for i in range(len(token))]
        while len(parts) > 2:
            joins = [rank.get(a + b, limit) for a, b in zip(parts, parts[1:])]
            best = min(joins)
            assert best < limit
            i = joins.index(best)
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        yield parts


def alphabet():
    """GPT-2's: a printable character for every byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in plain]
    table = {b: chr(b) for b in plain}
    table.update({b: chr(0x100 + i) for i, b in enumerate(others)})
    return table


def llama_vocabulary(folder):
    """The 32000 pieces of Llama 2, and their merges as (left, right)."""
    with package("llama-tokenizer-js", folder) as tar:
        text = tar.extractfile("package/llama-tokenizer.js").read().decode()

    def blob(name):
        return base64.b64decode(
            re.search(name + r"\s*=\s*[\"'`]([A-Za-z0-9+/=]+)", text).group(1))

    pieces = blob("llama_vocab_base64").decode().split("\n")
    ids = [i for i, in struct.iter_unpack("<H", blob("llama_merges_binary"))]
    return pieces, [(pieces[a], pieces[b]) for a, b in zip(ids[::2],
                                                           ids[1::2])]


def phi4_added():
    """Everything from 100256 to 100351 that has no name is a dummy."""
    numbered = (i for i in range(100256, 100352) if i not in PHI4_ADDED)
    dummies = {i: f"<|dummy_{n}|>" for n, i in enumerate(numbered)}
    named = {i: f"<|{name}|>" for i, name in PHI4_ADDED.items()}
    return dict(sorted({**dummies, **named}.items()))


def mini_added():
    return {i: f"<|{name}|>" for i, name in MINI_ADDED.items()}


def phi3_added():
    return {i: f"<|{name}|>" for i, name in PHI3_ADDED.items()}


# ---- GGUF ---------------------------------------------------------------

U32, I32, F32, STRING, ARRAY = 4, 5, 6, 8, 9


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind, data):
    if kind == STRING:
        return string(data)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f"}[kind], data)


def write_gguf(path, entries):
    """entries: key -> (type, value) or (element type, list)."""
    out = [b"GGUF", struct.pack("<IQQ", 3, 0, len(entries))]
    for key, (kind, data) in entries.items():
        out.append(string(key))
        if isinstance(data, list):
            out.append(struct.pack("<IIQ", ARRAY, kind, len(data)))
            out += [value(kind, element) for element in data]
        else:
            out += [struct.pack("<I", kind), value(kind, data)]
    blob = b"".join(out)
    blob += bytes(-len(blob) % 32)
    with open(path + ".part", "wb") as f:
        f.write(blob)
    os.replace(path + ".part", path)


def byte_level(folder, path, encoder, pre, added, size, special):
    _, ranks = tiktoken_encoder(folder, encoder)
    letters = alphabet()

    def spell(token):
        return "".join(letters[b] for b in token)

    tokens = [spell(t) for t in ranks]
    tokens += [f"[PAD{i}]" for i in range(len(tokens), size)]
    types = [NORMAL] * len(ranks) + [UNUSED] * (size - len(ranks))
    for i, text in added.items():
        tokens[i], types[i] = text, CONTROL
    bos, eos, pad = special
    write_gguf(path, {
        "general.architecture": (STRING, "phi3"),
        "tokenizer.ggml.model": (STRING, "gpt2"),
        "tokenizer.ggml.pre": (STRING, pre),
        "tokenizer.ggml.tokens": (STRING, tokens),
        "tokenizer.ggml.token_type": (I32, types),
        "tokenizer.ggml.merges": (
            STRING, [" ".join(map(spell, m)) for m in merges_of(ranks)]),
        "tokenizer.ggml.bos_token_id": (U32, bos),
        "tokenizer.ggml.eos_token_id": (U32, eos),
        "tokenizer.ggml.padding_token_id": (U32, pad)})


def sentencepiece(folder, path):
    pieces, _ = llama_vocabulary(folder)
    tokens, types = list(pieces), [NORMAL] * len(pieces)
    scores = [float(259 - i) for i in range(len(pieces))]
    for i, token in enumerate(tokens):
        if token.strip("\u2581") == "" and len(token) > 1:
            scores[i] = -1e9  # runs of spaces come last
    types[0], types[1], types[2] = UNKNOWN, CONTROL, USER
    types[3:259] = [BYTE] * 256
    for i in range(259):
        scores[i] = 0.0 if i < 3 else scores[i]
    for i in range(32000, 32064):
        name = phi3_added().get(i)
        tokens.append(name or f"[PAD{i}]")
        types.append(CONTROL if name else UNUSED)
        scores.append(-1000.0)
    write_gguf(path, {
        "general.architecture": (STRING, "phi3"),
        "tokenizer.ggml.model": (STRING, "llama"),
        "tokenizer.ggml.pre": (STRING, "default"),
        "tokenizer.ggml.tokens": (STRING, tokens),
        "tokenizer.ggml.scores": (F32, scores),
        "tokenizer.ggml.token_type": (I32, types),
        "tokenizer.ggml.bos_token_id": (U32, 1),
        "tokenizer.ggml.eos_token_id": (U32, 32000),
        "tokenizer.ggml.unknown_token_id": (U32, 0),
        "tokenizer.ggml.padding_token_id": (U32, 32000)})


def main(folder):
    os.makedirs(folder, exist_ok=True)

    def missing(name):
        return not os.path.exists(os.path.join(folder, name))

    if missing("phi-4.gguf"):
        byte_level(folder, os.path.join(folder, "phi-4.gguf"), "cl100k_base",
                   "dbrx", phi4_added(), 100352, (100257, 100265, 100349))
    if missing("phi-4-mini.gguf"):
        byte_level(folder, os.path.join(folder, "phi-4-mini.gguf"),
                   "o200k_base", "gpt-4o", mini_added(), 200064,
                   (199999, 199999, 199999))
    if missing("phi-3.gguf"):
        sentencepiece(folder, os.path.join(folder, "phi-3.gguf"))


if __name__ == "__main__":
    main(sys.argv[1])
