/* SPDX-License-Identifier: MIT
 * Fuzz target: text for the tokenizers of three tiny vocabularies, and, if the
 * input is a GGUF file, its tokenizer metadata, with the file's own bytes as
 * text. Findings: a leak, an error without a sentence, ids that do not spell
 * the text, an added token that nobody asked for, merging that differs from its
 * definition, decoded text that is not UTF-8. */
#include "failing_heap.h"
#include "formats/gguf_file.h"
#include "slow_bpe.h"
#include "text/text.h"
#include "tiny_model.h"

#include <stdlib.h>

enum { MAX_TEXT = 1024, MAX_PIECE = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good)
{
    if (!good)
        abort();
}

/* What encoding must spell: by SentencePiece's rules one space in front (if
 * the vocabulary adds it), and U+2581 for a space. */
static void expected_bytes(const ph_tokenizer *t, ph_str text, bool prefix,
                           ph_buf *out)
{
    bool phi3 = ph_tokenizer_vocab(t) == PH_VOCAB_PHI3;

    if (phi3 && prefix && text.len)
        ph_buf_puts(out, " ");
    for (size_t at = 0; at < text.len; at++) {
        if (phi3 && text.len - at >= 3 &&
            !memcmp(text.data + at, "\xE2\x96\x81", 3)) {
            ph_buf_puts(out, " ");
            at += 2;
        } else {
            ph_buf_put(out, text.data + at, 1);
        }
    }
}

static void check_identity(const ph_tokenizer *t, ph_str text,
                           const ph_tokens *ids)
{
    ph_buf spelled = {.heap = &ph_libc_heap}, with = {.heap = &ph_libc_heap},
           without = {.heap = &ph_libc_heap};

    for (size_t i = 0; i < ids->len; i++) {
        ph_str bytes = ph_tokenizer_bytes(t, ids->data[i]);
        ph_token_kind kind = ph_tokenizer_kind(t, ids->data[i]);

        expect(kind == PH_TOKEN_NORMAL || kind == PH_TOKEN_BYTE);
        ph_buf_put(&spelled, bytes.data, bytes.len);
    }
    expected_bytes(t, text, true, &with);
    expected_bytes(t, text, false, &without);
    expect(ph_str_eq((ph_str){spelled.data, spelled.len},
                     (ph_str){with.data, with.len}) ||
           ph_str_eq((ph_str){spelled.data, spelled.len},
                     (ph_str){without.data, without.len}));
    ph_buf_free(&spelled);
    ph_buf_free(&with);
    ph_buf_free(&without);
}

static void check_decoding(const ph_tokenizer *t, const ph_tokens *ids,
                           uint32_t flags)
{
    ph_decoder decoder;
    ph_buf out = {.heap = &ph_libc_heap};

    ph_decoder_init(&decoder, t, flags);
    for (size_t i = 0; i < ids->len; i++) {
        expect(ph_decoder_push(&decoder, ids->data[i], &out) == PHIAL_OK);
        expect(decoder.n_pending < 4);
    }
    expect(ph_decoder_flush(&decoder, &out) == PHIAL_OK);
    expect(ph_utf8_valid(out.data, out.len));
    ph_buf_free(&out);
}

static void check_text(const ph_tokenizer *t, ph_str text)
{
    ph_tokens ids = {.heap = &ph_libc_heap};

    if (text.len > MAX_TEXT)
        text.len = MAX_TEXT;
    expect(ph_tokenizer_encode(t, text.data, text.len, 0, &ids) == PHIAL_OK);
    check_identity(t, text, &ids);
    check_decoding(t, &ids, 0);
    ids.len = 0;
    expect(ph_tokenizer_encode(t, text.data, text.len, PHIAL_TEXT_SPECIAL,
                               &ids) == PHIAL_OK);
    check_decoding(t, &ids, 0);
    check_decoding(t, &ids, PHIAL_TEXT_SPECIAL);
    ph_tokens_free(&ids);
    slow_merge_compare(t, text.data,
                       text.len < MAX_PIECE ? text.len : MAX_PIECE);
}

static ph_tokenizer *tiny(tiny_family family)
{
    gguf_writer *w = gguf_writer_new();
    ph_gguf *gguf = NULL;
    ph_tokenizer *t = NULL;
    size_t n;
    uint8_t *bytes;

    tiny_vocab_put(w, family, 3);
    bytes = gguf_to_memory(w, &n);
    expect(ph_gguf_open_memory(&ph_libc_heap, "tiny", bytes, n, &gguf) ==
           PHIAL_OK);
    expect(ph_tokenizer_new(&ph_libc_heap, gguf, &t) == PHIAL_OK);
    ph_gguf_free(gguf);
    free(bytes);
    gguf_writer_free(w);
    return t;
}

static void check_file(const uint8_t *data, size_t size)
{
    failing_heap heap;
    ph_gguf *gguf = NULL;
    ph_tokenizer *t = NULL;
    phial_status status;

    failing_heap_init(&heap, 0, FAIL_NEVER);
    if (ph_gguf_open_memory(&heap.heap, "fuzz", data, size, &gguf) ==
        PHIAL_OK) {
        ph_fail(PHIAL_OK, "%s", "");
        status = ph_tokenizer_new(&heap.heap, gguf, &t);
        expect(heap.peak_bytes <= 64 * size + (1 << 20));
        expect(status == PHIAL_OK || (!t && strlen(ph_error_text()) > 10));
        ph_gguf_free(gguf);
        if (status == PHIAL_OK)
            check_text(t, (ph_str){(const char *)data, size});
    }
    ph_tokenizer_free(t);
    expect(failing_heap_check(&heap) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ph_tokenizer *tokenizers[3];
    static const tiny_family families[] = {TINY_PHI4, TINY_PHI4_MINI,
                                           TINY_PHI35};

    for (int i = 0; i < 3; i++) {
        if (!tokenizers[i])
            tokenizers[i] = tiny(families[i]);
        check_text(tokenizers[i], (ph_str){(const char *)data, size});
    }
    if (size > 4 && !memcmp(data, "GGUF", 4))
        check_file(data, size);
    return 0;
}
