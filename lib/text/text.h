/* SPDX-License-Identifier: MIT
 * text.h - UTF-8, an order of texts, and the character classes that the
 * tokenizers' patterns name.
 * The tables are generated for one pinned Unicode version, the references',
 * so that ids never depend on what the host has installed. */
#ifndef PH_TEXT_H
#define PH_TEXT_H

#include "base/base.h"

enum {
    PH_CLASS_LETTER = 1 << 0, /* \p{L} */
    PH_CLASS_UPPER = 1 << 1,  /* Lu, Lt, Lm, Lo, M: may start a cased word */
    PH_CLASS_LOWER = 1 << 2,  /* Ll, Lm, Lo, M: may follow */
    PH_CLASS_NUMBER = 1 << 3, /* \p{N} */
    PH_CLASS_SPACE = 1 << 4,  /* White_Space */
    PH_CLASS_BREAK = 1 << 5   /* CR and LF */
};

/* The generated table: the class of a code point is in the block that its
 * index names. Block 0 is ASCII. */
enum { PH_UNICODE_BLOCK = 128, PH_UNICODE_INDEX = 0x110000 / 128 };
extern const uint8_t ph_unicode_index[PH_UNICODE_INDEX];
extern const uint8_t ph_unicode_blocks[][PH_UNICODE_BLOCK];

/* The classes of a code point; 0 for anything unassigned or above U+10FFFF. */
static inline uint32_t ph_unicode_class(uint32_t code_point)
{
    if (code_point > 0x10FFFF)
        return 0;
    return ph_unicode_blocks[ph_unicode_index[code_point / PH_UNICODE_BLOCK]]
                            [code_point % PH_UNICODE_BLOCK];
}

/* Decodes one code point of the len > 0 bytes and returns how many bytes it
 * took. An ill-formed sequence gives 0xFFFD and the length of its maximal
 * subpart (Unicode 15, section 3.9; what Rust and Python replace as one). */
size_t ph_utf8_next(const char *text, size_t len, uint32_t *code_point);

/* True if all of text is well formed. */
bool ph_utf8_valid(const char *text, size_t len);

/* Writes 1 to 4 bytes for a scalar value and returns their number. */
size_t ph_utf8_put(uint32_t code_point, char out[4]);

/* Below, equal to or above 0 as a is to b: bytewise, what a text begins with
 * before the text. */
int ph_str_compare(ph_str a, ph_str b);

#endif /* PH_TEXT_H */
