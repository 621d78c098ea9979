/* SPDX-License-Identifier: MIT
 * Help texts, made from the command and option tables. */
#include "options.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 78, COLUMN = 28, MAX_VALUE = 60 };

/* Words of text, wrapped, from column `indent` on, where the cursor is. */
static void print_wrapped(const char *text, size_t indent)
{
    size_t column = indent;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column > indent && column + 1 + len > WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)len, text);
        column += len;
        text += len;
        text += *text == ' ';
    }
    putchar('\n');
}

static void print_entry(const char *left, const char *right)
{
    size_t len = strlen(left);

    printf("  %s", left);
    if (len + 4 > COLUMN)
        printf("\n%*s", COLUMN, "");
    else
        printf("%*s", (int)(COLUMN - 2 - len), "");
    print_wrapped(right, COLUMN);
}

/* "a|b" as "a, b". */
static void print_choices(const char *choices)
{
    char text[400] = "";
    size_t n = 0;

    for (; *choices && n + 2 < sizeof text; choices++) {
        text[n++] = *choices == '|' ? ',' : *choices;
        if (*choices == '|')
            text[n++] = ' ';
    }
    text[n] = 0;
    printf("%*s", COLUMN, "");
    print_wrapped(text, COLUMN);
}

static void print_option(const option *opt)
{
    const bool long_list = opt->value && strlen(opt->value) > MAX_VALUE;
    const char *value = long_list ? "CHOICE" : opt->value;
    char left[80];
    char letter[8] = "";

    if (opt->letter)
        snprintf(letter, sizeof letter, "-%c, ", opt->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, opt->name,
             value ? " " : "", value ? value : "");
    print_entry(left, opt->help);
    if (long_list)
        print_choices(opt->value);
}

void help_command(const command *cmd)
{
    printf("usage: phial %s [OPTION]...%s%s\n\n", cmd->name,
           *cmd->operands ? " " : "", cmd->operands);
    print_wrapped(cmd->about, 0);
    for (const option_group *const *g = cmd->groups; *g; g++) {
        printf("\n%s:\n", (*g)->title);
        for (size_t i = 0; i < (*g)->n; i++)
            print_option(&(*g)->options[i]);
    }
    printf("\nHelp:\n");
    print_entry("-h, --help", "print this text");
    printf("\nExit codes: 0 success, 1 failure, 2 wrong usage, 3 a model that "
           "cannot be\nread or run, 130 interrupted. See phial(1).\n");
}

void help_program(void)
{
    printf("usage: phial COMMAND [OPTION]... MODEL ...\n\n"
           "Runs Phi language models on the CPU.\n\n"
           "Commands:\n");
    for (const command *const *cmd = commands; *cmd; cmd++)
        print_entry((*cmd)->name, (*cmd)->summary);
    printf("\nphial COMMAND --help tells what a command does and takes.\n");
}
