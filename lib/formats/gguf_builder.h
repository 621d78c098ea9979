/* SPDX-License-Identifier: MIT
 * gguf_builder.h - writes the beginning of a GGUF file to memory: metadata and
 * the table of tensors. For the files of this module only. */
#ifndef PH_GGUF_BUILDER_H
#define PH_GGUF_BUILDER_H

#include "formats/formats.h"

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

/* dims[0] is contiguous. The place of the data is not part of it: 0. */
phial_status ph_builder_tensor(ph_gguf_builder *b, ph_str name, uint32_t type,
                               uint32_t n_dims, const uint64_t *dims);

/* Appends all of it to out. */
phial_status ph_builder_finish(const ph_gguf_builder *b, ph_buf *out);

#endif /* PH_GGUF_BUILDER_H */
