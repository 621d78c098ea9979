/* SPDX-License-Identifier: MIT
 * From settings to a model and a session. */
#include "loading.h"
#include "progress.h"
#include "terminal.h"

#include <stdlib.h>

static void on_log(void *user, int32_t level, const char *line)
{
    (void)user;
    (void)level;
    complain("%s", line);
}

static int32_t on_progress(void *user, float fraction)
{
    (void)user;
    progress_update((double)fraction);
    return interrupt_seen();
}

phial_model_options load_model_options(const settings *s)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);

    o.flags = s->verify ? PHIAL_MODEL_VERIFY : 0;
    o.n_threads = (uint32_t)s->threads;
    o.isa = s->isa;
    o.weight_format = s->weight_format;
    o.log_level = s->log_level;
    o.log = on_log;
    o.progress = on_progress;
    o.cache_limit = s->cache_limit << 20;
    return o;
}

phial_session_options load_session_options(const settings *s)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);

    o.n_context = (uint32_t)s->context;
    o.cache_format = s->cache;
    o.rope = s->rope;
    return o;
}

int load_model(const settings *s, phial_model **model, double *seconds)
{
    phial_model_options options = load_model_options(s);
    double start = clock_seconds();
    phial_status status;

    interrupt_catch(NULL, true);
    progress_begin("loading the model");
    status = phial_model_open(s->model, &options, model);
    progress_clear();
    interrupt_release();
    if (seconds)
        *seconds = clock_seconds() - start;
    return status < 0 ? model_error(status) : CLI_OK;
}

phial_status load_sampling(const settings *s, phial_session *session)
{
    phial_sampling o = PHIAL_INIT(phial_sampling);

    if (s->seed != SEED_NOT_GIVEN) {
        o.flags = PHIAL_SAMPLING_SEEDED;
        o.seed = s->seed;
    }
    if (s->ignore_eos)
        o.flags |= PHIAL_SAMPLING_IGNORE_EOS;
    o.temperature = (float)s->temperature;
    o.top_p = (float)s->top_p;
    o.min_p = (float)s->min_p;
    o.repeat_penalty = (float)s->repeat_penalty;
    o.presence_penalty = (float)s->presence_penalty;
    o.frequency_penalty = (float)s->frequency_penalty;
    o.top_k = (uint32_t)s->top_k;
    o.max_tokens = s->max_tokens;
    o.stop = s->stop.items;
    o.n_stop = s->stop.n;
    o.bias_tokens = s->bias.tokens;
    o.bias_values = s->bias.values;
    o.n_bias = s->bias.n;
    return phial_session_set_sampling(session, &o);
}

/* Of a prompt, or of all once more in the middle of an answer. */
static int32_t on_reading(void *user, float fraction)
{
    (void)user;
    if (fraction == 0)
        progress_begin_behind("reading");
    progress_update((double)fraction);
    if (fraction == 1)
        progress_clear();
    return 0;
}

int load_adapters(const settings *s, const phial_model *model, adapter_set *set)
{
    *set = (adapter_set){.scales = s->adapters.scales};
    set->adapters = must_alloc(s->adapters.n + 1, sizeof *set->adapters);
    while (set->n < s->adapters.n) {
        const phial_status status = phial_adapter_open(
            model, s->adapters.paths[set->n], &set->adapters[set->n]);

        if (status < 0)
            return model_error(status);
        set->n++;
    }
    return CLI_OK;
}

void adapters_free(adapter_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        phial_adapter_free(set->adapters[i]);
    free(set->adapters);
    *set = (adapter_set){0};
}

phial_status adapters_give(const adapter_set *set, phial_session *session)
{
    return phial_session_set_adapters(
        session, (const phial_adapter *const *)set->adapters, set->scales,
        set->n);
}

int load_session(const settings *s, const phial_model *model,
                 const adapter_set *set, bool watched, phial_session **session)
{
    phial_session_options options = load_session_options(s);
    phial_session *made = NULL;
    phial_status status;

    options.progress = watched ? on_reading : NULL;
    status = phial_session_new(model, &options, &made);
    if (status >= 0)
        status = adapters_give(set, made);
    if (status >= 0)
        status = load_sampling(s, made);
    if (status < 0) {
        phial_session_free(made);
        return library_error(status);
    }
    *session = made;
    return CLI_OK;
}
