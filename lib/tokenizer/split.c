/* SPDX-License-Identifier: MIT
 * The two patterns that cut text into pieces before merging, as hand-written
 * matchers: what a backtracking engine finds at the front of the text, without
 * the engine. Bytes that are not UTF-8 count as U+FFFD, which is neither
 * letter, number nor space, one maximal subpart at a time; the piece keeps the
 * bytes. */
#include "text/text.h"
#include "tokenizer/vocab.h"

enum { WORDLESS = PH_CLASS_LETTER | PH_CLASS_NUMBER | PH_CLASS_SPACE };

/* The classes of the character at at < len; *end is where it ends. */
static inline uint32_t class_at(const char *text, size_t len, size_t at,
                                size_t *end)
{
    uint8_t byte = (uint8_t)text[at];
    uint32_t code_point;

    if (byte < 0x80) {
        *end = at + 1;
        return ph_unicode_blocks[0][byte];
    }
    *end = at + ph_utf8_next(text + at, len - at, &code_point);
    return ph_unicode_class(code_point);
}

/* The end of the run of characters that have one of the classes. */
static inline size_t run_of(const char *text, size_t len, size_t at,
                            uint32_t classes)
{
    size_t end;

    while (at < len && (class_at(text, len, at, &end) & classes))
        at = end;
    return at;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d) at at, else at. Case folding makes U+017F, the
 * long s, an s. */
static size_t contraction(const char *text, size_t len, size_t at)
{
    uint8_t first, second;

    if (len - at < 2 || text[at] != '\'')
        return at;
    first = (uint8_t)text[at + 1];
    second = len - at > 2 ? (uint8_t)text[at + 2] : 0;
    if (first == 0xC5 && second == 0xBF)
        return at + 3;
    first |= 0x20;
    second |= 0x20;
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return at + 2;
    if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
        (first == 'l' && second == 'l'))
        return at + 3;
    return at;
}

/* \p{N}{1,3} */
static size_t number(const char *text, size_t len)
{
    size_t at = 0, end;

    for (int i = 0; i < 3 && at < len; i++, at = end)
        if (!(class_at(text, len, at, &end) & PH_CLASS_NUMBER))
            break;
    return at;
}

/* ` ?[^\s\p{L}\p{N}]+[\r\n]*`, in o200k with a slash in the last set; 0 if it
 * does not match. */
static size_t symbols(const char *text, size_t len, bool slash)
{
    size_t start = text[0] == ' ', at = start, end;

    while (at < len && !(class_at(text, len, at, &end) & WORDLESS))
        at = end;
    if (at == start)
        return 0;
    while (at < len &&
           (text[at] == '\r' || text[at] == '\n' || (slash && text[at] == '/')))
        at++;
    return at;
}

/* `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line break of the run; without
 * one, all but the last character if something follows. */
static size_t spaces(const char *text, size_t len)
{
    size_t at = 0, after_break = 0, last = 0, end;

    while (at < len) {
        uint32_t class = class_at(text, len, at, &end);

        if (!(class & PH_CLASS_SPACE))
            break;
        if (class & PH_CLASS_BREAK)
            after_break = end;
        last = at;
        at = end;
    }
    if (after_break)
        return after_break;
    return at == len || last == 0 ? at : last;
}

static size_t wordless(const char *text, size_t len, uint32_t class, bool slash)
{
    size_t n;

    if (class & PH_CLASS_NUMBER)
        return number(text, len);
    n = symbols(text, len, slash);
    return n ? n : spaces(text, len);
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
 *  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
size_t ph_split_cl100k(const char *text, size_t len)
{
    size_t first, end;
    uint32_t class = class_at(text, len, 0, &first);

    if (class & PH_CLASS_LETTER)
        return run_of(text, len, first, PH_CLASS_LETTER);
    end = contraction(text, len, 0);
    if (end)
        return end;
    if (!(class & (PH_CLASS_NUMBER | PH_CLASS_BREAK))) {
        end = run_of(text, len, first, PH_CLASS_LETTER);
        if (end > first)
            return end;
    }
    return wordless(text, len, class, false);
}

/* [UPPER]*[LOWER]+ from at; at if it does not match. The two sets share Lm, Lo
 * and M, so the first run may have to give characters back: the match then
 * ends behind the last one that is also in LOWER. */
static size_t lower_word(const char *text, size_t len, size_t at)
{
    size_t i = at, shared = at, end, lower;
    uint32_t class;

    for (; i < len; i = end) {
        class = class_at(text, len, i, &end);
        if (!(class & PH_CLASS_UPPER))
            break;
        if (class & PH_CLASS_LOWER)
            shared = end;
    }
    lower = run_of(text, len, i, PH_CLASS_LOWER);
    return lower > i ? lower : shared;
}

/* [UPPER]+[LOWER]* from at; at if it does not match. */
static size_t upper_word(const char *text, size_t len, size_t at)
{
    size_t upper = run_of(text, len, at, PH_CLASS_UPPER);

    return upper > at ? run_of(text, len, upper, PH_CLASS_LOWER) : at;
}

/* [^\r\n\p{L}\p{N}]?[UPPER]*[LOWER]+(?i:contraction)?|
 * [^\r\n\p{L}\p{N}]?[UPPER]+[LOWER]*(?i:contraction)?|\p{N}{1,3}|
 *  ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * with UPPER = \p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}, LOWER = \p{Ll}\p{Lm}\p{Lo}\p{M}.
 * Each alternative is tried with the optional first character, then without. */
size_t ph_split_o200k(const char *text, size_t len)
{
    enum { NO_PREFIX = PH_CLASS_LETTER | PH_CLASS_NUMBER | PH_CLASS_BREAK };
    enum { CASED = PH_CLASS_UPPER | PH_CLASS_LOWER };
    size_t first, end;
    uint32_t class = class_at(text, len, 0, &first);
    bool prefix = !(class & NO_PREFIX);

    if (prefix) {
        end = lower_word(text, len, first);
        if (end > first)
            return contraction(text, len, end);
    }
    if (class & CASED) {
        end = lower_word(text, len, 0);
        if (end)
            return contraction(text, len, end);
    }
    if (prefix) {
        end = upper_word(text, len, first);
        if (end > first)
            return contraction(text, len, end);
    }
    if (class & CASED)
        return contraction(text, len, upper_word(text, len, 0));
    return wordless(text, len, class, true);
}
