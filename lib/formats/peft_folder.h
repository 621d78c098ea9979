/* SPDX-License-Identifier: MIT
 * peft_folder.h - an adapter as Hugging Face's PEFT saves it: a folder with
 * adapter_config.json and adapter_model.safetensors. It is read as the GGUF
 * file that llama.cpp's converter would make of it. For the files of this
 * module only. */
#ifndef PH_PEFT_FOLDER_H
#define PH_PEFT_FOLDER_H

#include "formats/hf_folder.h"

/* ---- peft_config.c ----------------------------------------------------- */

typedef struct ph_peft_config {
    ph_hf_file file;
    uint32_t rank;
    double alpha;
    bool rank_stabilised; /* alpha / sqrt(rank) instead of alpha / rank */
    uint32_t ranks;       /* rank_pattern: for some modules others; or none */
    uint32_t alphas;      /* alpha_pattern */
} ph_peft_config;

/* Refuses whatever is more than pairs of matrices beside the projections. To
 * be closed in any case. */
phial_status ph_peft_config_read(const ph_heap *heap, const char *folder,
                                 ph_peft_config *config);
void ph_peft_config_close(ph_peft_config *config);

/* The factor of a module's pair, which has this rank: PHIAL_E_FORMAT unless the
 * configuration says so too. module is as "model.layers.0.mlp.down_proj". */
phial_status ph_peft_scale(const ph_peft_config *config, ph_str module,
                           uint64_t rank, float *scale);

/* ---- peft_open.c ------------------------------------------------------- */

phial_status ph_peft_open(const ph_heap *heap, const char *path, ph_gguf **out);

#endif /* PH_PEFT_FOLDER_H */
