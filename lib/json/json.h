/* SPDX-License-Identifier: MIT
 * json.h - JSON (RFC 8259) as a list of nodes over the caller's text. Strict;
 * numbers keep their spelling; no recursion; all memory from the given heap, so
 * that running out of it is a status. */
#ifndef PH_JSON_H
#define PH_JSON_H

#include "base/base.h"

enum { PH_JSON_MAX_DEPTH = 64 };

typedef struct ph_json_limits {
    size_t bytes, keys;
} ph_json_limits;

/* What a caller of the library may hand over as messages and tools. */
enum { PH_JSON_MAX_BYTES = 8 << 20, PH_JSON_MAX_KEYS = 100000 };

typedef enum ph_json_kind {
    PH_JSON_NULL,
    PH_JSON_BOOL,
    PH_JSON_NUMBER,
    PH_JSON_STRING,
    PH_JSON_ARRAY,
    PH_JSON_OBJECT
} ph_json_kind;

/* Nodes are in the order of the text. The first child of node i is i + 1, and
 * what follows i with all its children is end. An object's children are keys
 * and values in turn. */
typedef struct ph_json_node {
    uint32_t begin; /* of its bytes in the text, quotes included */
    uint32_t len;
    uint32_t end;
    uint32_t kind;
} ph_json_node;

typedef struct ph_json {
    const ph_heap *heap;
    ph_str text; /* borrowed */
    ph_json_node *nodes;
    uint32_t n_nodes;
} ph_json;

enum { PH_JSON_NONE = 0 }; /* no node: 0 is the root, which is nobody's child */

/* One value and nothing after it. PHIAL_E_FORMAT says what is wrong at which
 * byte of what; PHIAL_E_MEMORY also if a limit is exceeded: those above, or
 * others of less than 4 GiB. */
phial_status ph_json_parse(const ph_heap *heap, ph_str text, const char *what,
                           ph_json *json);
phial_status ph_json_parse_within(const ph_heap *heap, ph_str text,
                                  const char *what,
                                  const ph_json_limits *limits, ph_json *json);
void ph_json_free(ph_json *json);

/* The value of a key in an object, or PH_JSON_NONE; the last one of several. */
uint32_t ph_json_get(const ph_json *json, uint32_t object, const char *key);

/* Number of an array's elements, or of an object's keys and values. */
uint32_t ph_json_count(const ph_json *json, uint32_t node);

/* An integer from 0 to 2^64 - 1 that is written as digits alone. */
bool ph_json_u64(const ph_json *json, uint32_t node, uint64_t *out);

/* Any number. At most a unit in the last place off, which a float made of it
 * does not show; infinite if it is too large. */
bool ph_json_double(const ph_json *json, uint32_t node, double *out);

/* False if node is neither true nor false. */
bool ph_json_bool(const ph_json *json, uint32_t node, bool *out);

/* True if node is a string with exactly this value. */
bool ph_json_is(const ph_json *json, uint32_t node, const char *value);

/* Appends a string's value. */
phial_status ph_json_string(const ph_json *json, uint32_t node, ph_buf *out);

/* Appends a node as Python's json.dumps(..., ensure_ascii=False) writes it:
 * ", " and ": " between things, characters beyond ASCII as they are, keys in
 * their order. Numbers as spelled. */
phial_status ph_json_dump(const ph_json *json, uint32_t node, ph_buf *out);

/* Appends text as a JSON string. */
phial_status ph_json_quote(ph_str text, ph_buf *out);

#endif /* PH_JSON_H */
