/* SPDX-License-Identifier: MIT
 * Reads prompts and JSON documents. Whether a text is UTF-8 is the library's
 * to judge. */
#include "input.h"
#include "terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_stream(FILE *file, const char *name, text *out)
{
    size_t cap = 4096;
    char *data = must_alloc(cap, 1);
    size_t len = 0;
    size_t got;

    errno = 0;
    while ((got = fread(data + len, 1, cap - 1 - len, file)) > 0) {
        len += got;
        if (len + 1 == cap) {
            char *more = cap <= SIZE_MAX / 2 ? realloc(data, cap * 2) : NULL;

            if (!more) {
                complain("out of memory while reading %s", name);
                free(data);
                return CLI_FAILED;
            }
            data = more;
            cap *= 2;
        }
    }
    if (ferror(file)) {
        complain("cannot read %s: %s", name, strerror(errno));
        free(data);
        return CLI_FAILED;
    }
    data[len] = 0;
    *out = (text){data, len};
    return CLI_OK;
}

int input_read(const char *path, text *out)
{
    FILE *file;
    int code;

    if (!strcmp(path, "-"))
        return read_stream(stdin, "standard input", out);
    file = fopen(path, "rb");
    if (!file) {
        complain("cannot open %s: %s", path, strerror(errno));
        return CLI_FAILED;
    }
    code = read_stream(file, path, out);
    fclose(file);
    return code;
}

int input_operand(const settings *s, const char *wanted, text *out)
{
    size_t len;

    if (!s->text && terminal_input())
        usage_error(s->cmd, "%s is missing; \"-\" reads standard input",
                    wanted);
    if (!s->text || !strcmp(s->text, "-"))
        return input_read("-", out);
    len = strlen(s->text);
    out->data = must_alloc(len + 1, 1);
    memcpy(out->data, s->text, len);
    out->len = len;
    return CLI_OK;
}

int input_json(const char *path, json_t **out)
{
    json_error_t error;
    text document;
    int code = input_read(path, &document);

    if (code != CLI_OK)
        return code;
    *out = json_loadb(document.data, document.len,
                      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    free(document.data);
    if (!*out) {
        complain("%s is not valid JSON: line %d, column %d: %s", path,
                 error.line, error.column, error.text);
        return CLI_FAILED;
    }
    return CLI_OK;
}
