/* SPDX-License-Identifier: MIT
 * batch_output.h - the file of results. Whenever the program ends, it holds
 * whole lines, but perhaps for the last one. */
#ifndef BATCH_OUTPUT_H
#define BATCH_OUTPUT_H

#include "settings.h"

#include <sys/types.h>

typedef struct held_line held_line;

typedef struct batch_output {
    int fd;
    const char *name;
    bool is_file;   /* regular: it can be read and cut again */
    bool is_new;    /* made by this run */
    bool in_order;  /* lines wait for those of earlier places */
    uint64_t place; /* of the next line to write */
    off_t size;
    held_line *held; /* those that wait, by place */
} batch_output;

/* Opens s->output_file: it must be new, unless s->resume is set. A file that
 * another run writes to is refused. Returns an exit code. */
int results_open(const settings *s, batch_output *out);

/* Writes a line, or keeps it until its place has come, and takes it over.
 * Returns an exit code. */
int results_put(batch_output *o, uint64_t place, char *line);

/* Cuts the file at its size. */
int results_cut(batch_output *o);

/* Unless it is to be kept, a file that was made and never written to is
 * removed again. */
void results_close(batch_output *o, bool keep);

#endif /* BATCH_OUTPUT_H */
