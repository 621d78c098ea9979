/* SPDX-License-Identifier: MIT
 * completion.h - what a shell may propose for options and operands, told from
 * the tables that parse them. */
#ifndef COMPLETION_H
#define COMPLETION_H

#include "options.h"

typedef enum value_kind {
    VALUE_NONE,  /* there is no value: a flag, or no such operand */
    VALUE_ANY,   /* nothing to propose: a number, a text */
    VALUE_FILE,  /* files and folders */
    VALUE_WORDS, /* one of words */
    VALUE_LIST   /* some of words, with commas between them */
} value_kind;

typedef struct value {
    value_kind kind;
    const char *name; /* name_len bytes, as help texts have it */
    size_t name_len;
    const char *words; /* "word|word|word"; borrowed from name */
    bool optional;
    bool repeats; /* the operands behind it are like it */
} value;

value value_of_option(const option *opt);

/* The operand at index, from 0 on. */
value value_of_operand(const command *cmd, int index);

/* How much of an option's help text fits beside it in a list: up to the first
 * remark. */
size_t completion_summary(const char *help);

/* The words of v with `between` between them. */
void completion_words(const value *v, const char *between);

/* len bytes of text, each of `special` with a backslash before it, for a word
 * in single quotes. The shell's way to a single quote is `quote`. */
void completion_quoted(const char *text, size_t len, const char *special,
                       const char *quote);

/* Each prints a script. */
void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

#endif /* COMPLETION_H */
