/* SPDX-License-Identifier: MIT
 * phial score: how likely a model finds a text. */
#include "input.h"
#include "options.h"
#include "output.h"
#include "score.h"

#include <stdlib.h>

static void check_usage(const settings *s)
{
    if (s->lines_file && s->text)
        usage_error(s->cmd, "--lines takes the place of FILE: give one of "
                            "them");
    if (s->lines_file && (s->reference || s->token_lines || s->stride ||
                          s->windows != WINDOWS_STRIDE))
        usage_error(s->cmd, "--lines scores each line as it is: --reference, "
                            "--tokens, --stride and --windows do not go with "
                            "it");
    if (!s->lines_file && !s->text)
        usage_error(s->cmd,
                    "the text is missing: a file, or \"-\" for standard input");
    if (s->token_lines && !s->json)
        usage_error(s->cmd, "--tokens is only for --json");
    if (s->stride && s->windows == WINDOWS_LLAMA)
        usage_error(s->cmd, "--stride does not go with --windows llama, whose "
                            "windows stand side by side");
}

static int check_text(const char *name, const text *in)
{
    const size_t good = utf8_prefix(in->data, in->len);

    if (!in->len) {
        complain("%s is empty: there is nothing to score", name);
        return CLI_FAILED;
    }
    if (good < in->len) {
        complain("%s is not valid UTF-8: byte %zu is 0x%02x", name, good,
                 (unsigned)(unsigned char)in->data[good]);
        return CLI_FAILED;
    }
    return CLI_OK;
}

static void free_run(score_run *run)
{
    score_close(&run->model);
    score_close(&run->reference);
    free(run->text.tokens);
    free(run->windows.items);
    free(run->scored.window);
    free(run->scored.nll);
    free(run->scored.reference);
    free(run->scored.kl);
    free(run->scored.same_top);
}

static size_t shorter_context(const score_run *run)
{
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_model_info other = PHIAL_INIT(phial_model_info);

    phial_model_get_info(run->model.model, &info);
    if (run->reference.model) {
        phial_model_get_info(run->reference.model, &other);
        if (other.n_context < info.n_context)
            return other.n_context;
    }
    return info.n_context;
}

static int score_text_of(const settings *s, const text *in)
{
    score_run run = {.s = s};
    int code = score_open(s, s->model, &run.model);

    if (code == CLI_OK && s->reference)
        code = score_open(s, s->reference, &run.reference);
    if (code == CLI_OK)
        code = score_tokenize(&run, in->data, in->len);
    if (code == CLI_OK)
        code = windows_make(s, &run.text, shorter_context(&run), &run.windows);
    if (code == CLI_OK)
        code = score_compute(&run);
    if (code == CLI_OK || run.interrupted)
        code = score_print(&run);
    free_run(&run);
    return code;
}

/* The text is read and judged before the model, which takes longer. */
static int score(const settings *s)
{
    text in;
    int code;

    check_usage(s);
    if (s->lines_file)
        return score_lines(s);
    code = input_read(s->text, &in);
    if (code != CLI_OK)
        return code;
    code = check_text(s->text[0] == '-' && !s->text[1] ? "the text" : s->text,
                      &in);
    if (code == CLI_OK)
        code = score_text_of(s, &in);
    free(in.data);
    return code;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"context", OPTION_COUNT, FIELD(context), "N",
     "tokens of a window; 0: what the model allows, but at most 2048, or 512 "
     "with --windows llama (default 0)",
     0, 4294967295.0, 'c'},
    {"stride", OPTION_COUNT, FIELD(stride), "N",
     "a window begins every N tokens; what two share is only context in the "
     "later one; 0: half a window (default 0)",
     0, 4294967295.0, 0},
    {"windows", OPTION_CHOICE, FIELD(windows), "stride|llama",
     "llama: windows side by side of which the second half is scored, as "
     "llama-perplexity does (default stride)",
     0, 0, 0},
    {"reference", OPTION_TEXT, FIELD(reference), "MODEL2",
     "compare with this model: Kullback-Leibler divergence, agreement, ratio "
     "of perplexities",
     0, 0, 'r'},
    {"lines", OPTION_TEXT, FIELD(lines_file), "FILE",
     "score the completions in a file of lines {\"prompt\": TEXT, "
     "\"completion\": TEXT}; \"-\" reads standard input",
     0, 0, 0},
    {"special", OPTION_FLAG, FIELD(special), NULL,
     "read control tokens such as <|end|> in the text", 0, 0, 0},
    {"bos", OPTION_CHOICE, FIELD(bos_mode), "auto|yes|no",
     "begin with the BOS token; auto does as the model's file says (default "
     "auto)",
     0, 0, 0},
    {"cache", OPTION_CHOICE, FIELD(cache), "auto|f32|f16|q8",
     "format of the cached keys and values (default auto)", 0, 0, 0},
    {"rope", OPTION_CHOICE, FIELD(rope), "auto|short|long",
     "rotary factors of LongRoPE models; auto does as the reference "
     "(default auto)",
     0, 0, 0},
    {"tokens", OPTION_FLAG, FIELD(token_lines), NULL,
     "with --json: a line for each token that is scored, before the last line",
     0, 0, 0},
    {"json", OPTION_FLAG, FIELD(json), NULL, "print one JSON object", 0, 0, 0},
};
static const option_group score_options = OPTION_GROUP("Scoring", table);
static const option_group *const groups[] = {&score_options, &adapter_options,
                                             &model_options, NULL};

const command command_score = {
    "score",
    "MODEL FILE|-",
    1,
    2,
    "measure how likely a model finds a text",
    "Prints the perplexity of a text with its standard error, read in windows "
    "that overlap; compares two models on it. With --lines it prints the log "
    "probability of each completion of a prompt, as JSON lines. Ctrl-C prints "
    "the figures of what was scored by then.",
    groups,
    score};
