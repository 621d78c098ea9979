/* SPDX-License-Identifier: MIT
 * Which values are files and which are words: the names of values in help
 * texts tell. tests/cli/test_completion.py knows all of these names. */
#include "completion.h"

#include <stdio.h>
#include <string.h>

/* What the name of a file's or folder's value begins with. */
static const char *const file_names[] = {"ADAPTER", "DIR", "FILE", "IN.",
                                         "MODEL",   "OUT", "PATH", NULL};

static value_kind kind_of(const char *name, size_t len)
{
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789_|";

    if (memchr(name, '|', len) && strspn(name, lower) >= len)
        return VALUE_WORDS;
    for (const char *const *file = file_names; *file; file++)
        if (!strncmp(name, *file, strlen(*file)))
            return VALUE_FILE;
    return VALUE_ANY;
}

value value_of_option(const option *opt)
{
    value v = {VALUE_NONE, "", 0, opt->value, false, false};

    if (opt->kind == OPTION_FLAG)
        return v;
    v.name = opt->value;
    v.name_len = strlen(opt->value);
    switch (opt->kind) {
    case OPTION_TEXT:
    case OPTION_LIST:
    case OPTION_ADAPTER:
        v.kind = kind_of(v.name, v.name_len);
        break;
    case OPTION_CHOICE:
        v.kind = VALUE_WORDS;
        break;
    case OPTION_CHOICES:
        v.kind = VALUE_LIST;
        break;
    default:
        v.kind = VALUE_ANY;
        break;
    }
    if (v.kind >= VALUE_WORDS) {
        v.name = "CHOICE";
        v.name_len = strlen(v.name);
    }
    return v;
}

/* The word for the operand at index: one that ends in "..." stands for all
 * that follow, too. */
static const char *operand_word(const char *words, int index, size_t *len)
{
    for (;;) {
        *len = strcspn(words, " ");
        if (index-- == 0 || !words[*len] ||
            (*len > 3 && !strncmp(words + *len - 3, "...", 3)))
            return words;
        words += *len + 1;
    }
}

value value_of_operand(const command *cmd, int index)
{
    value v = {VALUE_NONE, "", 0, NULL, false, false};

    if (index >= cmd->n_operands)
        return v;
    v.name = operand_word(cmd->operands, index, &v.name_len);
    v.repeats = v.name_len > 3 && !strncmp(v.name + v.name_len - 3, "...", 3);
    v.name_len -= v.repeats ? 3 : 0;
    v.optional = v.name[0] == '[';
    if (v.optional) {
        v.name++;
        v.name_len -= 2; /* "[" and "]" */
    }
    v.kind = kind_of(v.name, v.name_len);
    if (v.kind == VALUE_WORDS)
        v.words = v.name;
    return v;
}

size_t completion_summary(const char *help)
{
    size_t len = strlen(help);
    static const char *const remarks[] = {"; ", " (default", NULL};

    for (const char *const *remark = remarks; *remark; remark++) {
        const char *end = strstr(help, *remark);

        if (end && (size_t)(end - help) < len)
            len = (size_t)(end - help);
    }
    return len;
}

void completion_words(const value *v, const char *between)
{
    const char *word = v->words;

    for (;;) {
        size_t len = strcspn(word, "| ]");

        printf("%.*s", (int)len, word);
        if (word[len] != '|')
            return;
        fputs(between, stdout);
        word += len + 1;
    }
}

void completion_quoted(const char *text, size_t len, const char *special,
                       const char *quote)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'') {
            fputs(quote, stdout);
            continue;
        }
        if (strchr(special, text[i]))
            putchar('\\');
        putchar(text[i]);
    }
}
