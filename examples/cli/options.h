/* SPDX-License-Identifier: MIT
 * options.h - one table of options per subcommand, from which the parser, the
 * help text and the check of the man page are made. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "settings.h"

typedef enum option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char * */
    OPTION_LIST,    /* text_list; may be repeated */
    OPTION_COUNT,   /* uint64_t */
    OPTION_REAL,    /* double */
    OPTION_CHOICE,  /* int32_t: the position of a word in `value` */
    OPTION_COUNTS,  /* number_list */
    OPTION_CHOICES, /* number_list, of positions in `value` */
    OPTION_BIAS,    /* bias_list; may be repeated */
    OPTION_ADAPTER  /* adapter_list; may be repeated */
} option_kind;

typedef struct option {
    const char *name; /* without the dashes */
    option_kind kind;
    size_t field;      /* offset in settings */
    const char *value; /* its name in the help text, or "word|word|word" */
    const char *help;
    double min, max; /* of numbers */
    char letter;     /* of the short form; 0: none */
} option;

struct option_group {
    const char *title;
    const option *options;
    size_t n;
};

#define OPTION_GROUP(title, table)                                             \
    {                                                                          \
        title, table, sizeof(table) / sizeof *(table)                          \
    }

/* In the order of PHIAL_WEIGHTS_*. */
#define WEIGHT_TYPES                                                           \
    "same|f32|f16|bf16|q8_0|q6_k|q5_k_m|q5_k_s|q5_1|q5_0|q4_k_m|q4_k_s|"       \
    "q4_1|q4_0|iq4_nl|iq4_xs|q3_k_l|q3_k_m|q3_k_s|q2_k"

/* Groups that several subcommands have. */
extern const option_group model_options, session_options, sampling_options,
    adapter_options;

/* Reads argv, which begins after the subcommand. On a mistake it says what
 * option and value are wrong and what is allowed, and exits. Strings stay
 * those of argv. */
void options_parse(const command *cmd, int argc, char **argv, settings *out);
void settings_free(settings *s);

/* The value parsers, with what they allow: options_value.c. */
void option_store(const command *cmd, const option *opt, const char *value,
                  settings *out);

/* An operand PATH[=SCALE]: one more of out->adapters. */
void operand_adapter(const command *cmd, const char *value, settings *out);

void help_program(void);
void help_command(const command *cmd);

#endif /* OPTIONS_H */
