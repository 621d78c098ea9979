/* SPDX-License-Identifier: MIT
 * cli.h - what all subcommands of phial share: exit codes, failures, and how
 * a subcommand is described. Programs see phial/phial.h and nothing of lib/. */
#ifndef CLI_H
#define CLI_H

#include <phial/phial.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { /* exit codes; phial.1 documents them */
       CLI_OK = 0,
       CLI_FAILED = 1,       /* something went wrong at run time */
       CLI_USAGE = 2,        /* the command line makes no sense */
       CLI_NO_MODEL = 3,     /* the model cannot be read, or not be run */
       CLI_INTERRUPTED = 130 /* by SIGINT, as shells report it */
};

#if defined(__GNUC__)
#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLI_NORETURN __attribute__((noreturn))
#else
#define CLI_PRINTF(fmt, args)
#define CLI_NORETURN
#endif

typedef struct settings settings;         /* settings.h */
typedef struct option_group option_group; /* options.h */

typedef struct command {
    const char *name;
    const char *operands;              /* as in "phial NAME MODEL [PROMPT|-]" */
    int n_required;                    /* operands that must be given */
    int n_operands;                    /* operands that may be given */
    const char *summary;               /* one line for the list of commands */
    const char *about;                 /* a paragraph */
    const option_group *const *groups; /* ends with NULL */
    int (*run)(const settings *s);     /* returns an exit code */
} command;

extern const command *const commands[]; /* ends with NULL */
const command *command_find(const char *name);

/* ---- Failures: one line "phial: <sentence>" on standard error ----------- */

void complain(const char *format, ...) CLI_PRINTF(1, 2);

/* For what only a caller can mend; names the help text to read. cmd may be
 * NULL. Nothing has been opened yet, so there is nothing to clean up. */
CLI_NORETURN void usage_error(const command *cmd, const char *format, ...)
    CLI_PRINTF(2, 3);

/* Prints the library's last error; returns the exit code for status. */
int library_error(phial_status status);

/* The same for a failure to open a model or a vocabulary. */
int model_error(phial_status status);

/* An allocation of this program, not of the library; leaves if there is none.*/
void *must_alloc(size_t count, size_t size);

#endif /* CLI_H */
