/* SPDX-License-Identifier: MIT
 * The script for fish: one call of complete for each command and option. */
#include "completion.h"

#include <stdio.h>
#include <string.h>

static void print_description(const char *text, size_t len)
{
    fputs(" -d '", stdout);
    completion_quoted(text, len, "\\", "\\'");
    puts("'");
}

static void begin(const command *cmd)
{
    printf("complete -c phial -n '__phial_command %s'", cmd->name);
}

static void print_words(const value *v)
{
    fputs(" -a '", stdout);
    completion_words(v, " ");
    putchar('\'');
}

static void print_option(const command *cmd, const option *opt)
{
    value v = value_of_option(opt);

    begin(cmd);
    printf(" -l %s", opt->name);
    if (opt->letter)
        printf(" -s %c", opt->letter);
    switch (v.kind) {
    case VALUE_NONE:
        break;
    case VALUE_FILE:
        fputs(" -r -F", stdout);
        break;
    case VALUE_WORDS:
        fputs(" -x", stdout);
        print_words(&v);
        break;
    case VALUE_LIST:
        fputs(" -x -a '(__fish_append , ", stdout);
        completion_words(&v, " ");
        fputs(")'", stdout);
        break;
    case VALUE_ANY:
        fputs(" -x", stdout);
        break;
    }
    print_description(opt->help, completion_summary(opt->help));
}

static void print_operands(const command *cmd)
{
    for (int i = 0; i < cmd->n_operands; i++) {
        value v = value_of_operand(cmd, i);

        if (v.kind != VALUE_FILE && v.kind != VALUE_WORDS)
            continue;
        printf("complete -c phial -n '__phial_operand %s %d%s'", cmd->name, i,
               v.repeats ? " on" : "");
        if (v.kind == VALUE_FILE)
            fputs(" -F", stdout);
        else
            print_words(&v);
        putchar('\n');
        if (v.repeats)
            break;
    }
}

/* Options that take a value and have it in the next word. */
static void print_value_options(void)
{
    puts("function __phial_takes_value\n    set -l options");
    for (const command *const *cmd = commands; *cmd; cmd++) {
        fputs("    set -a options", stdout);
        for (const option_group *const *g = (*cmd)->groups; *g; g++)
            for (size_t i = 0; i < (*g)->n; i++) {
                const option *opt = &(*g)->options[i];

                if (opt->kind == OPTION_FLAG)
                    continue;
                printf(" '%s --%s'", (*cmd)->name, opt->name);
                if (opt->letter)
                    printf(" '%s -%c'", (*cmd)->name, opt->letter);
            }
        putchar('\n');
    }
    puts("    contains -- \"$argv\" $options\nend\n");
}

static const char functions[] =
    "# Whether the line has this command, or, without one, none yet.\n"
    "function __phial_command\n"
    "    set -l words (commandline -opc)\n"
    "    if test (count $argv) -eq 0\n"
    "        test (count $words) -lt 2\n"
    "    else\n"
    "        test (count $words) -ge 2; and test $words[2] = $argv[1]\n"
    "    end\n"
    "end\n"
    "\n"
    "# Whether the next operand of this command is the one with this number,\n"
    "# or with a third argument that one or a later one.\n"
    "function __phial_operand\n"
    "    __phial_command $argv[1]; or return 1\n"
    "    set -l words (commandline -opc)\n"
    "    set -l operands 0\n"
    "    set -l value no\n"
    "    set -l only no\n"
    "    for word in $words[3..-1]\n"
    "        if test $value = yes\n"
    "            set value no\n"
    "        else if test $only = yes; or not string match -q -- '-?*' $word\n"
    "            set operands (math $operands + 1)\n"
    "        else if test \"$word\" = --\n"
    "            set only yes\n"
    "        else if __phial_takes_value $argv[1] $word\n"
    "            set value yes\n"
    "        end\n"
    "    end\n"
    "    test $operands -eq $argv[2]\n"
    "    or test (count $argv) -eq 3 -a $operands -gt $argv[2]\n"
    "end\n"
    "\n"
    "complete -c phial -f\n"
    "complete -c phial -n '__phial_command' -s h -l help "
    "-d 'print a help text'\n"
    "complete -c phial -n '__phial_command' -l version "
    "-d 'print the version'\n"
    "complete -c phial -n '__phial_command' -a help "
    "-d 'tell what a command does and takes'\n";

void completion_fish(void)
{
    puts("# Printed by \"phial completion fish\".");
    print_value_options();
    fputs(functions, stdout);
    for (const command *const *cmd = commands; *cmd; cmd++) {
        printf("complete -c phial -n '__phial_command' -a %s", (*cmd)->name);
        print_description((*cmd)->summary, strlen((*cmd)->summary));
        printf("complete -c phial -n '__phial_operand help 0' -a %s\n",
               (*cmd)->name);
    }
    for (const command *const *cmd = commands; *cmd; cmd++) {
        for (const option_group *const *g = (*cmd)->groups; *g; g++)
            for (size_t i = 0; i < (*g)->n; i++)
                print_option(*cmd, &(*g)->options[i]);
        begin(*cmd);
        puts(" -s h -l help -d 'print a help text'");
        print_operands(*cmd);
    }
}
