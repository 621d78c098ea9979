# SPDX-License-Identifier: MIT
"""The reference tokenizers, made from the same npm data as the GGUF files:
tiktoken for the byte-level vocabularies, tokenizers (Hugging Face) for all."""
import tiktoken
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models
from tokenizers import normalizers, pre_tokenizers

import fetch_vocab as data

MINI_STRIPS = set(data.mini_added()) - {199999, 200018}
MINI_VISIBLE = {200023, 200024, 200025, 200026, 200027}
PHI3_STRIPS = set(data.phi3_added()) - {32000}


def byte_level(folder, encoder, added):
    """(tiktoken, tokenizers with added tokens, tokenizers without)."""
    pattern, ranks = data.tiktoken_encoder(folder, encoder)
    letters = data.alphabet()

    def spell(token):
        return "".join(letters[b] for b in token)

    vocab = {spell(t): i for i, t in enumerate(ranks)}
    merges = [tuple(map(spell, m)) for m in data.merges_of(ranks)]
    both = []
    for tokens in (added, []):
        tok = Tokenizer(models.BPE(vocab=vocab, merges=merges))
        tok.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False,
                                     use_regex=False)])
        tok.decoder = decoders.ByteLevel()
        # tokenizers numbers added tokens on its own: only spellings count.
        tok.add_tokens(tokens)
        both.append(tok)
    ordinary = tiktoken.Encoding(
        encoder, pat_str=pattern, special_tokens={},
        mergeable_ranks={t: i for i, t in enumerate(ranks)})
    return ordinary, *both


def phi4(folder):
    return byte_level(folder, "cl100k_base", [
        AddedToken(t, lstrip=True, rstrip=True, normalized=False, special=True)
        for t in data.phi4_added().values()])


def phi4_mini(folder):
    return byte_level(folder, "o200k_base", [
        AddedToken(t, rstrip=i in MINI_STRIPS, normalized=False,
                   special=i not in MINI_VISIBLE)
        for i, t in data.mini_added().items()])


def phi3(folder):
    """The published Phi-3 files rank runs of spaces last, then every merge by
    the ids of its token, left and right; the npm package, of Llama 1, has the
    same merges but lists those of the runs in another order."""
    pieces, merges = data.llama_vocabulary(folder)
    vocab = {t: i for i, t in enumerate(pieces)}

    def rank(merge):
        token = merge[0] + merge[1]
        return (not token.strip("\u2581"), vocab[token], vocab[merge[0]],
                vocab[merge[1]])

    merges = sorted(merges, key=rank)
    first = [AddedToken("<unk>", normalized=False, special=True),
             AddedToken("<s>", normalized=False, special=True),
             AddedToken("</s>", rstrip=True, normalized=False, special=False)]
    added = [AddedToken(t, rstrip=i in PHI3_STRIPS, normalized=False,
                        special=True) for i, t in data.phi3_added().items()]
    both = []
    for tokens in (first + added, []):
        tok = Tokenizer(models.BPE(vocab=vocab, merges=merges,
                                   unk_token="<unk>", fuse_unk=True,
                                   byte_fallback=True))
        tok.normalizer = normalizers.Sequence([
            normalizers.Prepend("\u2581"),
            normalizers.Replace(" ", "\u2581")])
        tok.decoder = decoders.Sequence([
            decoders.Replace("\u2581", " "), decoders.ByteFallback(),
            decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        tok.add_tokens(tokens)
        both.append(tok)
    return None, *both
