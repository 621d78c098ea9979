/* SPDX-License-Identifier: MIT
 * Shows tokens one by one. A decoder may treat the first token of a text
 * differently (SentencePiece drops its space), so a piece is what decoding
 * gains when the token follows another. Part of a character is U+FFFD. */
#include "pieces.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

phial_status pieces_decode(const phial_tokenizer *t, const phial_token *tokens,
                           size_t n, char **bytes, size_t *len)
{
    size_t need = 0;
    phial_status status = phial_tokenizer_decode(
        t, tokens, n, PHIAL_TEXT_SPECIAL, NULL, 0, &need);

    if (status < 0 && status != PHIAL_E_BUFFER)
        return status;
    *bytes = must_alloc(need + 1, 1);
    return phial_tokenizer_decode(t, tokens, n, PHIAL_TEXT_SPECIAL, *bytes,
                                  need, len);
}

static phial_status piece(const phial_tokenizer *t, phial_token token,
                          char **bytes, size_t *len)
{
    const phial_token pair[2] = {token, token};
    char *one = NULL;
    char *two = NULL;
    size_t n_one = 0;
    size_t n_two = 0;
    phial_status status = pieces_decode(t, pair, 1, &one, &n_one);

    if (status >= 0)
        status = pieces_decode(t, pair, 2, &two, &n_two);
    if (status >= 0) {
        *len = n_two - n_one;
        *bytes = must_alloc(*len + 1, 1);
        memcpy(*bytes, two + n_one, *len);
    }
    free(one);
    free(two);
    return status;
}

/* In JSON's notation, so that spaces and newlines can be seen. */
static void print_quoted(const char *text, size_t len)
{
    json_t *json = json_text(text, len);
    char *dump = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

    if (dump)
        output_text(dump, strlen(dump));
    putchar('\n');
    free(dump);
    json_decref(json);
}

int pieces_print(const phial_tokenizer *t, const phial_token *tokens, size_t n)
{
    for (size_t i = 0; i < n && output_flush(); i++) {
        char *bytes = NULL;
        size_t len = 0;
        phial_status status = piece(t, tokens[i], &bytes, &len);

        if (status < 0)
            return library_error(status);
        printf("%6d  ", (int)tokens[i]);
        print_quoted(bytes, len);
        free(bytes);
    }
    return CLI_OK;
}

int pieces_json(const phial_tokenizer *t, const phial_token *tokens, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        char *bytes = NULL;
        size_t len = 0;
        phial_status status = piece(t, tokens[i], &bytes, &len);

        if (status < 0) {
            json_decref(list);
            return library_error(status);
        }
        json_array_append_new(list,
                              json_pack("{s:i, s:o}", "id", (int)tokens[i],
                                        "text", json_text(bytes, len)));
        free(bytes);
    }
    return output_json(
        json_pack("{s:I, s:o}", "count", (json_int_t)n, "tokens", list));
}
