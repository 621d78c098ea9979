/* SPDX-License-Identifier: MIT
 * loader.h - inside model: the list of weights to be read, and reading them. */
#ifndef PH_MODEL_LOADER_H
#define PH_MODEL_LOADER_H

#include "model/weights.h"

typedef struct ph_part {
    ph_weight weight;
    uint8_t *to;
    uint32_t piece_rows;  /* read at once */
    uint64_t first_piece; /* of all parts' pieces */
} ph_part;

typedef struct ph_loader {
    const ph_gguf *gguf;
    const ph_model_config *config;
    ph_model *model;
    ph_part *parts;
    size_t n_parts;
    uint8_t *to; /* where the next part goes */
    const float *factors[2];
    uint64_t sample; /* sum over all rows read */
} ph_loader;

/* Reads and packs all parts; calls the progress hook, which may cancel. */
phial_status ph_weights_read(ph_loader *l);

/* What a thread works in: bytes of a piece. */
typedef struct ph_staging {
    uint8_t *rows; /* that are to be packed */
    ph_recoder recoder;
} ph_staging;

/* Reads n rows of a part from row on, whole panels if it has any, into its
 * place. staging has room for them. *sample += ph_fingerprint_rows() of them.
 * Several threads may do so. */
phial_status ph_part_read(const ph_gguf *gguf, const ph_part *part,
                          uint32_t row, uint32_t n, const ph_staging *staging,
                          uint64_t *sample);

/* The contribution of n rows from row on, which lie at data as the weight's
 * type has them. */
uint64_t ph_fingerprint_rows(const ph_weight *weight, uint32_t row, uint32_t n,
                             const uint8_t *data);

/* Of a file whose rows add up to sample. */
uint64_t ph_fingerprint(const ph_gguf *gguf, const ph_hparams *hp,
                        const ph_mix *mix, uint64_t sample);

#endif /* PH_MODEL_LOADER_H */
