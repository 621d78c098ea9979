/* SPDX-License-Identifier: MIT
 * UTF-8 by the table of well-formed byte sequences (Unicode 16, table 3-7). It
 * does no normalisation and knows nothing of characters' meaning. */
#include "text/text.h"

enum { REPLACEMENT = 0xFFFD };

static size_t ill_formed(uint32_t *code_point, size_t len)
{
    *code_point = REPLACEMENT;
    return len;
}

/* What a lead byte asks for: how many bytes follow it, and the range of the
 * first of them, which is where overlong forms, surrogates and values above
 * U+10FFFF are excluded. Returns 0 for a byte that cannot lead. */
static size_t tail_length(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 1;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0)
            *low = 0xA0;
        if (lead == 0xED)
            *high = 0x9F;
        return 2;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *low = 0x90;
        if (lead == 0xF4)
            *high = 0x8F;
        return 3;
    }
    return 0;
}

size_t ph_utf8_next(const char *text, size_t len, uint32_t *code_point)
{
    const uint8_t *p = (const uint8_t *)text;
    uint8_t low, high;
    size_t tail;
    uint32_t value;

    if (p[0] < 0x80) {
        *code_point = p[0];
        return 1;
    }
    tail = tail_length(p[0], &low, &high);
    if (!tail)
        return ill_formed(code_point, 1);
    value = p[0] & (0x3Fu >> tail);
    for (size_t i = 1; i <= tail; i++) {
        if (i == len || p[i] < low || p[i] > high)
            return ill_formed(code_point, i);
        value = value << 6 | (p[i] & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    *code_point = value;
    return tail + 1;
}

bool ph_utf8_valid(const char *text, size_t len)
{
    uint32_t code_point;
    size_t n;

    for (size_t i = 0; i < len; i += n) {
        n = ph_utf8_next(text + i, len - i, &code_point);
        /* U+FFFD itself is three bytes, EF BF BD; an ill-formed subpart of
         * three bytes begins with F0 to F4. */
        if (code_point == REPLACEMENT && (n != 3 || (uint8_t)text[i] != 0xEF))
            return false;
    }
    return true;
}

size_t ph_utf8_put(uint32_t code_point, char out[4])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xC0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xE0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code_point & 0x3F));
    return 4;
}
