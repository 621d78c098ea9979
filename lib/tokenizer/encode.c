/* SPDX-License-Identifier: MIT
 * Encoding with and without added tokens. Only with PHIAL_TEXT_SPECIAL does
 * text name an added token; the ordinary path cannot give one, because its
 * tables do not hold them. */
#include "text/text.h"
#include "tokenizer/vocab.h"

/* Bytes of white space that text begins with. */
static size_t space_at_start(const char *text, size_t len)
{
    size_t at = 0, width;
    uint32_t code_point;

    for (; at < len; at += width) {
        width = ph_utf8_next(text + at, len - at, &code_point);
        if (!(ph_unicode_class(code_point) & PH_CLASS_SPACE))
            break;
    }
    return at;
}

/* Bytes of white space that text ends with. */
static size_t space_at_end(const char *text, size_t len)
{
    size_t end = len;
    uint32_t code_point;

    while (end > 0) {
        size_t start = end - 1;

        while (start > 0 && end - start < 4 && (text[start] & 0xC0) == 0x80)
            start--;
        if (ph_utf8_next(text + start, end - start, &code_point) !=
                end - start ||
            !(ph_unicode_class(code_point) & PH_CLASS_SPACE))
            break;
        end = start;
    }
    return len - end;
}

static bool strips(const ph_tokenizer *t, phial_token id, uint8_t flag)
{
    return id >= 0 && (uint32_t)id < t->n_vocab && (t->flags[id] & flag);
}

/* The position of the next added token in text, or len. */
static size_t next_added(const ph_tokenizer *t, const char *text, size_t len,
                         phial_token *id)
{
    for (size_t at = 0; at < len; at++) {
        *id = ph_added_at(t, text + at, len - at);
        if (*id != PHIAL_NO_TOKEN)
            return at;
    }
    *id = PHIAL_NO_TOKEN;
    return len;
}

static phial_status encode_special(const ph_tokenizer *t, const char *text,
                                   size_t len, ph_tokens *out)
{
    phial_token before = PHIAL_NO_TOKEN, after;

    for (size_t at = 0; at < len;) {
        size_t n = next_added(t, text + at, len - at, &after);

        PH_TRY(
            ph_tokenizer_encode_between(t, before, text + at, n, after, out));
        at += n;
        before = after;
        if (after == PHIAL_NO_TOKEN)
            continue;
        PH_TRY(ph_tokens_put(out, after));
        at += ph_token_bytes(t, (uint32_t)after).len;
    }
    return PHIAL_OK;
}

phial_status ph_tokenizer_encode_between(const ph_tokenizer *t,
                                         phial_token before, const char *text,
                                         size_t len, phial_token after,
                                         ph_tokens *out)
{
    size_t start = 0, n_before = out->len;
    phial_status status;

    if (strips(t, before, PH_TOKEN_RSTRIP))
        start = space_at_start(text, len);
    if (strips(t, after, PH_TOKEN_LSTRIP))
        len -= space_at_end(text + start, len - start);
    status = ph_encode_text(t, text + start, len - start, out);
    if (status < 0)
        out->len = n_before;
    return status;
}

phial_status ph_tokenizer_encode(const ph_tokenizer *t, const char *text,
                                 size_t len, uint32_t flags, ph_tokens *out)
{
    size_t n_before = out->len;
    phial_status status = PHIAL_OK;

    if ((flags & PHIAL_TEXT_BOS) && t->bos != PHIAL_NO_TOKEN)
        status = ph_tokens_put(out, t->bos);
    if (status >= 0)
        status = flags & PHIAL_TEXT_SPECIAL ? encode_special(t, text, len, out)
                                            : ph_encode_text(t, text, len, out);
    if (status < 0)
        out->len = n_before;
    return status;
}
