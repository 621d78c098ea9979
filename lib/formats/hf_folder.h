/* SPDX-License-Identifier: MIT
 * hf_folder.h - a checkpoint as Hugging Face's transformers save it: a folder
 * with config.json, tokenizer.json and *.safetensors. It is read as the GGUF
 * file that llama.cpp's converter would make of it, whose header is written in
 * memory and then read as any other, while the tensors stay where they are. For
 * the files of this module only. */
#ifndef PH_HF_FOLDER_H
#define PH_HF_FOLDER_H

#include "formats/gguf_file.h"
#include "json/json.h"

/* Limits, as in gguf_file.h. The largest tokenizer.json known, of Phi-4-mini,
 * has 16 MB and 200,000 keys. */
#define PH_HF_MAX_TEXT ((size_t)1 << 20)
#define PH_HF_MAX_VOCABULARY ((size_t)64 << 20)
#define PH_HF_MAX_HEADER ((size_t)16 << 20)
enum {
    PH_HF_MAX_VOCAB = 1 << 20,
    PH_HF_MAX_FACTORS = 1024,
    PH_HF_MAX_ENDS = 16
};

/* ---- hf_file.c: files of the folder ------------------------------------ */

/* A file of JSON, its text kept as long as it. */
typedef struct ph_hf_file {
    char *path;
    ph_buf text;
    ph_json json;
} ph_hf_file;

/* folder/name; NULL if there is no memory, which is then said. */
char *ph_hf_path(const ph_heap *heap, const char *folder, const char *name);

/* Reads and parses; its root must be an object. found NULL: it must be there.
 * To be freed in any case. */
phial_status ph_hf_read(const ph_heap *heap, const char *folder,
                        const char *name, size_t limit, bool *found,
                        ph_hf_file *file);

/* Only the text. */
phial_status ph_hf_read_text(const ph_heap *heap, const char *folder,
                             const char *name, size_t limit, bool *found,
                             ph_hf_file *file);
void ph_hf_close(ph_hf_file *file);

/* PHIAL_E_FORMAT: the value of key is not what was expected. */
phial_status ph_hf_wrong(const ph_hf_file *file, const char *key,
                         const char *expected);

/* The value of a key of the root; PH_JSON_NONE also if it is null. */
uint32_t ph_hf_find(const ph_hf_file *file, const char *key);

/* ---- hf_config.c ------------------------------------------------------- */

/* What the other steps need to know of config.json. */
typedef struct ph_hf_config {
    uint32_t n_vocab, n_layers;
    bool tied;
    bool llama; /* "model_type": "llama", of what must be a Phi nevertheless */
    float factors[2][PH_HF_MAX_FACTORS]; /* short, long */
    uint32_t n_factors;                  /* of each; 0: not a LongRoPE model */
} ph_hf_config;

/* Puts general.architecture and phi3.*. */
phial_status ph_hf_put_config(const ph_hf_file *file, ph_gguf_builder *b,
                              ph_hf_config *config);

/* ---- hf_texts.c -------------------------------------------------------- */

/* The tokens that end an answer, by config.json and generation_config.json. */
typedef struct ph_hf_ids {
    uint32_t ends[PH_HF_MAX_ENDS];
    uint32_t n_ends;
} ph_hf_ids;

/* Puts the ids of control tokens, the chat template, the model's name. config
 * is config.json. */
phial_status ph_hf_put_texts(const ph_hf_file *config, const char *folder,
                             ph_gguf_builder *b, ph_hf_ids *ids);

/* ---- hf_tokenizer.c, hf_vocab.c, hf_merges.c --------------------------- */

/* The tokens by id, as they are spelled in the file. */
typedef struct ph_hf_vocab {
    const ph_heap *heap;
    uint32_t n;
    ph_buf pool;  /* the spellings */
    uint32_t *at; /* n + 1: where each begins */
    uint8_t *kinds;
    uint8_t *flags; /* PH_GGUF_TOKEN_* */
    bool bytes;     /* byte-level; else SentencePiece's spelling */
} ph_hf_vocab;

phial_status ph_hf_vocab_read(const ph_hf_file *file, uint32_t n_vocab,
                              ph_hf_vocab *vocab);
void ph_hf_vocab_free(ph_hf_vocab *vocab);
ph_str ph_hf_token(const ph_hf_vocab *vocab, uint32_t id);

/* tokenizer.ggml.merges or, for SentencePiece, scores that rank alike. */
phial_status ph_hf_put_merges(const ph_hf_file *file, const ph_hf_vocab *vocab,
                              ph_gguf_builder *b);

/* Puts the tokens of file, which is tokenizer.json. */
phial_status ph_hf_put_vocabulary(const ph_hf_file *file,
                                  const ph_hf_config *config,
                                  const ph_hf_ids *ids, ph_gguf_builder *b);

/* The same from the folder. */
phial_status ph_hf_put_tokenizer(const ph_heap *heap, const char *folder,
                                 const ph_hf_config *config,
                                 const ph_hf_ids *ids, ph_gguf_builder *b);

/* ---- safetensors.c ----------------------------------------------------- */

typedef struct ph_safetensor {
    size_t name_at, name_len; /* in names */
    uint32_t type;            /* PH_F32, PH_F16 or PH_BF16 */
    uint32_t n_dims;
    uint64_t dims[PH_GGUF_MAX_DIMS]; /* dims[0] is contiguous */
    uint64_t begin, end;             /* in the file */
} ph_safetensor;

/* The table of one file: tensors cover its data without holes. */
typedef struct ph_safetensors {
    const ph_heap *heap;
    ph_shard shard; /* the open file */
    ph_buf names;
    ph_safetensor *tensors;
    size_t n;
} ph_safetensors;

/* To be freed in any case. */
phial_status ph_safetensors_open(const ph_heap *heap, const char *path,
                                 ph_safetensors *st);
void ph_safetensors_free(ph_safetensors *st);

/* ---- hf_tensors.c ------------------------------------------------------ */

/* Where tensor i of the table that was built lies. */
typedef struct ph_hf_place {
    uint32_t shard;
    uint64_t begin, end;
} ph_hf_place;

typedef struct ph_hf_tensors {
    const ph_heap *heap;
    ph_shard *shards; /* the first is left for the header */
    uint32_t n_shards;
    ph_hf_place *places;
    size_t n;
} ph_hf_tensors;

/* "model.layers.12.rest" to 12 and rest; false for another name. */
bool ph_hf_parse_layer(ph_str name, uint32_t *layer, ph_str *rest);

/* Puts the tensors of all files of weights; none if there is no such file: the
 * folder then holds a vocabulary. To be freed in any case. */
phial_status ph_hf_put_tensors(const ph_heap *heap, const char *folder,
                               const ph_hf_config *config, ph_gguf_builder *b,
                               ph_hf_tensors *t);
void ph_hf_tensors_free(ph_hf_tensors *t);

/* ---- hf_open.c --------------------------------------------------------- */

phial_status ph_hf_open(const ph_heap *heap, const char *path, ph_gguf **out);

#endif /* PH_HF_FOLDER_H */
