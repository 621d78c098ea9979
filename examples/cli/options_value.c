/* SPDX-License-Identifier: MIT
 * The values of options: strict parsers that accept a whole word or nothing,
 * and say what they would have accepted. */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only digits: strtoull alone would take signs, spaces and, silently, what
 * does not fit. */
static bool parse_count(const char *text, uint64_t *out)
{
    char *end;

    if (!*text || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return !errno && !*end;
}

/* No hexadecimal, infinity or NaN. LC_NUMERIC is never set in this program,
 * so the decimal point is a point. */
static bool parse_real(const char *text, double *out)
{
    char *end;

    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    errno = 0;
    *out = strtod(text, &end);
    return !errno && end != text && !*end;
}

static void store_count(const command *cmd, const option *opt,
                        const char *value, uint64_t *out)
{
    uint64_t n;

    if (!parse_count(value, &n) || (double)n < opt->min || (double)n > opt->max)
        usage_error(cmd, "--%s: \"%s\" is not a whole number from %.0f to %.0f",
                    opt->name, value, opt->min, opt->max);
    *out = n;
}

static void store_real(const command *cmd, const option *opt, const char *value,
                       double *out)
{
    double x;

    if (!parse_real(value, &x) || x < opt->min || x > opt->max)
        usage_error(cmd, "--%s: \"%s\" is not a number from %g to %g",
                    opt->name, value, opt->min, opt->max);
    *out = x;
}

static void store_choice(const command *cmd, const option *opt,
                         const char *value, int32_t *out)
{
    const char *word = opt->value;

    for (int32_t i = 0; word; i++) {
        size_t len = strcspn(word, "|");

        if (strlen(value) == len && !strncmp(value, word, len)) {
            *out = i;
            return;
        }
        word = word[len] ? word + len + 1 : NULL;
    }
    usage_error(cmd, "--%s: \"%s\" is not one of %s", opt->name, value,
                opt->value);
}

/* The values of a list one by one, each as the option's kind without the list
 * would take it. */
static void store_numbers(const command *cmd, const option *opt,
                          const char *value, number_list *out)
{
    char item[32];
    size_t len;

    for (out->n = 0; out->n < NUMBER_LIST_MAX; value += len + 1) {
        len = strcspn(value, ",");
        snprintf(item, sizeof item, "%.*s", (int)len, value);
        if (len >= sizeof item)
            usage_error(cmd, "--%s: \"%s\" is too long", opt->name, value);
        if (opt->kind == OPTION_COUNTS) {
            store_count(cmd, opt, item, &out->items[out->n++]);
        } else {
            int32_t position;

            store_choice(cmd, opt, item, &position);
            out->items[out->n++] = (uint64_t)position;
        }
        if (!value[len])
            return;
    }
    usage_error(cmd, "--%s: more than %d values", opt->name, NUMBER_LIST_MAX);
}

static void store_bias(const command *cmd, const option *opt, const char *value,
                       bias_list *out)
{
    char id[16];
    size_t len = strcspn(value, "=");
    uint64_t token = 0;
    double bias = 0;
    bool ok = value[len] == '=' && len < sizeof id;

    if (ok) {
        memcpy(id, value, len);
        id[len] = 0;
        ok = parse_count(id, &token) && token <= INT32_MAX &&
             parse_real(value + len + 1, &bias) && bias >= opt->min &&
             bias <= opt->max;
    }
    if (!ok)
        usage_error(cmd,
                    "--%s: \"%s\" is not a token id, \"=\" and a number from "
                    "%g to %g",
                    opt->name, value, opt->min, opt->max);
    out->tokens[out->n] = (phial_token)token;
    out->values[out->n] = (float)bias;
    out->n++;
}

/* What stands behind the last "=" is the scale, so that a path with one in it
 * needs a scale too. where is what messages begin with. */
static void add_adapter(const command *cmd, const char *where,
                        const char *value, adapter_list *out)
{
    const char *equals = strrchr(value, '=');
    const size_t len = equals ? (size_t)(equals - value) : strlen(value);
    double scale = 1;
    char *path;

    if (!len || (equals && (!parse_real(equals + 1, &scale) ||
                            fabs(scale) > ADAPTER_SCALE_MAX)))
        usage_error(cmd,
                    "%s: \"%s\" is not a path, or a path, \"=\" and a number "
                    "from %d to %d",
                    where, value, -ADAPTER_SCALE_MAX, ADAPTER_SCALE_MAX);
    path = must_alloc(len + 1, 1);
    memcpy(path, value, len);
    path[len] = 0;
    out->paths[out->n] = path;
    out->scales[out->n++] = (float)scale;
}

void operand_adapter(const command *cmd, const char *value, settings *out)
{
    add_adapter(cmd, "ADAPTER", value, &out->adapters);
}

static void store_item(const command *cmd, const option *opt, const char *value,
                       text_list *out)
{
    if (!*value)
        usage_error(cmd, "--%s: the text is empty", opt->name);
    out->items[out->n++] = value;
}

void option_store(const command *cmd, const option *opt, const char *value,
                  settings *out)
{
    void *field = (char *)out + opt->field;

    switch (opt->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        break;
    case OPTION_TEXT:
        *(const char **)field = value;
        break;
    case OPTION_LIST:
        store_item(cmd, opt, value, field);
        break;
    case OPTION_COUNT:
        store_count(cmd, opt, value, field);
        break;
    case OPTION_REAL:
        store_real(cmd, opt, value, field);
        break;
    case OPTION_CHOICE:
        store_choice(cmd, opt, value, field);
        break;
    case OPTION_COUNTS:
    case OPTION_CHOICES:
        store_numbers(cmd, opt, value, field);
        break;
    case OPTION_BIAS:
        store_bias(cmd, opt, value, field);
        break;
    case OPTION_ADAPTER:
        add_adapter(cmd, "--adapter", value, field);
        break;
    }
}
