/* SPDX-License-Identifier: MIT
 * quantize.h - weights in other types: which type each tensor gets, the search
 * for the best blocks, and a model written again with them. */
#ifndef PH_QUANTIZE_H
#define PH_QUANTIZE_H

#include "base/base.h"
#include "base/dtype.h"
#include "formats/formats.h"
#include "pool/pool.h"

enum { PH_MERGE_MAX = 16 }; /* adapters */

typedef struct ph_quantize_config {
    const ph_heap *heap;
    ph_pool *pool;
    int32_t weights;              /* PHIAL_WEIGHTS_* */
    const char *const *overrides; /* "PATTERN=TYPE" */
    size_t n_overrides;
    const char *const *adapters; /* merged; n_adapters <= PH_MERGE_MAX */
    const float *adapter_scales; /* finite */
    size_t n_adapters;
    bool reencode; /* as stored, quantised matrices that change are written
                      too */
    const char *imatrix;        /* path of an importance matrix, or NULL */
    phial_progress_fn progress; /* may be NULL; called by this thread */
    void *progress_user;
} ph_quantize_config;

/* What phial_quantize() promises. */
phial_status ph_quantize(const char *in, const char *out,
                         const ph_quantize_config *config);

/* ---- weights_mix.c ------------------------------------------------------- */

/* Which types the tensors of a file get, by their place in the model. */
typedef struct ph_mix ph_mix;

/* PHIAL_E_UNSUPPORTED, naming the field, if there is no such member of
 * PHIAL_WEIGHTS_*; NULL for PHIAL_WEIGHTS_STORED. */
phial_status ph_mix_get(const char *field, int32_t weights, const ph_mix **out);

/* general.file_type, an id of llama.cpp's. */
uint32_t ph_mix_file_type(const ph_mix *mix);

/* The same of a file whose matrices are all of this type; false if files of
 * that kind have no id. */
bool ph_mix_of_one(ph_dtype type, uint32_t *file_type);

/* What the choice of a type depends on. */
typedef struct ph_mix_model {
    uint32_t n_layers;
    bool tied; /* the embedding is the head too */
} ph_mix_model;

/* F32 for a vector. Rows that are no whole blocks of the type the mix has get a
 * type near it with smaller blocks. */
ph_dtype ph_mix_type(const ph_mix *mix, const ph_mix_model *model,
                     const ph_gguf_tensor *tensor);

/* ---- encode_any.c -------------------------------------------------------- */

/* The types that ph_encode() writes, as a list for messages. */
bool ph_can_encode(ph_dtype type);
#define PH_ENCODED_TYPES                                                       \
    "F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q5_1, Q5_0, Q4_K, Q4_1, Q4_0, IQ4_NL, " \
    "IQ4_XS, Q3_K, Q2_K"

/* The largest magnitude that the type can hold whatever its neighbours are. */
float ph_encode_limit(ph_dtype type);

/* The encoders of PHIAL_ISA_*; NULL if this build or this processor has none.
 * PHIAL_ISA_BEST: the fastest there are. All give the same bytes. */
typedef struct ph_encoders ph_encoders;
const ph_encoders *ph_encoders_get(int32_t isa);

/* n elements, whole blocks, as blocks of type. They are finite and within the
 * limit. importance, if not NULL: what an error of each counts beside the
 * others, within PH_IMPORTANCE_LEAST and _MOST; types without a search do not
 * look at it. The bytes depend on nothing but the elements of the block, or, of
 * types with blocks of 256, of the same block. In the floating-point
 * environment of ph_fp_enter(). */
void ph_encode(const ph_encoders *encoders, ph_dtype type, const float *src,
               const float *importance, uint8_t *dst, size_t n);

#define PH_IMPORTANCE_LEAST 0x1p-20f
#define PH_IMPORTANCE_MOST 0x1p20f

/* n elements, whole blocks of any type, as float. Returns the bits of the
 * largest magnitude; a NaN is above infinity. */
uint32_t ph_decode(const ph_encoders *encoders, ph_dtype type,
                   const uint8_t *src, float *dst, size_t n);

/* ---- imatrix_write.c ----------------------------------------------------- */

/* What llama.cpp calls an importance matrix: for each matrix, named by its
 * tensor, and each of its columns the sum over some tokens of the squares of
 * what the column was multiplied with. */
typedef struct ph_imatrix_entry {
    char name[64];
    uint32_t cols;
    const double *sums;
} ph_imatrix_entry;

typedef struct ph_imatrix_content {
    ph_str dataset; /* what was read; may be empty */
    uint32_t n_chunks, chunk_size;
    uint64_t n_tokens;
    const ph_imatrix_entry *entries;
    size_t n;
} ph_imatrix_content;

/* PHIAL_E_NUMERIC: a sum is not finite, or beyond F32. */
phial_status ph_imatrix_write(const ph_heap *heap, const char *path,
                              const ph_imatrix_content *content);

/* ---- imatrix_read.c ------------------------------------------------------ */

typedef struct ph_imatrix ph_imatrix;

/* Reads and checks such a file. */
phial_status ph_imatrix_open(const ph_heap *heap, const char *path,
                             ph_imatrix **out);
void ph_imatrix_free(ph_imatrix *imatrix); /* NULL is accepted */

uint32_t ph_imatrix_n_entries(const ph_imatrix *imatrix);
uint32_t ph_imatrix_n_chunks(const ph_imatrix *imatrix); /* 0: not said */
ph_str ph_imatrix_dataset(const ph_imatrix *imatrix);    /* the first one */

/* What the columns of the model's tensor count beside each other, 1 on average,
 * for ph_encode(); NULL if there is no entry for it. An entry of another number
 * of columns is PHIAL_E_MISMATCH. Where q, k and v, or gate and up, are tensors
 * of their own, the entry of the tensor that they are otherwise counts. */
phial_status ph_imatrix_find(const ph_imatrix *imatrix,
                             const ph_gguf_tensor *tensor, const float **out);

/* ---- recode.c ------------------------------------------------------------ */

/* What an adapter adds to a tensor: merge.h. */
typedef struct ph_delta ph_delta;

/* A tensor of a file, and the type that it gets. */
typedef struct ph_recoding {
    const ph_gguf *gguf;
    const ph_gguf_tensor *tensor;
    ph_dtype type;
    const ph_delta *deltas;  /* added before; NULL: nothing */
    const float *importance; /* of each column; NULL: all count alike */
} ph_recoding;

/* Elements that are floats at a time: what the nearest cache holds. */
enum { PH_RECODE_FLOATS = 4096 };

/* What a thread does it with. */
typedef struct ph_recoder {
    const ph_encoders *encoders;
    uint8_t *raw;      /* room for n elements as they are in the file */
    float *floats;     /* for PH_RECODE_FLOATS */
    float *importance; /* the same; NULL if there is none of any tensor */
} ph_recoder;

/* Reads n elements of it from element first on, whole blocks of both types, and
 * writes them to out as they are to be. Blocks of the type that is wanted are
 * copied, but for those of rows to which something is added. PHIAL_E_NUMERIC:
 * one is not finite. PHIAL_E_UNSUPPORTED: one is beyond ph_encode_limit(). In
 * the floating-point environment of ph_fp_enter().
 */
phial_status ph_recode(const ph_recoding *what, uint64_t first, size_t n,
                       const ph_recoder *with, uint8_t *out);

#endif /* PH_QUANTIZE_H */
