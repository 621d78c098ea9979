/* SPDX-License-Identifier: MIT
 * The script for bash, from 3.2 on, with or without the package
 * bash-completion: tables of options and values, and a function that walks the
 * words of the line as options.c does. */
#include "completion.h"

#include <stdio.h>

static void print_kind(const value *v)
{
    switch (v->kind) {
    case VALUE_FILE:
        fputs("kind=files", stdout);
        break;
    case VALUE_WORDS:
    case VALUE_LIST:
        printf("kind=%s words='", v->kind == VALUE_LIST ? "list" : "words");
        completion_words(v, " ");
        putchar('\'');
        break;
    default:
        fputs("kind=any", stdout);
        break;
    }
    puts(" ;;");
}

static void print_command_names(void)
{
    for (const command *const *cmd = commands; *cmd; cmd++)
        printf("%s ", (*cmd)->name);
    fputs("help", stdout);
}

static void print_options(void)
{
    puts("_phial_options()\n{\n    case $1 in");
    for (const command *const *cmd = commands; *cmd; cmd++) {
        printf("    %s) words='", (*cmd)->name);
        for (const option_group *const *g = (*cmd)->groups; *g; g++)
            for (size_t i = 0; i < (*g)->n; i++)
                printf("--%s ", (*g)->options[i].name);
        puts("--help' ;;");
    }
    puts("    esac\n}\n");
}

static void print_option_value(const command *cmd, const option *opt)
{
    value v = value_of_option(opt);

    if (v.kind == VALUE_NONE)
        return;
    printf("    %s:--%s", cmd->name, opt->name);
    if (opt->letter)
        printf(" | %s:-%c", cmd->name, opt->letter);
    fputs(") ", stdout);
    print_kind(&v);
}

static void print_operands(const command *cmd)
{
    for (int i = 0; i < cmd->n_operands; i++) {
        value v = value_of_operand(cmd, i);

        if (v.repeats)
            printf("    %s:[0-9]*) ", cmd->name);
        else
            printf("    %s:%d) ", cmd->name, i);
        print_kind(&v);
        if (v.repeats)
            break;
    }
}

/* Keys are COMMAND:--OPTION and COMMAND:OPERAND'S NUMBER. */
static void print_values(void)
{
    puts("_phial_value()\n{\n    kind= words=\n    case $1 in");
    for (const command *const *cmd = commands; *cmd; cmd++) {
        for (const option_group *const *g = (*cmd)->groups; *g; g++)
            for (size_t i = 0; i < (*g)->n; i++)
                print_option_value(*cmd, &(*g)->options[i]);
        print_operands(*cmd);
    }
    fputs("    help:0) kind=words words='", stdout);
    print_command_names();
    puts("' ;;\n    esac\n}\n");
}

/* "--name=value" arrives as three words unless "=" was taken out of
 * COMP_WORDBREAKS; so does "path=scale". */
static const char walk[] =
    "_phial_fill()\n"
    "{\n"
    "    local word head=$1 line\n"
    "    case $kind in\n"
    "    files)\n"
    "        compopt -o filenames -o default 2>/dev/null\n"
    "        line=$(compgen -f -- \"$cur\") ;;\n"
    "    list)\n"
    "        compopt -o nospace 2>/dev/null\n"
    "        head=$head${cur%\"${cur##*,}\"} cur=${cur##*,}\n"
    "        line=$(compgen -W \"$words\" -- \"$cur\") ;;\n"
    "    words) line=$(compgen -W \"$words\" -- \"$cur\") ;;\n"
    "    *) return ;;\n"
    "    esac\n"
    "    while IFS= read -r word; do\n"
    "        [ -z \"$word\" ] || COMPREPLY+=(\"$head$word\")\n"
    "    done <<<\"$line\"\n"
    "}\n"
    "\n"
    "_phial()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}\n"
    "    local kind= words= option= operands=0 only_operands= skip= i word\n"
    "    local IFS=$' \\t\\n'\n"
    "    COMPREPLY=()\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        kind=words words=\"$_phial_commands --help --version\"\n"
    "        _phial_fill ''\n"
    "        return\n"
    "    fi\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [ -n \"$skip\" ]; then\n"
    "            skip=\n"
    "        elif [ \"$word\" = = ]; then\n"
    "            [ -n \"$option\" ] || skip=1\n"
    "        elif [ -n \"$option\" ]; then\n"
    "            option=\n"
    "        elif [ \"$word\" = -- ] && [ -z \"$only_operands\" ]; then\n"
    "            only_operands=1\n"
    "        elif [[ $word == -?* && -z $only_operands ]]; then\n"
    "            _phial_value \"$command:$word\"\n"
    "            [ -z \"$kind\" ] || option=$word\n"
    "        else\n"
    "            operands=$((operands + 1))\n"
    "        fi\n"
    "    done\n"
    "    [ -z \"$skip\" ] || return\n"
    "    if [ \"$cur\" = = ]; then\n"
    "        [ -n \"$option\" ] || return\n"
    "        cur=\n"
    "    fi\n"
    "    if [ -n \"$option\" ]; then\n"
    "        _phial_value \"$command:$option\"\n"
    "        _phial_fill ''\n"
    "    elif [[ $cur == --*=* && -z $only_operands ]]; then\n"
    "        option=${cur%%=*} cur=${cur#*=}\n"
    "        _phial_value \"$command:$option\"\n"
    "        _phial_fill \"$option=\"\n"
    "    elif [[ $cur == -* && -z $only_operands ]]; then\n"
    "        kind=words\n"
    "        _phial_options \"$command\"\n"
    "        _phial_fill ''\n"
    "    else\n"
    "        _phial_value \"$command:$operands\"\n"
    "        _phial_fill ''\n"
    "    fi\n"
    "}\n"
    "complete -F _phial phial\n";

void completion_bash(void)
{
    puts("# Printed by \"phial completion bash\".");
    fputs("_phial_commands='", stdout);
    print_command_names();
    puts("'\n");
    print_options();
    print_values();
    fputs(walk, stdout);
}
