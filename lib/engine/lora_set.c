/* SPDX-License-Identifier: MIT
 * The adapters that a sequence is computed with. */
#include "engine/sequence.h"

#include <float.h>
#include <math.h>

static uint32_t inputs_of(const ph_adapter *adapter)
{
    const uint32_t n = adapter->model->hp.n_layers * PH_LORA_INPUTS;
    uint32_t inputs = 0;

    for (uint32_t i = 0; i < n; i++)
        if (adapter->first[i] < adapter->first[i + 1])
            inputs |= 1u << i % PH_LORA_INPUTS;
    return inputs;
}

static phial_status fill(const ph_sequence *sequence,
                         const ph_adapter *const *adapters, const float *scales,
                         size_t n, ph_lora_set *set)
{
    if (n > PH_MAX_ADAPTERS)
        return ph_fail(PHIAL_E_ARGUMENT, "%zu adapters, expected at most %d", n,
                       PH_MAX_ADAPTERS);
    for (size_t i = 0; i < n; i++) {
        if (adapters[i]->model != sequence->model)
            return ph_fail(PHIAL_E_ARGUMENT,
                           "adapters[%zu] was opened for another model", i);
        if (!(fabsf(scales[i]) <= FLT_MAX))
            return ph_fail(PHIAL_E_ARGUMENT,
                           "scales[%zu] is not a finite number", i);
        if (scales[i] == 0)
            continue;
        set->adapters[set->n] = adapters[i];
        set->scales[set->n++] = scales[i];
        set->inputs |= inputs_of(adapters[i]);
        set->ranks += adapters[i]->max_rank;
    }
    return PHIAL_OK;
}

phial_status ph_sequence_set_adapters(ph_sequence *sequence,
                                      const ph_adapter *const *adapters,
                                      const float *scales, size_t n)
{
    ph_lora_set set = {0};
    size_t bytes;

    if (sequence->length > 0)
        return ph_fail(PHIAL_E_STATE,
                       "adapters of a sequence that holds %u tokens",
                       sequence->length);
    PH_TRY(fill(sequence, adapters, scales, n, &set));
    if (set.n > 0) {
        if (!ph_mul(set.ranks, sizeof(float), &bytes) ||
            !ph_mul(bytes, sequence->config.n_batch, &bytes))
            return ph_no_memory("an adapter's products", SIZE_MAX);
        set.low = ph_alloc_raw(sequence->model->heap, bytes);
        if (!set.low)
            return ph_no_memory("an adapter's products", bytes);
    }
    ph_free(sequence->model->heap, sequence->lora.low);
    sequence->lora = set;
    return PHIAL_OK;
}

uint64_t ph_sequence_adapters(const ph_sequence *sequence)
{
    const ph_lora_set *set = &sequence->lora;
    uint64_t hash = 0;

    for (size_t i = 0; i < set->n; i++) {
        uint8_t bytes[12];
        uint32_t scale;

        memcpy(&scale, &set->scales[i], sizeof scale);
        ph_put_le64(bytes, set->adapters[i]->fingerprint);
        ph_put_le32(bytes + 8, scale);
        hash = ph_xxh64(bytes, sizeof bytes, hash);
    }
    return set->n > 0 && hash == 0 ? 1 : hash;
}

uint64_t ph_lora_low_bytes(const ph_sequence *sequence)
{
    return (uint64_t)sequence->lora.ranks * sequence->config.n_batch *
           sizeof(float);
}
