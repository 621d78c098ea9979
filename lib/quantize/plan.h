/* SPDX-License-Identifier: MIT
 * plan.h - what the new file will be, before any of it is written. Private to
 * lib/quantize. */
#ifndef PH_PLAN_H
#define PH_PLAN_H

#include "quantize/merge.h"

/* ---- overrides.c --------------------------------------------------------- */

/* All of them are well formed; *out, if not NULL, gets the type of the first
 * whose pattern the name matches, and its index; n_overrides if none does. */
phial_status ph_override_find(const ph_quantize_config *config, ph_str name,
                              ph_dtype *type, size_t *index);
phial_status ph_override_check(const ph_quantize_config *config);

/* ---- plan.c -------------------------------------------------------------- */

enum { PH_PIECE = 64 << 10 }; /* elements that are encoded at once */

typedef struct ph_target {
    const ph_gguf_tensor *from;
    ph_dtype type;
    const float *importance; /* of its columns; may be NULL */
    uint64_t n;              /* elements */
    uint64_t bytes;
    uint64_t offset; /* of the data */
    uint64_t first_piece;
    const ph_delta *deltas; /* NULL: none */
} ph_target;

typedef struct ph_plan {
    const ph_gguf *gguf;
    const ph_quantize_config *config;
    const ph_mix *mix;         /* NULL: as stored */
    const ph_imatrix *imatrix; /* may be NULL */
    ph_merge merge;
    ph_target *targets;
    size_t n;
    uint64_t n_pieces;
    ph_buf header; /* all that precedes the data */
} ph_plan;

enum { PH_OUT_ALIGNMENT = 32 };

/* Bytes from the end of n to the next multiple of the alignment. */
static inline size_t ph_padding(uint64_t n)
{
    return (size_t)(-n % PH_OUT_ALIGNMENT);
}

/* To be freed in any case. */
phial_status ph_plan_make(ph_plan *plan);
void ph_plan_free(ph_plan *plan);

/* out_header.c: from the targets. */
phial_status ph_plan_header(ph_plan *plan);

/* ---- out_stream.c -------------------------------------------------------- */

/* Writes the file that is planned to path. */
phial_status ph_plan_write(const ph_plan *plan, const char *path);

#endif /* PH_PLAN_H */
