/* SPDX-License-Identifier: MIT
 * tiny_adapter.h - random adapters for the tiny models: as a GGUF file, as a
 * folder that PEFT would save, and merged into the weights. */
#ifndef PH_TEST_TINY_ADAPTER_H
#define PH_TEST_TINY_ADAPTER_H

#include "tiny_model.h"

enum { /* modules that have a pair, in every layer */
       TINY_LORA_Q = 1 << 0,
       TINY_LORA_K = 1 << 1,
       TINY_LORA_V = 1 << 2,
       TINY_LORA_QKV = 1 << 3,
       TINY_LORA_OUT = 1 << 4,
       TINY_LORA_GATE = 1 << 5,
       TINY_LORA_UP = 1 << 6,
       TINY_LORA_GATE_UP = 1 << 7,
       TINY_LORA_DOWN = 1 << 8,
       TINY_LORA_MODULES = 9,
       TINY_LORA_FUSED =
           TINY_LORA_QKV | TINY_LORA_OUT | TINY_LORA_GATE_UP | TINY_LORA_DOWN,
       TINY_LORA_SPLIT = TINY_LORA_Q | TINY_LORA_K | TINY_LORA_V |
                         TINY_LORA_OUT | TINY_LORA_GATE | TINY_LORA_UP |
                         TINY_LORA_DOWN
};

typedef struct tiny_adapter {
    tiny_model model; /* its shapes are those of this one */
    uint32_t modules;
    uint32_t rank;
    float alpha;
    bool rank_stabilised; /* in a PEFT folder, and merged */
    ph_dtype type;
    uint64_t seed;
} tiny_adapter;

/* All seven projections, in F32, with a factor of 1. */
tiny_adapter tiny_adapter_of(tiny_family family, uint32_t rank, uint64_t seed);

gguf_writer *tiny_adapter_build(const tiny_adapter *a);

/* adapter_config.json and adapter_model.safetensors; the folder must exist. */
void tiny_adapter_save(const tiny_adapter *a, const char *folder);

/* Adds scale times the adapter, which is in F32, to the weights of such a model
 * in F32. */
void tiny_adapter_merge(const tiny_adapter *a, double scale, gguf_writer *w);

#endif /* PH_TEST_TINY_ADAPTER_H */
