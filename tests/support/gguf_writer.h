/* SPDX-License-Identifier: MIT
 * gguf_writer.h - writes GGUF files for tests: metadata of every type, tensors
 * from memory, any alignment and version, split parts. Specification: ggml
 * docs/gguf.md. It does not validate: a test may want a wrong file. Failures
 * of its own (memory, disk) end the program.
 *
 *     gguf_writer *w = gguf_writer_new();
 *
 *     gguf_put_str(w, "general.architecture", "phi3");
 *     gguf_put_u32(w, "phi3.block_count", 2);
 *     gguf_put_tensor(w, "output_norm.weight", PH_F32, (uint64_t[]){64}, 1,
 *                     values);
 *     gguf_write(w, "tiny.gguf");
 *     gguf_writer_free(w);
 *
 * Putting a key or a tensor again replaces it where it stands, so that one
 * builder of a good file serves every test that spoils one thing. */
#ifndef PH_TEST_GGUF_WRITER_H
#define PH_TEST_GGUF_WRITER_H

#include "formats/formats.h"

typedef struct gguf_writer gguf_writer;

gguf_writer *gguf_writer_new(void); /* version 3, alignment 32, empty */
void gguf_writer_free(gguf_writer *w);

void gguf_set_version(gguf_writer *w, uint32_t version);

/* Pads to alignment and, unless it is 32, writes general.alignment. */
void gguf_set_alignment(gguf_writer *w, uint32_t alignment);

/* ---- Metadata ---------------------------------------------------------- */

void gguf_put_u8(gguf_writer *w, const char *key, uint8_t value);
void gguf_put_i8(gguf_writer *w, const char *key, int8_t value);
void gguf_put_u16(gguf_writer *w, const char *key, uint16_t value);
void gguf_put_i16(gguf_writer *w, const char *key, int16_t value);
void gguf_put_u32(gguf_writer *w, const char *key, uint32_t value);
void gguf_put_i32(gguf_writer *w, const char *key, int32_t value);
void gguf_put_u64(gguf_writer *w, const char *key, uint64_t value);
void gguf_put_i64(gguf_writer *w, const char *key, int64_t value);
void gguf_put_f32(gguf_writer *w, const char *key, float value);
void gguf_put_f64(gguf_writer *w, const char *key, double value);
void gguf_put_bool(gguf_writer *w, const char *key, bool value);
void gguf_put_str(gguf_writer *w, const char *key, const char *value);
void gguf_put_bytes(gguf_writer *w, const char *key, const void *data,
                    size_t n); /* a string of n bytes */

/* An array of numbers or bools: count elements as they lie in memory. */
void gguf_put_array(gguf_writer *w, const char *key, ph_gguf_type elem,
                    const void *data, size_t count);
void gguf_put_strings(gguf_writer *w, const char *key, const ph_str *strings,
                      size_t count);

/* Any type and bytes, right or wrong; unlike the others it never replaces. */
void gguf_append_raw(gguf_writer *w, ph_str key, uint32_t type,
                     const void *data, size_t n);

void gguf_remove_key(gguf_writer *w, const char *key); /* if it is there */

/* ---- Tensors ----------------------------------------------------------- */

/* data: the bytes that type and dims call for (none for a type without a
 * block size); copied. NULL: zeros. dims[0] is the contiguous one. */
void gguf_put_tensor(gguf_writer *w, const char *name, uint32_t type,
                     const uint64_t *dims, uint32_t n_dims, const void *data);

/* The same with n bytes of data, whatever the shape calls for; never
 * replaces. */
void gguf_append_tensor(gguf_writer *w, ph_str name, uint32_t type,
                        const uint64_t *dims, uint32_t n_dims, const void *data,
                        size_t n);

void gguf_remove_tensor(gguf_writer *w, const char *name);

/* ---- Output ------------------------------------------------------------ */

/* The whole file; the caller frees it with free(). */
uint8_t *gguf_to_memory(const gguf_writer *w, size_t *n);
void gguf_write(const gguf_writer *w, const char *path);

/* Where the metadata and tensor table end and the padding before the data
 * begins. */
size_t gguf_metadata_size(const gguf_writer *w);

/* Part part (from 0) of n_parts: the tensors evenly in order, the metadata in
 * the first, split.no, split.count and split.tensors.count in each. */
uint8_t *gguf_part_to_memory(const gguf_writer *w, uint32_t part,
                             uint32_t n_parts, size_t *n);

/* PREFIX-00001-of-0000N.gguf and so on. */
void gguf_write_split(const gguf_writer *w, const char *prefix,
                      uint32_t n_parts);

/* Writes n bytes to a new file at path: for spoiled copies. */
void gguf_write_bytes(const char *path, const void *data, size_t n);

#endif /* PH_TEST_GGUF_WRITER_H */
