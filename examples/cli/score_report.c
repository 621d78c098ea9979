/* SPDX-License-Identifier: MIT
 * What phial score prints. */
#include "output.h"
#include "pieces.h"
#include "progress.h"
#include "score.h"
#include "terminal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void score_time_left(char *buf, size_t cap, double done, double all,
                     double seconds)
{
    const double left = done > 0 ? seconds * (all - done) / done : 0;
    const unsigned long long n = (unsigned long long)(left + 0.5);

    if (n >= 3600)
        snprintf(buf, cap, "%llu:%02llu:%02llu", n / 3600, n / 60 % 60, n % 60);
    else
        snprintf(buf, cap, "%llu:%02llu", n / 60, n % 60);
}

void score_show_progress(const score_run *run)
{
    const size_t n = run->scored.n;
    const double n_models = run->reference.model ? 2 : 1;
    const double seconds = clock_seconds() - run->began;
    char left[32], line[160];

    if (!terminal_errors() || !n)
        return;
    score_time_left(left, sizeof left, (double)run->n_read,
                    (double)run->windows.n_read * n_models, seconds);
    snprintf(line, sizeof line,
             "%zu/%zu tokens scored, perplexity %.4g, %.1f tokens/s, %s left",
             n, run->windows.n_scored, exp(run->sum / (double)n),
             seconds > 0 ? (double)n / seconds : 0, left);
    progress_line(line);
}

/* JSON has no NaN and no infinity. */
static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

int score_print_token(const score_run *run, const phial_tokenizer *t,
                      size_t index, size_t i)
{
    const score_tokens *s = &run->scored;
    const phial_token token = run->text.tokens[index];
    char *bytes = NULL;
    size_t len = 0;
    json_t *line;
    phial_status status = pieces_decode(t, &token, 1, &bytes, &len);

    if (status < 0)
        return library_error(status);
    line = must_json(json_pack(
        "{s:I, s:i, s:o, s:o}", "index", (json_int_t)index, "token", (int)token,
        "text", json_text(bytes, len), "logprob", number(-s->nll[i])));
    free(bytes);
    if (run->reference.model) {
        json_object_set_new(line, "reference_logprob",
                            must_json(number(-s->reference[i])));
        json_object_set_new(line, "kl", must_json(number(s->kl[i])));
        json_object_set_new(line, "same_top", json_boolean(s->same_top[i] > 0));
    }
    return output_json(line);
}

static json_t *reference_json(const score_figures *f)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "perplexity", number(f->reference.value), "perplexity_error",
        number(f->reference.error), "ratio", number(f->ratio.value),
        "ratio_error", number(f->ratio.error), "kl", number(f->kl.value),
        "kl_error", number(f->kl.error), "kl_median", number(f->kl_median),
        "kl_99", number(f->kl_99), "kl_99_9", number(f->kl_99_9), "kl_max",
        number(f->kl_max), "same_top", number(f->same_top.value),
        "same_top_error", number(f->same_top.error));
}

static int print_json(const score_run *run, const score_figures *f)
{
    const score_windows *w = &run->windows;
    json_t *json = must_json(json_pack(
        "{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}",
        "tokens", (json_int_t)run->text.n, "scored", (json_int_t)run->scored.n,
        "windows", (json_int_t)w->n, "context", (json_int_t)w->context,
        "stride", w->stride ? json_integer((json_int_t)w->stride) : json_null(),
        "nll", number(f->nll.value), "nll_error", number(f->nll.error),
        "nll_error_by_windows", number(f->error_by_windows), "perplexity",
        number(f->perplexity.value), "perplexity_error",
        number(f->perplexity.error), "bits_per_byte", number(f->bits_per_byte),
        "interrupted", run->interrupted));

    if (run->reference.model)
        json_object_set_new(json, "reference", must_json(reference_json(f)));
    return output_json(json);
}

static void print_figure(const char *name, int decimals, double value,
                         double error, const char *more)
{
    printf("%-14s%.*f", name, decimals, value);
    if (!isnan(error))
        printf(" +- %.*f", decimals, error);
    printf("%s\n", more);
}

static void print_reference(const score_figures *f)
{
    print_figure("reference", 4, f->reference.value, f->reference.error,
                 " perplexity");
    print_figure("ratio", 5, f->ratio.value, f->ratio.error,
                 " of perplexities");
    print_figure("divergence", 6, f->kl.value, f->kl.error,
                 " mean KL(reference || model)");
    printf("%-14s%.6f median, %.6f 99 %%, %.6f 99.9 %%, %.6f largest\n", "",
           f->kl_median, f->kl_99, f->kl_99_9, f->kl_max);
    print_figure("same top", 3, 100 * f->same_top.value,
                 100 * f->same_top.error, " %");
}

static int print_text(const score_run *run, const score_figures *f)
{
    const score_windows *w = &run->windows;
    char more[64] = "";

    printf("%-14s%zu scored of %zu, windows of %zu", "tokens", run->scored.n,
           run->text.n, w->context);
    if (w->stride)
        printf(" every %zu\n", w->stride);
    else
        printf(", llama-perplexity's rule\n");
    if (!isnan(f->error_by_windows))
        snprintf(more, sizeof more, " (%.5f by windows)", f->error_by_windows);
    print_figure("mean NLL", 5, f->nll.value, f->nll.error, more);
    print_figure("perplexity", 4, f->perplexity.value, f->perplexity.error, "");
    print_figure("bits per byte", 4, f->bits_per_byte, NAN, "");
    if (run->reference.model)
        print_reference(f);
    return output_flush() ? CLI_OK : CLI_FAILED;
}

int score_print(const score_run *run)
{
    score_figures f;
    int code = CLI_OK;

    if (run->interrupted)
        complain("interrupted: %zu of %zu tokens are scored%s", run->scored.n,
                 run->windows.n_scored,
                 run->scored.n ? "; the figures are of those" : "");
    if (run->scored.n) {
        f = score_sum_up(run);
        code = run->s->json ? print_json(run, &f) : print_text(run, &f);
    }
    return code != CLI_OK || !run->interrupted ? code : CLI_INTERRUPTED;
}
