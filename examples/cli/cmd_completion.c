/* SPDX-License-Identifier: MIT
 * phial completion: scripts with which shells complete command lines. */
#include "completion.h"

#include <string.h>

static int completion(const settings *s)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } scripts[] = {
        {"bash", completion_bash},
        {"zsh", completion_zsh},
        {"fish", completion_fish},
    };

    if (!s->model)
        usage_error(s->cmd, "a shell is missing: %s", s->cmd->operands);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (!strcmp(scripts[i].shell, s->model)) {
            scripts[i].print();
            return CLI_OK;
        }
    usage_error(s->cmd, "there is no script for \"%s\", only for %s", s->model,
                s->cmd->operands);
}

static const option_group *const groups[] = {NULL};

const command command_completion = {
    "completion",
    "bash|zsh|fish",
    0,
    1,
    "print a script that completes command lines",
    "Prints a script with which a shell completes commands, options, their "
    "choices and files. An installation has it where shells look for such "
    "scripts; elsewhere try \"source <(phial completion bash)\", the same with "
    "zsh, or \"phial completion fish | source\".",
    groups,
    completion};
