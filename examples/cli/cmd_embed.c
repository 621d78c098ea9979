/* SPDX-License-Identifier: MIT
 * phial embed: texts to vectors, a line each. */
#include "batch_lines.h"
#include "loading.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>

enum { LONGEST_LINE = 16 << 20 };

typedef struct embedder {
    const settings *s;
    line_reader in;
    phial_model *model;
    float *vector;
    size_t n; /* of the vector */
    uint64_t n_done;
    json_t *all; /* vectors, with --json */
} embedder;

/* 9 digits give every float back. */
static int print_vector(const embedder *e)
{
    for (size_t i = 0; i < e->n; i++)
        printf("%s%.9g", i ? "," : "[", (double)e->vector[i]);
    puts("]");
    return output_flush() ? CLI_OK : CLI_FAILED;
}

static void append(json_t *list, json_t *item)
{
    if (json_array_append_new(list, item))
        must_json(NULL);
}

static int keep_vector(embedder *e)
{
    json_t *list = must_json(json_array());

    for (size_t i = 0; i < e->n; i++)
        append(list, json_real((double)e->vector[i]));
    append(e->all, list);
    return CLI_OK;
}

static int refuse_line(const embedder *e, uint64_t number, const char *why)
{
    complain("%s: line %llu %s", e->in.name, (unsigned long long)number, why);
    return CLI_FAILED;
}

/* A line that is left out would shift the vectors of all that follow. */
static int embed_line(embedder *e, line_state state, const text_line *line)
{
    phial_status status;

    if (e->in.number != e->n_done + 1)
        return refuse_line(e, e->n_done + 1, "is empty, expected a text");
    if (state == LINE_LONG)
        return refuse_line(e, e->in.number, "is longer than 16 MiB");
    status =
        phial_model_embed(e->model, line->text, line->len,
                          e->s->pool + PHIAL_POOL_MEAN, e->vector, e->n, &e->n);
    if (status < 0) {
        progress_clear();
        complain("%s: line %llu: %s", e->in.name,
                 (unsigned long long)e->in.number, phial_last_error());
        return CLI_FAILED;
    }
    e->n_done++;
    return e->all ? keep_vector(e) : print_vector(e);
}

static int embed_all(embedder *e)
{
    text_line line;
    line_state state;
    int code = CLI_OK;

    while (code == CLI_OK) {
        state = lines_next(&e->in, true, &line);
        if (interrupt_seen())
            code = CLI_INTERRUPTED;
        else if (state == LINE_FAILED)
            code = CLI_FAILED;
        else if (state == LINE_READY || state == LINE_LONG)
            code = embed_line(e, state, &line);
        if (state == LINE_END)
            break;
    }
    return code;
}

static int open_and_embed(embedder *e)
{
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_status status;
    int code = load_model(e->s, &e->model, NULL);

    if (code != CLI_OK)
        return code;
    status = phial_model_get_info(e->model, &info);
    if (status < 0)
        return library_error(status);
    e->n = info.n_embedding;
    e->vector = must_alloc(e->n, sizeof *e->vector);
    e->all = e->s->json ? must_json(json_array()) : NULL;
    interrupt_catch(NULL, true);
    code = embed_all(e);
    interrupt_release();
    if (code == CLI_OK && e->all)
        code = output_json(
            json_pack("{s:s, s:I, s:O}", "pool", e->s->pool ? "last" : "mean",
                      "n_embedding", (json_int_t)e->n, "embeddings", e->all));
    return code;
}

static int embed(const settings *s)
{
    embedder e = {.s = s};
    int code;

    if (!s->text && terminal_input())
        usage_error(s->cmd, "the texts are missing: a file, or \"-\" for "
                            "standard input");
    code = lines_open(s->text ? s->text : "-", LONGEST_LINE, &e.in);
    if (code != CLI_OK)
        return code;
    code = open_and_embed(&e);
    json_decref(e.all);
    free(e.vector);
    phial_model_free(e.model);
    lines_close(&e.in);
    return code;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"pool", OPTION_CHOICE, FIELD(pool), "mean|last",
     "the mean over the hidden states of all tokens, or the last one's "
     "(default mean)",
     0, 0, 0},
    {"json", OPTION_FLAG, FIELD(json), NULL,
     "print one JSON object with all vectors", 0, 0, 0},
};
static const option_group embed_options = OPTION_GROUP("Embedding", table);
static const option_group *const groups[] = {&embed_options, &model_options,
                                             NULL};

const command command_embed = {
    "embed",
    "MODEL [FILE|-]",
    1,
    2,
    "turn texts into vectors",
    "Reads a text from each line and prints its vector of length 1 as a line "
    "of "
    "JSON, an array: the model's hidden states behind the final norm. Texts "
    "that "
    "mean much the same have vectors whose product is large, as far as a model "
    "that was made to speak can tell. Without FILE, or with \"-\", the texts "
    "are "
    "read from standard input.",
    groups,
    embed};
