/* SPDX-License-Identifier: MIT
 * batch_run.h - many requests at once: which comes next, who computes it, and
 * what has come of them all. */
#ifndef BATCH_RUN_H
#define BATCH_RUN_H

#include "batch_lines.h"
#include "batch_resume.h"
#include "batch_result.h"
#include "loading.h"

typedef struct batch_slot batch_slot;

typedef struct batch {
    const settings *s;
    const phial_model *model;
    adapter_set adapters;
    line_reader in;
    batch_output out;
    batch_done done;  /* by earlier runs */
    uint64_t n_lines; /* in the input; 0: not known */

    json_t *seen;   /* custom_id: true, or how many times it was refused */
    uint64_t place; /* of the next request among the results */
    bool at_end;    /* the input is */
    batch_request *waiting; /* begun once, and put off for want of memory */

    batch_slot *slots;
    phial_session **active; /* room for all of them */
    size_t n_active;

    /* The totals of this run. */
    uint64_t n_finished, n_failed;
    uint64_t n_prompt, n_reused, n_generated;
    double began;
} batch;

/* Does all of the input. Returns an exit code: CLI_OK even if requests failed.
 */
int batch_run(batch *b);

/* ---- batch_queue.c ------------------------------------------------------ */

/* The next request that is to be computed; results that need no computation
 * are written on the way. LINE_READY, LINE_LATER, LINE_END or LINE_FAILED. */
line_state queue_next(batch *b, bool wait, batch_request **out);

/* Writes that the request failed, and frees it. Returns an exit code. */
int queue_refuse(batch *b, batch_request *r, const batch_error *error);

/* ---- batch_report.c ----------------------------------------------------- */

/* The line at a terminal while the batch runs. */
void report_progress(const batch *b);

/* Totals, and what has failed. */
void report_totals(const batch *b);

#endif /* BATCH_RUN_H */
