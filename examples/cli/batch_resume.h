/* SPDX-License-Identifier: MIT
 * batch_resume.h - what a file of results already holds. */
#ifndef BATCH_RESUME_H
#define BATCH_RESUME_H

#include "batch_output.h"

#include <jansson.h>

typedef struct batch_done {
    json_t *finished; /* custom_id: true */
    json_t *repeats;  /* custom_id: how many requests were refused for it */
    uint64_t n, n_failed;
} batch_done;

/* Reads the results in the file and cuts off a last line that is torn. A file
 * with anything else in it is refused and left as it is. Returns an exit code.
 */
int resume_read(batch_output *o, batch_done *done);
void resume_free(batch_done *done);

#endif /* BATCH_RESUME_H */
