/* SPDX-License-Identifier: MIT
 * Texts that pulling is made of: names of parts, checksums, addresses. */
#include "pull_name.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define SPLIT_END "-00001-of-00001.gguf"

enum { SPLIT_DIGITS = 5, SPLIT_MAX = 1000 };

bool pull_is_hex(const char *text, size_t n)
{
    return text && strlen(text) == n && strspn(text, DIGITS "abcdef") == n;
}

/* Where "-00001-of-00003.gguf" begins in path; NULL if it does not end so. */
static const char *split_end(const char *path)
{
    const size_t len = strlen(path);
    const size_t n = strlen(SPLIT_END);
    const char *at = path + len - n;

    if (len <= n)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (SPLIT_END[i] >= '0' && SPLIT_END[i] <= '9' ? !strchr(DIGITS, at[i])
                                                       : at[i] != SPLIT_END[i])
            return NULL;
    return at;
}

unsigned pull_split_count(const char *path)
{
    const char *at = split_end(path);
    unsigned n = 0;

    if (!at)
        return 0;
    at = strrchr(at, '-') + 1;
    for (int i = 0; i < SPLIT_DIGITS; i++)
        n = n * 10 + (unsigned)(at[i] - '0');
    return n <= SPLIT_MAX ? n : 0;
}

void pull_split_part(char *path, unsigned i)
{
    char *digits = path + (split_end(path) - path) + 1;

    for (int k = SPLIT_DIGITS; k--; i /= 10)
        digits[k] = (char)('0' + i % 10);
}

/* RFC 3986, unreserved characters. */
static bool plain(char c, bool slashes)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || strchr("-._~", c) ||
           (c == '/' && !slashes);
}

char *pull_escape(const char *text, bool slashes)
{
    char *out = must_alloc(strlen(text) + 1, 3);
    size_t n = 0;

    for (; *text; text++) {
        if (plain(*text, slashes))
            out[n++] = *text;
        else
            n += (size_t)sprintf(out + n, "%%%02X", (unsigned char)*text);
    }
    out[n] = 0;
    return out;
}

char *must_format(const char *format, ...)
{
    va_list args;
    char *out;
    int len;

    va_start(args, format);
    len = vasprintf(&out, format, args);
    va_end(args);
    if (len < 0) {
        complain("out of memory");
        exit(CLI_FAILED);
    }
    return out;
}
