/* SPDX-License-Identifier: MIT
 * phial - runs Phi language models from the command line. This file only
 * finds the subcommand. */
#include "options.h"
#include "output.h"
#include "terminal.h"

#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

extern const command command_run, command_chat, command_batch, command_score,
    command_embed, command_tokenize, command_inspect, command_estimate,
    command_pull, command_imatrix, command_quantize, command_merge,
    command_bench, command_synth, command_completion, command_version;

const command *const commands[] = {
    &command_run,   &command_chat,     &command_batch,      &command_score,
    &command_embed, &command_tokenize, &command_inspect,    &command_estimate,
    &command_pull,  &command_imatrix,  &command_quantize,   &command_merge,
    &command_bench, &command_synth,    &command_completion, &command_version,
    NULL,
};

const command *command_find(const char *name)
{
    for (const command *const *cmd = commands; *cmd; cmd++)
        if (!strcmp((*cmd)->name, name))
            return *cmd;
    return NULL;
}

/* If a standard stream is closed, the next file that is opened takes its
 * number, and output would go into it. */
static void hold_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static int help(int argc, char **argv)
{
    const command *cmd = argc > 0 ? command_find(argv[0]) : NULL;

    if (argc > 0 && !cmd)
        usage_error(NULL, "there is no command \"%s\"", argv[0]);
    if (cmd)
        help_command(cmd);
    else
        help_program();
    return CLI_OK;
}

static int run_command(const command *cmd, int argc, char **argv)
{
    settings s;
    int code;

    options_parse(cmd, argc, argv, &s);
    code = cmd->run(&s);
    settings_free(&s);
    return code;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    const command *cmd;
    int code;

    hold_standard_streams();
    setlocale(LC_CTYPE, "");
    if (!name)
        usage_error(NULL, "a command is missing");
    if (!strcmp(name, "--version"))
        name = command_version.name;
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
        return output_finish(help(argc - 2, argv + 2));
    cmd = command_find(name);
    if (!cmd)
        usage_error(NULL, "there is no command \"%s\"", name);
    code = output_finish(run_command(cmd, argc - 2, argv + 2));
    if (code == CLI_INTERRUPTED)
        interrupt_die();
    return code;
}
