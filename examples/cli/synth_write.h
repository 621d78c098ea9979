/* SPDX-License-Identifier: MIT
 * synth_write.h - puts a synthetic model on disk. */
#ifndef SYNTH_WRITE_H
#define SYNTH_WRITE_H

#include "synth_model.h"

typedef struct synth_totals {
    uint64_t bytes, n_tensors, n_parameters;
    double seconds;
} synth_totals;

/* Writes the model to s->model and shows progress. Returns an exit code; on
 * failure the sentence has been printed and no part of the file is left. */
int synth_write(const settings *s, const synth_shape *shape, synth_totals *out);

#endif /* SYNTH_WRITE_H */
