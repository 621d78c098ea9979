/* SPDX-License-Identifier: MIT
 * sequence.h - inside engine: what a sequence is made of. */
#ifndef PH_SEQUENCE_H
#define PH_SEQUENCE_H

#include "engine/kv_cache.h"
#include "engine/lora.h"
#include "engine/scratch.h"

struct ph_sequence {
    const ph_model *model;
    ph_pool *pool;
    ph_sequence_config config;
    uint32_t length;
    int rope;                 /* of the tokens it holds */
    ph_page_store *own_store; /* if it was given none */
    ph_kv_cache cache;
    uint32_t n_offered; /* pages that others can find */
    bool imported;      /* it has pages that were not computed here */
    ph_scratch scratch;
    ph_lora_set lora;
    ph_importance *importance; /* of passes that it hosts; NULL: none */
};

#endif /* PH_SEQUENCE_H */
