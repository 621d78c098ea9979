/* SPDX-License-Identifier: MIT
 * Walks the command line: finds options in a subcommand's table and takes its
 * operands. Long options are given as --name value or --name=value. */
#include "options.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

static bool matches(const option *opt, const char *arg, size_t len)
{
    if (arg[0] == '-' && arg[1] == '-')
        return strlen(opt->name) == len - 2 &&
               !strncmp(opt->name, arg + 2, len - 2);
    return len == 2 && opt->letter && arg[1] == opt->letter;
}

static const option *find(const command *cmd, const char *arg, size_t len)
{
    for (const option_group *const *g = cmd->groups; *g; g++)
        for (size_t i = 0; i < (*g)->n; i++)
            if (matches(&(*g)->options[i], arg, len))
                return &(*g)->options[i];
    return NULL;
}

/* Handles argv[i] and returns how many arguments that took. */
static int take_option(const command *cmd, char **argv, int left, settings *out)
{
    const char *arg = argv[0];
    const char *equals = arg[1] == '-' ? strchr(arg, '=') : NULL;
    size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
    const option *opt = find(cmd, arg, len);

    if (!opt)
        usage_error(cmd, "there is no option \"%.*s\"", (int)len, arg);
    if (opt->kind == OPTION_FLAG) {
        if (equals)
            usage_error(cmd, "--%s takes no value, but got \"%s\"", opt->name,
                        equals + 1);
        option_store(cmd, opt, NULL, out);
        return 1;
    }
    if (equals) {
        option_store(cmd, opt, equals + 1, out);
        return 1;
    }
    if (left < 2)
        usage_error(cmd, "--%s needs a value: %s", opt->name, opt->value);
    option_store(cmd, opt, argv[1], out);
    return 2;
}

static void take_operand(const command *cmd, const char *arg, int index,
                         settings *out)
{
    if (index >= cmd->n_operands)
        usage_error(cmd, "one argument too many: \"%s\"", arg);
    if (index == 0) {
        out->model = arg;
        return;
    }
    if (out->text) /* not the last operand: merge alone has one between */
        operand_adapter(cmd, out->text, out);
    out->text = arg;
}

static void set_defaults(const command *cmd, int argc, settings *out)
{
    size_t n = (size_t)argc;

    *out = (settings){
        .cmd = cmd,
        .log_level = PHIAL_LOG_WARN,
        .seed = SEED_NOT_GIVEN,
        .prompts = {.items = {512}, .n = 1},
        .depths = {.n = 1},
        .thread_counts = {.n = 1},
        .isas = {.n = 1},
        .caches = {.n = 1},
        .n_decode = 32,
        .weights = PHIAL_WEIGHTS_Q4_K_M,
        .merged_weights = -1,
        .parallel = 8,
        .retries = 8,
        .stall = 60,
        .repeat = 3,
    };
    /* No list can be longer than the command line. */
    out->stop.items = must_alloc(n, sizeof *out->stop.items);
    out->tensors.items = must_alloc(n, sizeof *out->tensors.items);
    out->adapters.paths = must_alloc(n, sizeof *out->adapters.paths);
    out->adapters.scales = must_alloc(n, sizeof *out->adapters.scales);
    out->bias.tokens = must_alloc(n, sizeof *out->bias.tokens);
    out->bias.values = must_alloc(n, sizeof *out->bias.values);
}

void settings_free(settings *s)
{
    free(s->stop.items);
    free(s->tensors.items);
    for (size_t i = 0; i < s->adapters.n; i++)
        free(s->adapters.paths[i]);
    free(s->adapters.paths);
    free(s->adapters.scales);
    free(s->bias.tokens);
    free(s->bias.values);
}

void options_parse(const command *cmd, int argc, char **argv, settings *out)
{
    int n_operands = 0;
    bool only_operands = false;

    set_defaults(cmd, argc, out);
    for (int i = 0; i < argc;) {
        const char *arg = argv[i];

        if (only_operands || arg[0] != '-' || !arg[1]) {
            take_operand(cmd, arg, n_operands++, out);
            i++;
        } else if (!strcmp(arg, "--")) {
            only_operands = true;
            i++;
        } else if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
            help_command(cmd);
            exit(output_finish(CLI_OK));
        } else {
            i += take_option(cmd, argv + i, argc - i, out);
        }
    }
    if (n_operands == 0 && cmd->n_required)
        usage_error(cmd, "the model file is missing");
    if (n_operands < cmd->n_required)
        usage_error(cmd, "an argument is missing, expected %s", cmd->operands);
}
