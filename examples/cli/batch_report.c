/* SPDX-License-Identifier: MIT
 * What is said about a batch on standard error. */
#include "batch_run.h"
#include "progress.h"
#include "terminal.h"

#include <stdio.h>

/* Results, those of earlier runs included. */
static uint64_t n_results(const batch *b)
{
    return b->done.n + b->n_finished;
}

static double speed(const batch *b)
{
    const double seconds = clock_seconds() - b->began;

    return seconds > 0 ? (double)b->n_generated / seconds : 0;
}

void report_progress(const batch *b)
{
    char line[120];
    char of[32] = "";

    if (b->s->quiet || !terminal_errors())
        return;
    if (b->n_lines)
        snprintf(of, sizeof of, "/%llu", (unsigned long long)b->n_lines);
    snprintf(line, sizeof line, "%llu%s requests, %.1f tokens/s",
             (unsigned long long)n_results(b), of, speed(b));
    progress_line(line);
}

void report_totals(const batch *b)
{
    const uint64_t n_failed = b->done.n_failed + b->n_failed;

    progress_clear();
    if (!b->s->quiet)
        fprintf(stderr,
                "requests: %llu (%llu failed, %llu done before); prompts: %llu "
                "tokens (%llu reused); answers: %llu tokens, %.1f tokens/s\n",
                (unsigned long long)n_results(b), (unsigned long long)n_failed,
                (unsigned long long)b->done.n, (unsigned long long)b->n_prompt,
                (unsigned long long)b->n_reused,
                (unsigned long long)b->n_generated, speed(b));
    if (n_failed)
        complain("%llu of %llu requests failed; their lines in %s say why",
                 (unsigned long long)n_failed, (unsigned long long)n_results(b),
                 b->out.name);
}
