/* SPDX-License-Identifier: MIT
 * Measures loading, prefill and decoding. Each run opens the model anew; the
 * file is then in the page cache, except perhaps for the first run. Prompts
 * are tokens spread over the vocabulary, and an answer never ends early, so
 * the work depends on the settings alone. */
#include "bench_runs.h"
#include "answer.h"
#include "loading.h"
#include "progress.h"
#include "terminal.h"

#include <stdlib.h>
#include <sys/resource.h>

static void add(bench_series *series, double value)
{
    size_t i = series->n++;

    /* kept in order, for the median */
    while (i > 0 && series->values[i - 1] > value) {
        series->values[i] = series->values[i - 1];
        i--;
    }
    series->values[i] = value;
}

double bench_median(const bench_series *series)
{
    size_t n = series->n;

    return (series->values[(n - 1) / 2] + series->values[n / 2]) / 2;
}

double bench_low(const bench_series *series)
{
    return series->values[0];
}

double bench_high(const bench_series *series)
{
    return series->values[series->n - 1];
}

static uint64_t peak_resident(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage))
        return 0;
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

static phial_status queue_prompt(const settings *s, const phial_model *model,
                                 phial_session *session)
{
    phial_model_info info = PHIAL_INIT(phial_model_info);
    size_t n = (size_t)s->n_prompt;
    phial_token *tokens;
    phial_status status = phial_model_get_info(model, &info);

    if (status < 0)
        return status;
    tokens = must_alloc(n, sizeof *tokens);
    for (size_t i = 0; i < n; i++)
        tokens[i] = (phial_token)((i * 7919 + 17) % info.n_vocab);
    status = phial_session_add_tokens(session, tokens, n);
    free(tokens);
    return status;
}

static phial_status prefill(const settings *s, phial_session *session,
                            bench_result *out)
{
    size_t left = 0;
    double start = clock_seconds();
    phial_status status;

    status = phial_session_prefill(session, (size_t)s->n_prompt, &left);
    if (status >= 0)
        add(&out->prefill, (double)s->n_prompt / (clock_seconds() - start));
    return status;
}

static phial_status decode(const settings *s, phial_session *session,
                           bench_result *out)
{
    phial_sampling sampling = PHIAL_INIT(phial_sampling);
    phial_stats stats = PHIAL_INIT(phial_stats);
    phial_status status;

    sampling.flags = PHIAL_SAMPLING_IGNORE_EOS;
    sampling.max_tokens = s->n_decode;
    status = phial_session_set_sampling(session, &sampling);
    while (status == PHIAL_OK) {
        phial_event event = PHIAL_INIT(phial_event);

        status = phial_session_next(session, &event);
    }
    if (status >= 0)
        status = phial_session_get_stats(session, &stats);
    if (status >= 0)
        add(&out->decode, answer_decode_speed(&stats));
    return status;
}

static int measure_session(const settings *s, const phial_model *model,
                           phial_session *session, bench_result *out)
{
    phial_status status = queue_prompt(s, model, session);

    interrupt_catch(session, true);
    progress_begin("measuring");
    if (status >= 0)
        status = prefill(s, session, out);
    if (status >= 0)
        status = decode(s, session, out);
    progress_clear();
    interrupt_release();
    return status < 0 ? library_error(status) : CLI_OK;
}

static int measure_once(const settings *s, bench_result *out)
{
    phial_model_info info = PHIAL_INIT(phial_model_info);
    phial_model *model = NULL;
    phial_session *session = NULL;
    double seconds = 0;
    int code = load_model(s, &model, &seconds);

    if (code == CLI_OK) {
        add(&out->load, seconds);
        phial_model_get_info(model, &info);
        out->n_threads = info.n_threads;
        code = load_session(s, model, &session);
    }
    if (code == CLI_OK)
        code = measure_session(s, model, session, out);
    phial_session_free(session);
    phial_model_free(model);
    return code;
}

int bench_measure(const settings *s, bench_result *out)
{
    int code = CLI_OK;

    for (uint64_t i = 0; i < s->repeat && code == CLI_OK; i++)
        code = measure_once(s, out);
    out->peak_bytes = peak_resident();
    return code;
}
