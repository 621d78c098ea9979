/* SPDX-License-Identifier: MIT
 * formats.h - model files: bytes to named tensors and typed metadata. Nothing
 * in a file is trusted; every length and offset is checked against the file
 * before it is used. Specification: ggml docs/gguf.md, versions 2 and 3.
 *
 * PHIAL_E_FORMAT is a file that contradicts the specification or itself;
 * PHIAL_E_UNSUPPORTED one that may be well formed but exceeds a limit
 * (gguf_file.h), is another version or another kind of file. */
#ifndef PH_FORMATS_H
#define PH_FORMATS_H

#include "base/base.h"
#include "base/dtype.h"

typedef struct ph_gguf ph_gguf;

typedef enum ph_gguf_type {
    PH_GGUF_U8 = 0,
    PH_GGUF_I8,
    PH_GGUF_U16,
    PH_GGUF_I16,
    PH_GGUF_U32,
    PH_GGUF_I32,
    PH_GGUF_F32,
    PH_GGUF_BOOL,
    PH_GGUF_STRING,
    PH_GGUF_ARRAY,
    PH_GGUF_U64,
    PH_GGUF_I64,
    PH_GGUF_F64
} ph_gguf_type;

/* One metadata entry. data are the value's bytes as in the file; for a string
 * its text; for an array its elements, count of type elem. */
typedef struct ph_gguf_entry {
    ph_str key;
    ph_gguf_type type;
    ph_gguf_type elem; /* of an array */
    uint64_t count;    /* of an array */
    ph_str data;
} ph_gguf_entry;

typedef struct ph_gguf_tensor {
    ph_str name;
    uint32_t type; /* ph_dtype, or an id that we do not run */
    uint32_t n_dims;
    uint64_t dims[4]; /* dims[0] is contiguous; unused ones are 1 */
    uint64_t offset;  /* from the start of its shard */
    uint64_t bytes;   /* 0 if the type is one we do not run */
    uint32_t shard;
} ph_gguf_tensor;

/* Our own metadata key: of each token, whether it swallows white space before
 * or after it, is spelled out by the decoder, ends a turn. An array of u8. */
#define PH_GGUF_TOKEN_FLAGS "phial.token_flags"

enum {
    PH_GGUF_TOKEN_LSTRIP = 1 << 0,
    PH_GGUF_TOKEN_RSTRIP = 1 << 1,
    PH_GGUF_TOKEN_VISIBLE = 1 << 2,
    PH_GGUF_TOKEN_END = 1 << 3
};

/* Another one, of an adapter: for each tensor the factor that its pair is
 * multiplied with. An array of f32; without it adapter.lora.alpha counts. */
#define PH_GGUF_LORA_SCALES "phial.lora_scales"

/* Reads the metadata and tensor table of a file; if it is the first part of a
 * split model, of all its parts, which must lie beside it. A folder is a
 * checkpoint of transformers (hf_folder.h), which looks like the GGUF file that
 * it would be converted to. */
phial_status ph_gguf_open(const ph_heap *heap, const char *path, ph_gguf **out);

/* The same for an adapter: a folder is one that PEFT saved (peft_folder.h). */
phial_status ph_gguf_open_adapter(const ph_heap *heap, const char *path,
                                  ph_gguf **out);
void ph_gguf_free(ph_gguf *gguf);

/* ---- Metadata ---------------------------------------------------------- */

/* In the order of the file, of a split model those of its first part. */
size_t ph_gguf_n_entries(const ph_gguf *gguf);
const ph_gguf_entry *ph_gguf_entry_at(const ph_gguf *gguf, size_t i);

/* NULL if the key is absent. */
const ph_gguf_entry *ph_gguf_find(const ph_gguf *gguf, const char *key);

/* Typed reads. Absent: PHIAL_E_FORMAT naming the key, unless a fallback is
 * given; of another type or out of range: PHIAL_E_FORMAT always. Integers of
 * any width are accepted where they fit; f64 is accepted as f32. */
phial_status ph_gguf_u32(const ph_gguf *gguf, const char *key,
                         const uint32_t *fallback, uint32_t *out);
phial_status ph_gguf_f32(const ph_gguf *gguf, const char *key,
                         const float *fallback, float *out);
phial_status ph_gguf_bool(const ph_gguf *gguf, const char *key,
                          const bool *fallback, bool *out);
phial_status ph_gguf_str(const ph_gguf *gguf, const char *key,
                         const ph_str *fallback, ph_str *out);

/* An array whose elements are of type elem; PHIAL_E_FORMAT otherwise. */
phial_status ph_gguf_array(const ph_gguf *gguf, const char *key,
                           ph_gguf_type elem, const ph_gguf_entry **out);

/* Walks an array of strings: *at starts at 0 and is moved behind the string
 * returned. Call entry->count times. */
ph_str ph_gguf_next_string(const ph_gguf_entry *entry, size_t *at);

/* ---- Tensors ----------------------------------------------------------- */

size_t ph_gguf_n_tensors(const ph_gguf *gguf);
const ph_gguf_tensor *ph_gguf_tensor_at(const ph_gguf *gguf, size_t i);
const ph_gguf_tensor *ph_gguf_find_tensor(const ph_gguf *gguf,
                                          const char *name);

/* "blk.12.rest" to 12 and rest; false unless the number is written plainly and
 * has at most four digits. */
bool ph_gguf_layer(ph_str name, uint32_t *layer, ph_str *rest);

/* Reads n bytes of a tensor's data from byte offset from. Several threads may
 * do so. */
phial_status ph_gguf_read(const ph_gguf *gguf, const ph_gguf_tensor *tensor,
                          uint64_t from, void *buf, size_t n);

/* Path of the first file, for messages. */
const char *ph_gguf_path(const ph_gguf *gguf);

/* ---- Low-rank pairs of an adapter -------------------------------------- */

/* What the pairs of a layer read, and what their products are added to: q, k
 * and v; the attention's output; gate and up; down. */
typedef enum ph_lora_input {
    PH_LORA_ATTN,
    PH_LORA_ATTN_OUT,
    PH_LORA_FFN,
    PH_LORA_DOWN,
    PH_LORA_INPUTS
} ph_lora_input;

enum {
    PH_LORA_OUTPUTS = 3, /* of an input, at most */
    PH_LORA_MAX_RANK = 4096,
    PH_LORA_MODULES = 9 /* of a layer that may have a pair, in the order of the
                           forward pass; those of q, k and v together, and of
                           gate and up, are modules of their own */
};

/* The model that an adapter is for. */
typedef struct ph_lora_model {
    uint32_t n_layers, n_embd, n_ff;
    uint32_t q_rows, kv_rows; /* of all heads */
} ph_lora_model;

typedef struct ph_lora_pair {
    const ph_gguf_tensor *a; /* rank x inputs */
    const ph_gguf_tensor *b; /* outputs x rank */
    uint32_t layer;
    uint32_t module; /* below PH_LORA_MODULES */
    ph_lora_input input;
    uint32_t first_output, n_outputs; /* B has the rows of these, in order */
    float scale;
} ph_lora_pair;

/* Finds the pairs of a file and checks that they are for this model:
 * PHIAL_E_MISMATCH if they are not. *pairs, which the caller frees, are *n in
 * order of layer and module. */
phial_status ph_lora_pairs(const ph_heap *heap, const ph_gguf *gguf,
                           const ph_lora_model *model, ph_lora_pair **pairs,
                           uint32_t *n);

/* Rows of an output, and elements of an input. */
uint32_t ph_lora_rows(const ph_lora_model *model, ph_lora_input input,
                      uint32_t output);
uint32_t ph_lora_cols(const ph_lora_model *model, ph_lora_input input);

/* ---- Writing ----------------------------------------------------------- */

/* The beginning of a GGUF file, version 3, made in memory: metadata and the
 * table of tensors. */
typedef struct ph_gguf_builder {
    ph_buf entries, tensors;
    uint64_t n_entries, n_tensors;
} ph_gguf_builder;

void ph_builder_init(ph_gguf_builder *b, const ph_heap *heap);
void ph_builder_free(ph_gguf_builder *b);

phial_status ph_builder_u32(ph_gguf_builder *b, const char *key,
                            uint32_t value);
phial_status ph_builder_f32(ph_gguf_builder *b, const char *key, float value);
phial_status ph_builder_bool(ph_gguf_builder *b, const char *key, bool value);
phial_status ph_builder_str(ph_gguf_builder *b, const char *key, ph_str value);

/* The elements follow: strings by ph_builder_element(), numbers as bytes put
 * into entries. */
phial_status ph_builder_array(ph_gguf_builder *b, const char *key,
                              ph_gguf_type elem, uint64_t count);
phial_status ph_builder_element(ph_gguf_builder *b, ph_str value);

/* Another file's entry. */
phial_status ph_builder_entry(ph_gguf_builder *b, const ph_gguf_entry *entry);

/* dims[0] is contiguous; offset is from where the data begin. */
phial_status ph_builder_tensor(ph_gguf_builder *b, ph_str name, uint32_t type,
                               uint32_t n_dims, const uint64_t *dims,
                               uint64_t offset);

/* Appends all of it to out. */
phial_status ph_builder_finish(const ph_gguf_builder *b, ph_buf *out);

#endif /* PH_FORMATS_H */
