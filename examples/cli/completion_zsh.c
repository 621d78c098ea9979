/* SPDX-License-Identifier: MIT
 * The script for zsh: the tables as arguments of its function _arguments. */
#include "completion.h"

#include <stdio.h>
#include <string.h>

static void print_text(const char *text, size_t len)
{
    completion_quoted(text, len, "\\:[]", "'\\''");
}

static void print_action(const value *v)
{
    putchar(':');
    print_text(v->name, v->name_len);
    putchar(':');
    switch (v->kind) {
    case VALUE_FILE:
        fputs("_files", stdout);
        break;
    case VALUE_WORDS:
        putchar('(');
        completion_words(v, " ");
        putchar(')');
        break;
    case VALUE_LIST:
        fputs("_sequence compadd - ", stdout);
        completion_words(v, " ");
        break;
    default:
        putchar(' ');
        break;
    }
}

static void print_option(const option *opt)
{
    const bool repeats = opt->kind == OPTION_LIST || opt->kind == OPTION_BIAS ||
                         opt->kind == OPTION_ADAPTER;
    value v = value_of_option(opt);
    const char *equals = v.kind == VALUE_NONE ? "" : "=";

    fputs("        ", stdout);
    if (opt->letter && repeats)
        printf("'*'{-%c,--%s%s}", opt->letter, opt->name, equals);
    else if (opt->letter)
        printf("'(-%c --%s)'{-%c,--%s%s}", opt->letter, opt->name, opt->letter,
               opt->name, equals);
    else
        printf("%s--%s%s", repeats ? "\\*" : "", opt->name, equals);
    fputs("'[", stdout);
    print_text(opt->help, completion_summary(opt->help));
    putchar(']');
    if (v.kind != VALUE_NONE)
        print_action(&v);
    puts("' \\");
}

static void print_operands(const command *cmd)
{
    for (int i = 0; i < cmd->n_operands; i++) {
        value v = value_of_operand(cmd, i);

        if (v.repeats)
            fputs("        '*", stdout);
        else
            printf("        '%d%s", i + 1, v.optional ? ":" : "");
        print_action(&v);
        puts("' \\");
        if (v.repeats)
            break;
    }
}

static void print_command(const command *cmd)
{
    printf("      %s)\n        _arguments -S : \\\n", cmd->name);
    for (const option_group *const *g = cmd->groups; *g; g++)
        for (size_t i = 0; i < (*g)->n; i++)
            print_option(&(*g)->options[i]);
    print_operands(cmd);
    puts("        '(- *)'{-h,--help}'[print a help text]'\n        ;;");
}

static void print_command_list(void)
{
    puts("    local -a commands=(");
    for (const command *const *cmd = commands; *cmd; cmd++) {
        printf("      '%s:", (*cmd)->name);
        completion_quoted((*cmd)->summary, strlen((*cmd)->summary),
                          "\\:", "'\\''");
        puts("'");
    }
    puts("      'help:tell what a command does and takes'\n    )");
}

/* Read by autoload, the file is the body of the function that it defines. */
void completion_zsh(void)
{
    puts("#compdef phial\n"
         "# Printed by \"phial completion zsh\".\n"
         "_phial() {\n"
         "  local curcontext=$curcontext state line ret=1\n"
         "  _arguments -C '(- *)'{-h,--help}'[print a help text]' \\\n"
         "    '(- *)--version[print the version]' \\\n"
         "    '1:command:->command' '*::argument:->arguments' && ret=0\n"
         "  case $state in\n"
         "  command)");
    print_command_list();
    puts("    _describe -t commands command commands && ret=0\n"
         "    ;;\n"
         "  arguments)\n"
         "    curcontext=${curcontext%:*:*}:phial-$words[1]:\n"
         "    case $words[1] in");
    for (const command *const *cmd = commands; *cmd; cmd++)
        print_command(*cmd);
    fputs("      help)\n        _arguments '1:command:(", stdout);
    for (const command *const *cmd = commands; *cmd; cmd++)
        printf("%s%s", cmd == commands ? "" : " ", (*cmd)->name);
    puts(")'\n        ;;\n"
         "    esac && ret=0\n"
         "    ;;\n"
         "  esac\n"
         "  return ret\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _phial ]; then\n"
         "  _phial \"$@\"\n"
         "else\n"
         "  compdef _phial phial\n"
         "fi");
}
