/* SPDX-License-Identifier: MIT
 * folder_seed.h - small checkpoints, those of tests/fuzz/corpus/checkpoint, in
 * folders of their own, and one change at a time to the JSON in their files. */
#ifndef PH_TEST_FOLDER_SEED_H
#define PH_TEST_FOLDER_SEED_H

#include "hostile.h"
#include "json/json.h"

enum { SEED_PHI4_MINI, SEED_PHI4_SHARDS, SEED_LLAMA, SEED_PHI3, N_SEEDS };

typedef struct folder_seed {
    char *folder;
    uint8_t *data;
    size_t size;
} folder_seed;

folder_seed folder_seed_open(int which);
void folder_seed_close(folder_seed *seed); /* with its files */

/* The contents that a file has in the seed. */
ph_str folder_seed_text(const folder_seed *seed, const char *name);

/* Writes a file; restores it. */
void folder_seed_put(const folder_seed *seed, const char *name,
                     const void *data, size_t n);
void folder_seed_restore(const folder_seed *seed, const char *name);
void folder_seed_path(const folder_seed *seed, const char *name,
                      char path[512]);

/* JSON in a text, all of whose nodes may be changed. */
typedef struct json_text {
    ph_str text;
    ph_json json;
} json_text;

json_text json_text_of(ph_str text);
void json_text_free(json_text *t);

/* The text with a node replaced; the caller frees it. */
char *json_text_with(const json_text *t, uint32_t node, const char *value,
                     size_t *n);

/* The key whose value a node is, or is in; "" for the root. False for a key and
 * for what is in an array behind the first element. */
bool json_text_is_value(const json_text *t, uint32_t node, char key[128]);

/* Every kind of value, and numbers at the edges of their types. */
enum { N_JSON_EDGES = 20 };
extern const char *const json_edges[N_JSON_EDGES];

/* Of what node a value is, PH_JSON_*. */
ph_json_kind json_kind_of(const char *value);

/* A seed without its weights, and with room for n tokens. */
folder_seed vocabulary_seed_open(int which, const char *n);

/* Reads the folder's vocabulary, encodes a text and decodes it. Any status but
 * PHIAL_OK comes with a sentence. *peak: the most memory it took. */
phial_status open_tokenizer(const folder_seed *seed, size_t *peak);

#endif /* PH_TEST_FOLDER_SEED_H */
