/* SPDX-License-Identifier: MIT
 * Token ids back to text, one at a time, in whole characters. What cannot
 * become a character is U+FFFD, one per maximal subpart; as the reference does
 * for byte-level vocabularies. (For runs of SentencePiece byte tokens that are
 * not UTF-8 the reference gives one U+FFFD per byte, which a stream cannot know
 * in advance.) */
#include "text/text.h"
#include "tokenizer/vocab.h"

void ph_decoder_init(ph_decoder *decoder, const ph_tokenizer *tokenizer,
                     uint32_t flags)
{
    *decoder = (ph_decoder){.tokenizer = tokenizer,
                            .flags = flags,
                            .at_start = tokenizer->vocab == PH_VOCAB_PHI3 &&
                                        tokenizer->space_prefix};
}

/* True if the n bytes, which are no character, may become one. */
static bool is_incomplete(const uint8_t *bytes, size_t n)
{
    uint32_t code_point;

    /* Ill-formed as a whole, so what is missing can only be its end; a lone
     * byte must be able to lead. */
    if (n == 1)
        return bytes[0] >= 0xC2 && bytes[0] <= 0xF4;
    return ph_utf8_next((const char *)bytes, n, &code_point) == n && n < 4;
}

static phial_status emit(ph_decoder *d, const char *text, size_t len,
                         ph_buf *out)
{
    bool skip = d->at_start && len && text[0] == ' ';

    d->at_start = d->at_start && len == 0;
    return ph_buf_put(out, text + skip, len - skip);
}

bool ph_decoder_restore(ph_decoder *decoder, const uint8_t *pending,
                        size_t n_pending, bool at_start)
{
    uint32_t code_point;

    if (at_start && !decoder->at_start)
        return false;
    if (n_pending >= sizeof decoder->pending)
        return false;
    if (n_pending &&
        (ph_utf8_next((const char *)pending, n_pending, &code_point) !=
             n_pending ||
         code_point != 0xFFFD || !is_incomplete(pending, n_pending)))
        return false;
    memcpy(decoder->pending, pending, n_pending);
    decoder->n_pending = (uint8_t)n_pending;
    decoder->at_start = at_start;
    return true;
}

/* Emits the pending bytes' first maximal subpart as U+FFFD. */
static phial_status emit_subpart(ph_decoder *d, ph_buf *out)
{
    uint32_t code_point;
    size_t n =
        ph_utf8_next((const char *)d->pending, d->n_pending, &code_point);

    d->n_pending = (uint8_t)(d->n_pending - n);
    memmove(d->pending, d->pending + n, d->n_pending);
    return emit(d, "\xEF\xBF\xBD", 3, out);
}

/* Adds one byte to the pending ones and emits what is decided. */
static phial_status push_byte(ph_decoder *d, uint8_t byte, ph_buf *out)
{
    uint32_t code_point;

    d->pending[d->n_pending++] = byte;
    while (d->n_pending) {
        size_t n =
            ph_utf8_next((const char *)d->pending, d->n_pending, &code_point);
        bool whole = code_point != 0xFFFD || (n == 3 && d->pending[0] == 0xEF);

        if (whole) {
            PH_TRY(emit(d, (const char *)d->pending, n, out));
            d->n_pending = (uint8_t)(d->n_pending - n);
            memmove(d->pending, d->pending + n, d->n_pending);
        } else if (n == d->n_pending && is_incomplete(d->pending, n)) {
            break;
        } else {
            PH_TRY(emit_subpart(d, out));
        }
    }
    return PHIAL_OK;
}

/* How many bytes of text, which nothing pending precedes, are whole
 * characters. */
static size_t whole_length(const char *text, size_t len)
{
    size_t at = 0, n;
    uint32_t code_point;

    for (; at < len; at += n) {
        n = ph_utf8_next(text + at, len - at, &code_point);
        if (code_point == 0xFFFD && (n != 3 || (uint8_t)text[at] != 0xEF))
            break;
    }
    return at;
}

static phial_status push_text(ph_decoder *d, ph_str text, ph_buf *out)
{
    size_t at = 0;

    if (!d->n_pending) {
        at = whole_length(text.data, text.len);
        PH_TRY(emit(d, text.data, at, out));
    }
    for (; at < text.len; at++)
        PH_TRY(push_byte(d, (uint8_t)text.data[at], out));
    return PHIAL_OK;
}

/* Whether the decoder writes the token's bytes. */
static bool is_written(const ph_decoder *d, uint32_t id)
{
    const ph_tokenizer *t = d->tokenizer;

    switch (t->kinds[id]) {
    case PH_TOKEN_NORMAL:
    case PH_TOKEN_BYTE:
        return true;
    case PH_TOKEN_UNUSED:
        return false;
    default:
        return (t->flags[id] & PH_TOKEN_VISIBLE) ||
               (d->flags & PHIAL_TEXT_SPECIAL);
    }
}

phial_status ph_decoder_push(ph_decoder *decoder, phial_token id, ph_buf *out)
{
    const ph_tokenizer *t = decoder->tokenizer;
    ph_decoder before = *decoder;
    size_t n_before = out->len;
    phial_status status;

    if (id < 0 || (uint32_t)id >= t->n_vocab)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "token %d is outside the vocabulary of %u", id,
                       t->n_vocab);
    if (!is_written(decoder, (uint32_t)id))
        return PHIAL_OK;
    status = push_text(decoder, ph_token_bytes(t, (uint32_t)id), out);
    if (status < 0) {
        *decoder = before;
        out->len = n_before;
    }
    return status;
}

phial_status ph_decoder_flush(ph_decoder *decoder, ph_buf *out)
{
    while (decoder->n_pending)
        PH_TRY(emit_subpart(decoder, out));
    return PHIAL_OK;
}
