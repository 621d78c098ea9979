/* SPDX-License-Identifier: MIT
 * gguf_file.h - the insides of an open GGUF file, and the steps by which it is
 * read. For the files of this module only. */
#ifndef PH_GGUF_FILE_H
#define PH_GGUF_FILE_H

#include "formats/formats.h"
#include "os/os.h"

/* Limits, so that a hostile file cannot make us work or allocate out of
 * proportion. A real Phi-4-mini has 40 entries, 196 tensors, 8 MiB. */
#define PH_GGUF_MAX_ENTRIES 4096u
#define PH_GGUF_MAX_TENSORS 16384u
#define PH_GGUF_MAX_METADATA ((size_t)64 << 20)
#define PH_GGUF_MAX_KEY 65535u
#define PH_GGUF_MAX_NAME 64u /* of a tensor, by the specification */
#define PH_GGUF_MAX_STRING ((uint64_t)4 << 20)
#define PH_GGUF_MAX_ELEMENTS ((uint64_t)4 << 20)
#define PH_GGUF_MAX_SHARDS 256u

enum {
    PH_GGUF_MAX_DIMS = 4,
    PH_GGUF_DEFAULT_ALIGNMENT = 32,
    PH_GGUF_MIN_ALIGNMENT = 8,
    PH_GGUF_MAX_ALIGNMENT = 65536
};

/* One file: all of a model, or a part. */
typedef struct ph_shard {
    char *path;
    const uint8_t *memory; /* the file's bytes if they are not on disk */
    ph_file file;          /* open unless memory */
    uint64_t size;
    uint8_t *meta; /* the file from its start to the end of the table */
    size_t meta_len;
    uint64_t data_start;
} ph_shard;

/* A public record and the file offset of its name, from which the record's
 * pointers are set once the metadata no longer moves. */
typedef struct ph_entry_slot {
    ph_gguf_entry entry;
    size_t key_at, data_at;
} ph_entry_slot;

typedef struct ph_tensor_slot {
    ph_gguf_tensor tensor;
    size_t name_at;
    uint64_t end; /* offset + bytes */
} ph_tensor_slot;

struct ph_gguf {
    const ph_heap *heap;
    ph_shard *shards;
    ph_entry_slot *entries;  /* of the first shard */
    ph_tensor_slot *tensors; /* of all shards */
    uint32_t *entries_by_key;
    uint32_t *tensors_by_name;
    size_t n_entries, n_tensors;
    uint32_t n_shards;
    char *built; /* the bytes of the first shard, if they were made here */
};

/* Reads metadata forward, in steps, and never past the end of the file. at is
 * at once the position and the offset in the file. */
typedef struct ph_gguf_reader {
    const ph_heap *heap;
    ph_shard *shard;
    size_t at;
    size_t have; /* bytes of shard->meta that are read */
    size_t cap;
    uint64_t n_tensors, n_entries;
    uint32_t alignment;
    const char *kind; /* of the item being read, for messages */
    uint64_t index;
    size_t name_at, name_len; /* 0: not known yet */
} ph_gguf_reader;

/* ---- gguf_reader.c ----------------------------------------------------- */

/* Fails with the file, the offset and the item in front of the sentence. */
phial_status ph_reader_fail(const ph_gguf_reader *r, phial_status status,
                            size_t at, const char *format, ...) PH_PRINTF(4, 5);

uint64_t ph_reader_left(const ph_gguf_reader *r); /* bytes up to the end */

/* Makes the next n bytes readable at shard->meta + at; what names them. */
phial_status ph_reader_need(ph_gguf_reader *r, uint64_t n, const char *what);
phial_status ph_reader_u32(ph_gguf_reader *r, const char *what, uint32_t *out);
phial_status ph_reader_u64(ph_gguf_reader *r, const char *what, uint64_t *out);

/* A length and that many bytes; at is left behind them. */
phial_status ph_reader_string(ph_gguf_reader *r, const char *what,
                              uint64_t limit, size_t *start, size_t *len);

/* What is being read from here on, and then its name; for messages. */
void ph_reader_item(ph_gguf_reader *r, const char *kind, uint64_t index);
void ph_reader_named(ph_gguf_reader *r, size_t start, size_t len);

/* Gives back what was read beyond at; meta does not move any more. */
phial_status ph_reader_finish(ph_gguf_reader *r);

/* ---- The steps --------------------------------------------------------- */

/* gguf_header.c: magic, version, counts. */
phial_status ph_gguf_read_header(ph_gguf_reader *r);

/* gguf_foreign.c: what a file is that does not begin with "GGUF", from its
 * first bytes; NULL if it is nothing that we know. */
const char *ph_foreign_kind(const uint8_t *head, size_t n);

/* gguf_metadata.c: one slot per entry. */
phial_status ph_gguf_read_entries(ph_gguf_reader *r, ph_entry_slot *slots);
size_t ph_gguf_type_size(ph_gguf_type type); /* 0: not of fixed size */
const char *ph_gguf_type_name(ph_gguf_type type);

/* gguf_tensors.c: one slot per tensor; then, when the alignment is known, where
 * the data lie. */
phial_status ph_gguf_read_tensors(ph_gguf_reader *r, ph_tensor_slot *slots);
phial_status ph_gguf_place_tensors(ph_gguf_reader *r, ph_tensor_slot *slots);

/* gguf_index.c: sorts by name, where a name that is there twice is an error;
 * and refuses tensors of a file that share bytes. */
phial_status ph_gguf_index_entries(ph_gguf *gguf);
phial_status ph_gguf_index_tensors(ph_gguf *gguf);
phial_status ph_gguf_check_overlap(const ph_gguf *gguf);

/* index_sort.c: sorts n indices in place, without recursion or memory. */
typedef int (*ph_index_compare)(const void *context, uint32_t a, uint32_t b);
void ph_sort_indices(uint32_t *indices, size_t n, ph_index_compare compare,
                     const void *context);

/* gguf_open.c: one file as a whole model, with no regard to split.*; memory
 * NULL: from the disk. */
phial_status ph_gguf_open_one(const ph_heap *heap, const char *path,
                              const void *memory, size_t size, ph_gguf **out);

/* Records from a header made here, which bytes holds and gives away; path is
 * for messages. Where the tensors lie is left to be set. */
phial_status ph_gguf_open_built(const ph_heap *heap, const char *path,
                                ph_buf *bytes, ph_gguf **out);

/* As ph_gguf_open(), from bytes that must outlive the result; name stands for
 * the path. A split model cannot be read so. */
phial_status ph_gguf_open_memory(const ph_heap *heap, const char *name,
                                 const void *data, size_t size, ph_gguf **out);

/* gguf_split.c: if the file is the first part of a split model, the other
 * parts; a part other than the first is refused. */
phial_status ph_gguf_add_parts(ph_gguf *gguf);

#endif /* PH_GGUF_FILE_H */
