/* SPDX-License-Identifier: MIT
 * Bytes from outside made fit for a message: a terminal must not obey them,
 * and a reader must not be misled. UTF-8 by Unicode 15, table 3-7. */
#include "base/base.h"

enum { MAX_CHARACTER = 4, MAX_ESCAPED = 4 * MAX_CHARACTER };

/* Length of the well-formed character at p, 0 if there is none, and its code
 * point. */
static size_t decode(const uint8_t *p, size_t n, uint32_t *code)
{
    uint32_t c = p[0];
    size_t len = c < 0x80   ? 1
                 : c < 0xc2 ? 0
                 : c < 0xe0 ? 2
                 : c < 0xf0 ? 3
                 : c < 0xf5 ? 4
                            : 0;

    if (len == 0 || len > n)
        return 0;
    if (len > 1)
        c &= 0x7fu >> len;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if ((len == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
        (len == 4 && (c < 0x10000 || c > 0x10ffff)))
        return 0;
    *code = c;
    return len;
}

/* Controls, line separators, and what reorders the text around it. */
static bool misleads(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* Writes one character as it may be shown, at most MAX_ESCAPED bytes; moves
 * *at behind it. */
static size_t show_one(ph_str text, size_t *at, char *to)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = (const uint8_t *)text.data + *at;
    uint32_t code = 0;
    size_t len = decode(p, text.len - *at, &code);
    size_t n = 0;

    if (len && !misleads(code)) {
        memcpy(to, p, len);
        *at += len;
        return len;
    }
    len = len ? len : 1;
    for (size_t i = 0; i < len; i++) {
        to[n++] = '\\';
        to[n++] = 'x';
        to[n++] = digits[p[i] >> 4];
        to[n++] = digits[p[i] & 15];
    }
    *at += len;
    return n;
}

ph_shown ph_show(ph_str text)
{
    ph_shown shown = {{0}};
    size_t at = 0, n = 0;

    while (at < text.len) {
        char one[MAX_ESCAPED];
        size_t len = show_one(text, &at, one);

        if (n + len > PH_SHOWN_MAX) {
            memcpy(shown.text + n, "...", 3);
            n += 3;
            break;
        }
        memcpy(shown.text + n, one, len);
        n += len;
    }
    return shown;
}

ph_shown ph_show_path(const char *path)
{
    size_t len = strlen(path);
    ph_shown shown = {{0}}, tail;

    if (len <= PH_SHOWN_MAX)
        return ph_show((ph_str){path, len});
    tail = ph_show((ph_str){path + len - (PH_SHOWN_MAX - 3), PH_SHOWN_MAX - 3});
    memcpy(shown.text, "...", 3);
    memcpy(shown.text + 3, tail.text, PH_SHOWN_MAX);
    return shown;
}
