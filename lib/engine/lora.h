/* SPDX-License-Identifier: MIT
 * lora.h - inside engine: the adapters of a sequence (Hu et al. 2021, "LoRA:
 * Low-Rank Adaptation of Large Language Models"). */
#ifndef PH_LORA_H
#define PH_LORA_H

#include "engine/engine.h"

typedef struct ph_lora_set {
    size_t n; /* without those whose scale is 0 */
    const ph_adapter *adapters[PH_MAX_ADAPTERS];
    float scales[PH_MAX_ADAPTERS];
    uint32_t inputs; /* that some of them read: bits 1 << PH_LORA_* */
    uint32_t ranks;  /* the sum of their max_rank */
    float *low;      /* products with A of a batch: ranks * n_batch */
} ph_lora_set;

/* Bytes of low. */
uint64_t ph_lora_low_bytes(const ph_sequence *sequence);

#endif /* PH_LORA_H */
