/* SPDX-License-Identifier: MIT
 * Text without added tokens to ids: cuts it into the pieces within which
 * tokens are merged. */
#include "tokenizer/vocab.h"

static phial_status encode_pieces(const ph_tokenizer *t, const char *text,
                                  size_t len, ph_tokens *out)
{
    bool cl100k = t->vocab == PH_VOCAB_PHI4;
    size_t n;

    for (size_t at = 0; at < len; at += n) {
        n = cl100k ? ph_split_cl100k(text + at, len - at)
                   : ph_split_o200k(text + at, len - at);
        PH_TRY(ph_encode_piece(t, text + at, n, out));
    }
    return PHIAL_OK;
}

/* A word is spaces and then what is none. */
static size_t word_length(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && text[n] == ' ')
        n++;
    while (n < len && text[n] != ' ')
        n++;
    return n;
}

static phial_status encode_words(const ph_tokenizer *t, const char *text,
                                 size_t len, ph_tokens *out)
{
    size_t n;

    if (!t->words_apart)
        return ph_encode_piece(t, text, len, out);
    for (size_t at = 0; at < len; at += n) {
        n = word_length(text + at, len - at);
        PH_TRY(ph_encode_piece(t, text + at, n, out));
    }
    return PHIAL_OK;
}

/* SentencePiece as the reference runs it: a space in front of every segment,
 * and U+2581, its sign for a space, is a space if it stands in the text. */
static phial_status encode_sentencepiece(const ph_tokenizer *t,
                                         const char *text, size_t len,
                                         ph_tokens *out)
{
    phial_status status;
    size_t size, n = 0;
    char *spaced;

    if (!ph_add(len, 1, &size))
        return ph_no_memory("the text", len);
    spaced = ph_alloc_raw(t->heap, size);
    if (!spaced)
        return ph_no_memory("the text", size);
    if (t->space_prefix)
        spaced[n++] = ' ';
    for (size_t at = 0; at < len; at++) {
        if (len - at >= 3 && !memcmp(text + at, "\xE2\x96\x81", 3)) {
            spaced[n++] = ' ';
            at += 2;
        } else {
            spaced[n++] = text[at];
        }
    }
    status = encode_words(t, spaced, n, out);
    ph_free(t->heap, spaced);
    return status;
}

phial_status ph_encode_text(const ph_tokenizer *t, const char *text, size_t len,
                            ph_tokens *out)
{
    if (len == 0)
        return PHIAL_OK;
    if (t->vocab == PH_VOCAB_PHI3)
        return encode_sentencepiece(t, text, len, out);
    return encode_pieces(t, text, len, out);
}
