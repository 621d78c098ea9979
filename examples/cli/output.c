/* SPDX-License-Identifier: MIT
 * Standard output. Errors of stdio are sticky, so most writes go unchecked and
 * the stream is judged at the points where it matters. */
#include "output.h"
#include "terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static int write_error; /* errno of the first write that failed */

/* Length of the control character at text, which is not empty: C0 without tab
 * and newline, DEL, or the two bytes of C1; 0 if it is none. */
static size_t control_length(const char *text, size_t len)
{
    unsigned char c = (unsigned char)text[0];

    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
        return 1;
    if (c == 0xc2 && len > 1 && (unsigned char)text[1] < 0xa0)
        return 2;
    return 0;
}

void output_text(const char *text, size_t len)
{
    if (!terminal_output()) {
        fwrite(text, 1, len, stdout);
        return;
    }
    while (len) {
        size_t bad = control_length(text, len);

        if (bad)
            fputs(REPLACEMENT, stdout);
        else
            putchar(*text);
        text += bad ? bad : 1;
        len -= bad ? bad : 1;
    }
}

bool output_flush(void)
{
    errno = 0;
    if ((fflush(stdout) || ferror(stdout)) && !write_error)
        write_error = errno ? errno : EIO;
    return !write_error;
}

int output_json(json_t *json)
{
    char *line =
        json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

    json_decref(json);
    if (!line) {
        complain("out of memory");
        return CLI_FAILED;
    }
    puts(line);
    free(line);
    return output_flush() ? CLI_OK : CLI_FAILED;
}

/* Length of the well-formed UTF-8 character at s, or 0 (Unicode, table 3-7). */
static size_t utf8_length(const unsigned char *s, size_t len)
{
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t n;

    if (s[0] < 0x80)
        return 1;
    n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n > len)
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0;
    if (s[0] == 0xed)
        high = 0x9f;
    if (s[0] == 0xf0)
        low = 0x90;
    if (s[0] == 0xf4)
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

size_t utf8_prefix(const char *text, size_t len)
{
    size_t i = 0, k = 1;

    while (i < len && k) {
        k = utf8_length((const unsigned char *)text + i, len - i);
        i += k;
    }
    return i;
}

json_t *json_text(const char *text, size_t len)
{
    char *clean = must_alloc(len + 1, 3);
    size_t n = 0;
    json_t *json;

    for (size_t i = 0; i < len;) {
        size_t k = utf8_length((const unsigned char *)text + i, len - i);

        memcpy(clean + n, k ? text + i : REPLACEMENT, k ? k : 3);
        n += k ? k : 3;
        i += k ? k : 1;
    }
    json = json_stringn(clean, n);
    free(clean);
    return json;
}

json_t *must_json(json_t *json)
{
    if (!json) {
        complain("out of memory");
        exit(CLI_FAILED);
    }
    return json;
}

void json_append_text(json_t *object, const char *key, const char *text,
                      size_t len)
{
    const json_t *old = json_object_get(object, key);
    const size_t had = json_string_length(old);
    char *joined = must_alloc(had + len + 1, 1);

    if (had)
        memcpy(joined, json_string_value(old), had);
    memcpy(joined + had, text, len);
    json_object_set_new(object, key, must_json(json_text(joined, had + len)));
    free(joined);
}

int output_finish(int code)
{
    output_flush();
    errno = 0;
    if (fclose(stdout) && !write_error)
        write_error = errno ? errno : EIO;
    if (!write_error)
        return code;
    /* A reader that went away has what it wanted. */
    if (write_error != EPIPE)
        complain("cannot write to standard output: %s", strerror(write_error));
    return CLI_FAILED;
}
