/* SPDX-License-Identifier: MIT
 * phial batch: a file of requests, answered side by side. */
#include "batch_run.h"
#include "loading.h"
#include "options.h"
#include "terminal.h"

/* Bytes of the longest line of requests. */
enum { LONGEST_LINE = 16 << 20 };

static void check_usage(const settings *s)
{
    if (!s->text)
        usage_error(s->cmd, "the file of requests is missing; \"-\" reads "
                            "standard input");
    if (!s->output_file)
        usage_error(s->cmd, "--output is missing: where the results go, \"-\" "
                            "for standard output");
    if (s->resume && s->output_file[0] == '-' && !s->output_file[1])
        usage_error(s->cmd, "--resume needs a file to go on with, not "
                            "standard output");
}

/* Files are opened and read before the model, which takes longer. */
static int prepare(batch *b)
{
    int code = lines_open(b->s->text, LONGEST_LINE, &b->in);

    if (code == CLI_OK)
        code = results_open(b->s, &b->out);
    if (code == CLI_OK)
        code = resume_read(&b->out, &b->done);
    if (code == CLI_OK && terminal_errors() && !b->s->quiet)
        b->n_lines = lines_count(&b->in);
    return code;
}

static int run_with(batch *b)
{
    phial_model *model = NULL;
    int code = load_model(b->s, &model, NULL);

    if (code == CLI_OK)
        code = load_adapters(b->s, model, &b->adapters);
    if (code == CLI_OK) {
        b->model = model;
        code = batch_run(b);
        if (code != CLI_FAILED)
            report_totals(b);
    }
    adapters_free(&b->adapters);
    phial_model_free(model);
    if (code == CLI_OK && b->done.n_failed + b->n_failed)
        code = CLI_FAILED;
    return code;
}

static int run(const settings *s)
{
    batch b = {.s = s, .out = {.fd = -1}, .seen = json_object()};
    int code;

    check_usage(s);
    code = prepare(&b);
    if (code == CLI_OK)
        code = run_with(&b);
    results_close(&b.out, code == CLI_OK);
    lines_close(&b.in);
    resume_free(&b.done);
    json_decref(b.seen);
    return code;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"output", OPTION_TEXT, FIELD(output_file), "FILE",
     "where the results go, \"-\" for standard output; must not exist yet "
     "without --resume",
     0, 0, 'o'},
    {"resume", OPTION_FLAG, FIELD(resume), NULL,
     "go on with FILE: do the requests that it has no result of", 0, 0, 0},
    {"in-order", OPTION_FLAG, FIELD(in_order), NULL,
     "results in the order of the requests instead of as they are ready", 0, 0,
     0},
    {"parallel", OPTION_COUNT, FIELD(parallel), "N",
     "requests to compute at once; the results are the same (default 8)", 1,
     1024, 'p'},
    {"cache-limit", OPTION_COUNT, FIELD(cache_limit), "MIB",
     "memory for the keys and values of all requests together; what does not "
     "fit waits; 0: no limit (default 0)",
     0, 1e9, 0},
    {"times", OPTION_FLAG, FIELD(times), NULL,
     "add what differs from run to run: when a request was done, the seconds "
     "it took, and how much of its prompt was cached",
     0, 0, 0},
    {"quiet", OPTION_FLAG, FIELD(quiet), NULL,
     "no progress and no totals on standard error", 0, 0, 'q'},
};
static const option_group batch_options = OPTION_GROUP("Batch", table);
static const option_group *const groups[] = {
    &batch_options,   &sampling_options, &session_options,
    &adapter_options, &model_options,    NULL};

const command command_batch = {
    "batch",
    "MODEL IN.jsonl|-",
    1,
    2,
    "answer a file of requests side by side",
    "Answers many requests at once and writes a line for each. A line of "
    "IN.jsonl is a request of OpenAI's batch format, or its body alone, which "
    "then goes by the line's number. The options under Sampling hold for "
    "requests that do not say otherwise.",
    groups,
    run};
