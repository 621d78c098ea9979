/* SPDX-License-Identifier: MIT
 * phial estimate: what a model would take, from the file's metadata. */
#include "loading.h"
#include "options.h"
#include "output.h"
#include "units.h"

#include <stdio.h>

static void print_row(const char *name, uint64_t bytes, const char *what)
{
    char size[32];

    units_bytes(size, sizeof size, bytes);
    printf("%-8s %12s  %s\n", name, size, what);
}

static int estimate(const settings *s)
{
    phial_model_options model = load_model_options(s);
    phial_session_options session = load_session_options(s);
    phial_memory m = PHIAL_INIT(phial_memory);
    phial_status status = phial_estimate(s->model, &model, &session, &m);
    uint64_t total;

    if (status < 0)
        return model_error(status);
    total = m.weights + m.cache_max + m.scratch;
    if (s->json)
        return output_json(json_pack(
            "{s:I, s:I, s:I, s:I, s:I}", "weights", (json_int_t)m.weights,
            "cache", (json_int_t)m.cache_max, "scratch", (json_int_t)m.scratch,
            "mapped", (json_int_t)m.mapped, "total", (json_int_t)total));
    print_row("weights", m.weights, "private memory, once per model");
    print_row("cache", m.cache_max, "keys and values of a full context");
    print_row("scratch", m.scratch, "activations, per session");
    if (m.mapped)
        print_row("mapped", m.mapped, "file pages, shared and evictable");
    print_row("total", total, "with one session whose context is full");
    return CLI_OK;
}

#define FIELD(name) offsetof(settings, name)

static const option table[] = {
    {"json", OPTION_FLAG, FIELD(json), NULL, "print one JSON object, in bytes",
     0, 0, 0},
};
static const option_group estimate_options = OPTION_GROUP("Output", table);
static const option_group *const groups[] = {
    &estimate_options, &session_options, &model_options, NULL};

const command command_estimate = {
    "estimate",
    "MODEL",
    1,
    1,
    "tell how much memory a model would take",
    "Tells how much memory the model and one session with a full context would "
    "take. Only the file's metadata is read, no weights.",
    groups,
    estimate};
