/* SPDX-License-Identifier: MIT
 * phial tokenize: text to tokens and back. */
#include "input.h"
#include "loading.h"
#include "options.h"
#include "output.h"
#include "pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls encode twice: for the count, then for the tokens. */
static phial_status encode(const settings *s, const phial_tokenizer *t,
                           const text *in, phial_token **tokens, size_t *n)
{
    uint32_t flags =
        (s->special ? PHIAL_TEXT_SPECIAL : 0u) | (s->bos ? PHIAL_TEXT_BOS : 0u);
    phial_status status =
        phial_tokenizer_encode(t, in->data, in->len, flags, NULL, 0, n);

    if (status != PHIAL_E_BUFFER)
        return status;
    *tokens = must_alloc(*n, sizeof **tokens);
    return phial_tokenizer_encode(t, in->data, in->len, flags, *tokens, *n, n);
}

static int print_tokens(const settings *s, const phial_tokenizer *t,
                        const phial_token *tokens, size_t n)
{
    if (s->count && s->json)
        return output_json(json_pack("{s:I}", "count", (json_int_t)n));
    if (s->count)
        return printf("%zu\n", n), CLI_OK;
    return s->json ? pieces_json(t, tokens, n) : pieces_print(t, tokens, n);
}

static int encode_and_print(const settings *s, const phial_tokenizer *t)
{
    phial_token *tokens = NULL;
    size_t n = 0;
    phial_status status;
    text in;
    int code = input_operand(s, "the text", &in);

    if (code != CLI_OK)
        return code;
    status = encode(s, t, &in, &tokens, &n);
    free(in.data);
    code = status < 0 ? library_error(status) : print_tokens(s, t, tokens, n);
    free(tokens);
    return code;
}

/* Ids with commas or spaces between them. Nothing has been opened yet. */
static void check_ids(const settings *s)
{
    const char *at = s->decode_ids;

    for (at += strspn(at, ", "); *at; at += strspn(at, ", ")) {
        size_t len = strspn(at, "0123456789");
        unsigned long id = len && len < 11 ? strtoul(at, NULL, 10) : INT32_MAX;

        if (id >= INT32_MAX || (at[len] && !strchr(", ", at[len])))
            usage_error(s->cmd, "--decode: \"%.*s\" is not a token id",
                        (int)strcspn(at, ", "), at);
        at += len;
    }
}

/* Of text that check_ids() has passed. */
static size_t parse_ids(const char *at, phial_token *tokens)
{
    size_t n = 0;

    for (at += strspn(at, ", "); *at; at += strspn(at, ", ")) {
        tokens[n++] = (phial_token)strtoul(at, NULL, 10);
        at += strspn(at, "0123456789");
    }
    return n;
}

static int decode_and_print(const settings *s, const phial_tokenizer *t)
{
    phial_token *tokens = must_alloc(strlen(s->decode_ids) + 1, sizeof *tokens);
    size_t n = parse_ids(s->decode_ids, tokens);
    char *bytes = NULL;
    size_t len = 0;
    phial_status status = pieces_decode(t, tokens, n, &bytes, &len);
    int code = CLI_OK;

    if (status < 0) {
        code = library_error(status);
    } else if (s->json) {
        code = output_json(json_pack("{s:o}", "text", json_text(bytes, len)));
    } else {
        output_text(bytes, len);
        if (!len || bytes[len - 1] != '\n')
            putchar('\n');
    }
    free(bytes);
    free(tokens);
    return code;
}

static int tokenize(const settings *s)
{
    phial_tokenizer *t = NULL;
    phial_status status;
    int code;

    if (s->decode_ids && (s->text || s->count))
        usage_error(s->cmd, "--decode takes the ids itself: neither TEXT nor "
                            "--count go with it");
    if (s->decode_ids)
        check_ids(s);
    status = phial_tokenizer_open(s->model, &t);
    if (status < 0)
        return model_error(status);
    code = s->decode_ids ? decode_and_print(s, t) : encode_and_print(s, t);
    phial_tokenizer_free(t);
    return code;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"special", OPTION_FLAG, FIELD(special), NULL,
     "read control tokens such as <|end|> in the text", 0, 0, 0},
    {"bos", OPTION_FLAG, FIELD(bos), NULL,
     "begin with the model's BOS token, if it has one", 0, 0, 0},
    {"count", OPTION_FLAG, FIELD(count), NULL,
     "print only the number of tokens", 0, 0, 0},
    {"decode", OPTION_TEXT, FIELD(decode_ids), "IDS",
     "print the text of token ids, which are separated by commas or spaces", 0,
     0, 0},
    {"json", OPTION_FLAG, FIELD(json), NULL, "print one JSON object", 0, 0, 0},
};
static const option_group tokenize_options = OPTION_GROUP("Options", table);
static const option_group *const groups[] = {&tokenize_options, NULL};

const command command_tokenize = {
    "tokenize",
    "MODEL [TEXT|-]",
    1,
    2,
    "show the tokens of a text",
    "Prints the tokens of a text, one a line: the id and its piece of the "
    "text in quotes; part of a character is shown as U+FFFD. "
    "Without TEXT, or with \"-\", the text is read from standard input. Only "
    "the file's vocabulary is read.",
    groups,
    tokenize};
