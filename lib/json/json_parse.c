/* SPDX-License-Identifier: MIT
 * The JSON reader: one pass that only counts, so that one allocation of the
 * right size suffices, and one pass over the grammar with an explicit stack. */
#include "json/json.h"

#include "text/text.h"

typedef struct reader {
    ph_json *json;
    const char *what;
    const char *p;
    const char *end;
    uint32_t stack[PH_JSON_MAX_DEPTH]; /* open arrays and objects */
    uint32_t depth;
} reader;

static phial_status fail_at(const reader *r, const char *p, const char *wrong)
{
    size_t offset = (size_t)(p - r->json->text.data);

    if (p == r->end)
        return ph_fail(PHIAL_E_FORMAT, "%s: the JSON ends at byte %zu: %s",
                       r->what, offset, wrong);
    return ph_fail(PHIAL_E_FORMAT, "%s: byte %zu of the JSON (0x%02x): %s",
                   r->what, offset, (unsigned)(uint8_t)*p, wrong);
}

static void skip_space(reader *r)
{
    while (r->p < r->end &&
           (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool is_digit(const reader *r, const char *p)
{
    return p < r->end && *p >= '0' && *p <= '9';
}

static phial_status read_digits(reader *r)
{
    if (!is_digit(r, r->p))
        return fail_at(r, r->p, "a digit was expected");
    while (is_digit(r, r->p))
        r->p++;
    return PHIAL_OK;
}

static phial_status read_number(reader *r)
{
    if (*r->p == '-')
        r->p++;
    if (r->p < r->end && *r->p == '0') {
        r->p++;
        if (is_digit(r, r->p))
            return fail_at(r, r->p, "a number must not begin with 0");
    } else {
        PH_TRY(read_digits(r));
    }
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        PH_TRY(read_digits(r));
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
            r->p++;
        PH_TRY(read_digits(r));
    }
    return PHIAL_OK;
}

/* The value of four hexadecimal digits at p, or -1. */
static int32_t hex4(const reader *r, const char *p)
{
    int32_t value = 0;

    if (r->end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int32_t digit;

        if (p[i] >= '0' && p[i] <= '9')
            digit = p[i] - '0';
        else if ((p[i] | 32) >= 'a' && (p[i] | 32) <= 'f')
            digit = (p[i] | 32) - 'a' + 10;
        else
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* At a backslash. */
static phial_status read_escape(reader *r)
{
    const char *p = r->p + 1;
    int32_t unit;

    if (p == r->end)
        return fail_at(r, p, "an escape is incomplete");
    if (*p != 'u') {
        if (*p == 0 || !strchr("\"\\/bfnrt", *p))
            return fail_at(r, p, "no such escape");
        r->p = p + 1;
        return PHIAL_OK;
    }
    unit = hex4(r, p + 1);
    if (unit < 0)
        return fail_at(r, r->p, "\\u needs four hexadecimal digits");
    p += 5;
    if (unit >= 0xd800 && unit < 0xdc00 && r->end - p >= 6 && p[0] == '\\' &&
        p[1] == 'u') {
        int32_t low = hex4(r, p + 2);

        if (low >= 0xdc00 && low < 0xe000) {
            r->p = p + 6;
            return PHIAL_OK;
        }
    }
    if (unit >= 0xd800 && unit < 0xe000)
        return fail_at(r, r->p, "half of a surrogate pair");
    r->p = p;
    return PHIAL_OK;
}

static phial_status read_string(reader *r)
{
    r->p++;
    while (r->p < r->end && *r->p != '"') {
        if ((uint8_t)*r->p < 0x20)
            return fail_at(r, r->p, "a control character must be escaped");
        if (*r->p == '\\')
            PH_TRY(read_escape(r));
        else
            r->p++;
    }
    if (r->p == r->end)
        return fail_at(r, r->p, "a string is not closed");
    r->p++;
    return PHIAL_OK;
}

static phial_status read_word(reader *r, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
        return fail_at(r, r->p, "a value was expected");
    r->p += len;
    return PHIAL_OK;
}

static uint32_t add_node(reader *r, ph_json_kind kind)
{
    uint32_t i = r->json->n_nodes++;

    r->json->nodes[i].kind = kind;
    r->json->nodes[i].begin = (uint32_t)(r->p - r->json->text.data);
    return i;
}

static void close_node(reader *r, uint32_t i)
{
    ph_json_node *node = &r->json->nodes[i];

    node->len = (uint32_t)(r->p - r->json->text.data) - node->begin;
    node->end = r->json->n_nodes;
}

static phial_status read_scalar(reader *r)
{
    uint32_t i;

    if (r->p == r->end)
        return fail_at(r, r->p, "a value was expected");
    switch (*r->p) {
    case '"':
        i = add_node(r, PH_JSON_STRING);
        PH_TRY(read_string(r));
        break;
    case 't':
        i = add_node(r, PH_JSON_BOOL);
        PH_TRY(read_word(r, "true"));
        break;
    case 'f':
        i = add_node(r, PH_JSON_BOOL);
        PH_TRY(read_word(r, "false"));
        break;
    case 'n':
        i = add_node(r, PH_JSON_NULL);
        PH_TRY(read_word(r, "null"));
        break;
    default:
        if (*r->p != '-' && !is_digit(r, r->p))
            return fail_at(r, r->p, "a value was expected");
        i = add_node(r, PH_JSON_NUMBER);
        PH_TRY(read_number(r));
    }
    close_node(r, i);
    return PHIAL_OK;
}

/* A key and its colon. */
static phial_status read_key(reader *r)
{
    uint32_t i;

    skip_space(r);
    if (r->p == r->end || *r->p != '"')
        return fail_at(r, r->p, "a key in quotes was expected");
    i = add_node(r, PH_JSON_STRING);
    PH_TRY(read_string(r));
    close_node(r, i);
    skip_space(r);
    if (r->p == r->end || *r->p != ':')
        return fail_at(r, r->p, "a colon was expected");
    r->p++;
    return PHIAL_OK;
}

/* A scalar; or opens an array or object and, unless it is empty, leaves the
 * reader at its first value. *complete says whether a value ended. */
static phial_status read_value(reader *r, bool *complete)
{
    bool object;
    uint32_t i;

    skip_space(r);
    *complete = true;
    if (r->p == r->end || (*r->p != '[' && *r->p != '{'))
        return read_scalar(r);
    object = *r->p == '{';
    i = add_node(r, object ? PH_JSON_OBJECT : PH_JSON_ARRAY);
    r->stack[r->depth++] = i;
    r->p++;
    skip_space(r);
    if (r->p < r->end && *r->p == (object ? '}' : ']')) {
        r->p++;
        r->depth--;
        close_node(r, i);
        return PHIAL_OK;
    }
    *complete = false;
    return object ? read_key(r) : PHIAL_OK;
}

/* After a value: closes what ends here and goes to the next value, if any. */
static phial_status read_on(reader *r)
{
    while (r->depth) {
        uint32_t top = r->stack[r->depth - 1];
        bool object = r->json->nodes[top].kind == PH_JSON_OBJECT;

        skip_space(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            return object ? read_key(r) : PHIAL_OK;
        }
        if (r->p == r->end || *r->p != (object ? '}' : ']'))
            return fail_at(r, r->p,
                           object ? "a comma or } was expected"
                                  : "a comma or ] was expected");
        r->p++;
        r->depth--;
        close_node(r, top);
    }
    return PHIAL_OK;
}

static phial_status read_document(reader *r)
{
    do {
        bool complete;

        do {
            PH_TRY(read_value(r, &complete));
        } while (!complete);
        PH_TRY(read_on(r));
    } while (r->depth);
    skip_space(r);
    if (r->p != r->end)
        return fail_at(r, r->p, "nothing may follow the value");
    return PHIAL_OK;
}

/* An upper bound of the number of nodes, which holds for any bytes; refuses
 * what exceeds the limits. */
static phial_status count_nodes(const reader *r, size_t max_keys, size_t *out)
{
    size_t depth = 0, n_nodes = 1, n_keys = 0;
    bool in_string = false;

    for (const char *p = r->p; p < r->end; p++) {
        if (in_string) {
            if (*p == '\\' && p + 1 < r->end)
                p++;
            else
                in_string = *p != '"';
            continue;
        }
        in_string = *p == '"';
        depth += *p == '[' || *p == '{';
        depth -= (*p == ']' || *p == '}') && depth > 0;
        n_nodes += *p == '[' || *p == '{' || *p == ',' || *p == ':';
        n_keys += *p == ':';
        if (depth > PH_JSON_MAX_DEPTH)
            return ph_fail(
                PHIAL_E_MEMORY, "%s: the JSON nests deeper than %d at byte %zu",
                r->what, PH_JSON_MAX_DEPTH, (size_t)(p - r->json->text.data));
    }
    if (n_keys > max_keys)
        return ph_fail(PHIAL_E_MEMORY,
                       "%s: the JSON has %zu keys, at most %zu are allowed",
                       r->what, n_keys, max_keys);
    *out = n_nodes;
    return PHIAL_OK;
}

phial_status ph_json_parse(const ph_heap *heap, ph_str text, const char *what,
                           ph_json *json)
{
    const ph_json_limits limits = {PH_JSON_MAX_BYTES, PH_JSON_MAX_KEYS};

    return ph_json_parse_within(heap, text, what, &limits, json);
}

phial_status ph_json_parse_within(const ph_heap *heap, ph_str text,
                                  const char *what,
                                  const ph_json_limits *limits, ph_json *json)
{
    ph_json result = {.heap = heap, .text = text};
    reader r = {.json = &result,
                .what = what,
                .p = text.data,
                .end = text.data + text.len};
    size_t n = 0;
    phial_status status;

    if (text.len == 0)
        return ph_fail(PHIAL_E_FORMAT, "%s: the JSON is empty", what);
    if (text.len > limits->bytes)
        return ph_fail(PHIAL_E_MEMORY,
                       "%s: %zu bytes of JSON, at most %zu are allowed", what,
                       text.len, limits->bytes);
    if (!ph_utf8_valid(text.data, text.len))
        return ph_fail(PHIAL_E_FORMAT, "%s: the JSON is not valid UTF-8", what);
    PH_TRY(count_nodes(&r, limits->keys, &n));
    result.nodes = ph_alloc(heap, n, sizeof *result.nodes);
    if (!result.nodes)
        return ph_no_memory(what, n * sizeof *result.nodes);
    status = read_document(&r);
    if (status < 0)
        ph_json_free(&result);
    else
        *json = result;
    return status;
}

void ph_json_free(ph_json *json)
{
    ph_free(json->heap, json->nodes);
    *json = (ph_json){.heap = json->heap};
}
