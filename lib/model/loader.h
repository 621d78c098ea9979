/* SPDX-License-Identifier: MIT
 * loader.h - inside model: the list of weights to be read, and reading them. */
#ifndef PH_MODEL_LOADER_H
#define PH_MODEL_LOADER_H

#include "model/weights.h"

typedef struct ph_part {
    ph_weight weight;
    uint8_t *to;
} ph_part;

typedef struct ph_loader {
    const ph_gguf *gguf;
    const ph_model_config *config;
    ph_model *model;
    ph_part *parts;
    size_t n_parts;
    uint8_t *to; /* where the next part goes */
    const float *factors[2];
} ph_loader;

/* Reads and packs all parts; calls the progress hook, which may cancel. */
phial_status ph_weights_read(const ph_loader *l);

#endif /* PH_MODEL_LOADER_H */
