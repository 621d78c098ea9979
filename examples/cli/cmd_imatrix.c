/* SPDX-License-Identifier: MIT
 * phial imatrix: what of its weights a model uses on a text. */
#include "input.h"
#include "loading.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check_usage(const settings *s)
{
    if (!s->text)
        usage_error(s->cmd,
                    "the text is missing: a file, or \"-\" for standard input");
    if (!s->output_file)
        usage_error(s->cmd, "--output is missing: where the matrix goes");
}

/* A text takes long to read, so that nothing is overwritten unasked. */
static bool may_write(const settings *s)
{
    if (s->force || access(s->output_file, F_OK))
        return true;
    complain("%s exists; --force overwrites it", s->output_file);
    return false;
}

static int32_t on_progress(void *user, float fraction)
{
    (void)user;
    progress_update((double)fraction);
    return interrupt_seen();
}

/* The file says of the text no more than its name. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int report(const settings *s, double seconds)
{
    if (s->json)
        return output_json(
            json_pack("{s:o, s:f}", "file",
                      json_text(s->output_file, strlen(s->output_file)),
                      "seconds", seconds));
    output_text(s->output_file, strlen(s->output_file));
    printf(": written in %.1f s\n", seconds);
    return CLI_OK;
}

static int compute(const settings *s, const phial_model *model, const text *in)
{
    phial_imatrix_options o = PHIAL_INIT(phial_imatrix_options);
    const double start = clock_seconds();
    phial_status status;

    o.n_context = (uint32_t)s->context;
    o.flags = s->special ? PHIAL_TEXT_SPECIAL : 0;
    o.max_windows = (uint32_t)s->chunks;
    o.dataset = name_of(s->text);
    o.progress = on_progress;
    interrupt_catch(NULL, true);
    progress_begin("reading the text");
    status = phial_model_imatrix(model, in->data, in->len, s->output_file, &o);
    progress_clear();
    interrupt_release();
    if (status == PHIAL_E_CANCELLED)
        return CLI_INTERRUPTED;
    return status < 0 ? library_error(status)
                      : report(s, clock_seconds() - start);
}

static int imatrix(const settings *s)
{
    phial_model *model = NULL;
    text in;
    int code;

    check_usage(s);
    if (!may_write(s))
        return CLI_FAILED;
    code = input_read(s->text, &in);
    if (code != CLI_OK)
        return code;
    code = load_model(s, &model, NULL);
    if (code == CLI_OK)
        code = compute(s, model, &in);
    phial_model_free(model);
    free(in.data);
    return code;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"output", OPTION_TEXT, FIELD(output_file), "FILE.gguf",
     "where the matrix goes", 0, 0, 'o'},
    {"context", OPTION_COUNT, FIELD(context), "N",
     "tokens of a window; 0: 512, or what the model allows (default 0)", 0,
     4294967295.0, 'c'},
    {"chunks", OPTION_COUNT, FIELD(chunks), "N",
     "windows to read; 0: all of the text (default 0)", 0, 4294967295.0, 0},
    {"special", OPTION_FLAG, FIELD(special), NULL,
     "read control tokens such as <|end|> in the text", 0, 0, 0},
    {"force", OPTION_FLAG, FIELD(force), NULL, "overwrite the file", 0, 0, 'f'},
    {"json", OPTION_FLAG, FIELD(json), NULL, "print one JSON object", 0, 0, 0},
};
static const option_group imatrix_options = OPTION_GROUP("Matrix", table);
static const option_group *const groups[] = {&imatrix_options, &model_options,
                                             NULL};

const command command_imatrix = {
    "imatrix",
    "MODEL FILE|-",
    1,
    2,
    "measure which weights a model uses on a text",
    "Reads a text with the model, in windows side by side, and writes how much "
    "the columns of each matrix are used: an importance matrix, in the format "
    "of llama-imatrix. With it quantize --imatrix loses less.",
    groups,
    imatrix};
