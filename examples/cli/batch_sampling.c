/* SPDX-License-Identifier: MIT
 * The fields of a request about the choice of tokens. Each is an option of the
 * command line by OpenAI's name for it, and the option's range is the field's.
 */
#include "batch_request.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

typedef struct field {
    const char *key;
    const char *option;
    double min; /* where more than the option's least is wanted: what is off
                   there would mean something else in OpenAI's API */
} field;

static const field fields[] = {
    {"temperature", "temp", 0},
    {"top_p", "top-p", 1e-6},
    {"top_k", "top-k", 0},
    {"min_p", "min-p", 0},
    {"repeat_penalty", "repeat-penalty", 0},
    {"presence_penalty", "presence-penalty", -100},
    {"frequency_penalty", "frequency-penalty", -100},
    {"seed", "seed", 0},
    {"logit_bias", "bias", -1000},
    {"stop", "stop", 0},
    {"ignore_eos", "ignore-eos", 0},
    {"max_tokens", "max-tokens", 1},
    {"max_completion_tokens", "max-tokens", 1},
};

static const option *find_option(const char *name)
{
    for (size_t i = 0; i < sampling_options.n; i++)
        if (!strcmp(sampling_options.options[i].name, name))
            return &sampling_options.options[i];
    return NULL;
}

static void store_real(const field *f, const option *opt, const json_t *value,
                       double *out, batch_error *error)
{
    const double min = f->min > opt->min ? f->min : opt->min;
    const double x = json_number_value(value);

    if (!json_is_number(value) || !(x >= min && x <= opt->max))
        batch_fail(error, "invalid_request",
                   "\"%s\" is not a number from %g to %g", f->key, min,
                   opt->max);
    else
        *out = x;
}

static void store_count(const field *f, const option *opt, const json_t *value,
                        uint64_t *out, batch_error *error)
{
    const double min = f->min > opt->min ? f->min : opt->min;
    const json_int_t n = json_integer_value(value);

    if (!json_is_integer(value) || (double)n < min || (double)n > opt->max)
        batch_fail(error, "invalid_request",
                   "\"%s\" is not a whole number from %.0f to %.0f", f->key,
                   min, opt->max);
    else
        *out = (uint64_t)n;
}

/* One text or an array of them; they stay those of the document. */
static void store_stop(const json_t *value, text_list *out, batch_error *error)
{
    const size_t n = json_is_array(value) ? json_array_size(value) : 1;

    out->items = must_alloc(n, sizeof *out->items);
    out->n = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *item =
            json_is_array(value) ? json_array_get(value, i) : value;

        if (!json_string_length(item)) {
            batch_fail(error, "invalid_request",
                       "\"stop\" is neither a text nor an array of texts, of "
                       "which none is empty");
            return;
        }
        out->items[out->n++] = json_string_value(item);
    }
}

/* Only digits are a token id. */
static bool parse_id(const char *text, phial_token *out)
{
    const size_t len = strlen(text);
    unsigned long long id;

    if (!len || len > 10 || strspn(text, "0123456789") != len)
        return false;
    id = strtoull(text, NULL, 10);
    *out = (phial_token)id;
    return id <= INT32_MAX;
}

static void store_bias(const option *opt, json_t *value, bias_list *out,
                       batch_error *error)
{
    const size_t n = json_object_size(value);
    const char *key;
    json_t *item;

    out->tokens = must_alloc(n, sizeof *out->tokens);
    out->values = must_alloc(n, sizeof *out->values);
    out->n = 0;
    json_object_foreach(value, key, item)
    {
        const double x = json_number_value(item);

        if (!parse_id(key, &out->tokens[out->n]) || !json_is_number(item) ||
            !(x >= opt->min && x <= opt->max)) {
            batch_fail(error, "invalid_request",
                       "\"logit_bias\": \"%.40s\" is not a token id with a "
                       "number from %g to %g",
                       key, opt->min, opt->max);
            return;
        }
        out->values[out->n++] = (float)x;
    }
    if (!json_is_object(value))
        batch_fail(error, "invalid_request",
                   "\"logit_bias\" is not an object of token ids and numbers");
}

static void store(const field *f, settings *own, const json_t *value,
                  batch_error *error)
{
    const option *opt = find_option(f->option);
    void *to = (char *)own + opt->field;

    switch (opt->kind) {
    case OPTION_REAL:
        store_real(f, opt, value, to, error);
        break;
    case OPTION_COUNT:
        store_count(f, opt, value, to, error);
        break;
    case OPTION_LIST:
        store_stop(value, to, error);
        break;
    case OPTION_BIAS:
        store_bias(opt, (json_t *)value, to, error);
        break;
    default:
        *(bool *)to = json_is_true(value);
        if (!json_is_boolean(value))
            batch_fail(error, "invalid_request",
                       "\"%s\" is neither true nor false", f->key);
    }
}

bool sampling_field(settings *own, const char *key, const json_t *value,
                    batch_error *error)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!strcmp(fields[i].key, key)) {
            store(&fields[i], own, value, error);
            return true;
        }
    return false;
}

void sampling_free(settings *own, const settings *base)
{
    if (own->stop.items != base->stop.items)
        free(own->stop.items);
    if (own->bias.tokens != base->bias.tokens) {
        free(own->bias.tokens);
        free(own->bias.values);
    }
}
