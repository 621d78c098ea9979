/* SPDX-License-Identifier: MIT
 * What is asked of JSON that has been read: strings, members, and the text
 * again in one spelling. */
#include "json/json.h"

#include "text/text.h"

static ph_str raw(const ph_json *json, uint32_t node)
{
    const ph_json_node *n = &json->nodes[node];

    return (ph_str){json->text.data + n->begin, n->len};
}

static uint32_t hex4(const char *p)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++)
        value = value * 16 +
                (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    return value;
}

/* Decodes the character of a checked string at p and returns how many bytes of
 * the text it took; *n bytes of out are its value. Bytes beyond ASCII come one
 * by one. */
static size_t next_char(const char *p, char out[4], size_t *n)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    uint32_t unit;
    const char *name;

    *n = 1;
    out[0] = *p;
    if (*p != '\\')
        return 1;
    if (p[1] != 'u') {
        name = strchr(names, p[1]);
        out[0] = name ? values[name - names] : p[1];
        return 2;
    }
    unit = hex4(p + 2);
    if (unit < 0xd800 || unit >= 0xe000) {
        *n = ph_utf8_put(unit, out);
        return 6;
    }
    unit = 0x10000 + ((unit - 0xd800) << 10) + (hex4(p + 8) - 0xdc00);
    *n = ph_utf8_put(unit, out);
    return 12;
}

bool ph_json_is(const ph_json *json, uint32_t node, const char *value)
{
    ph_str s = raw(json, node);
    size_t left = strlen(value), n;
    char bytes[4];

    if (json->nodes[node].kind != PH_JSON_STRING)
        return false;
    for (size_t i = 1; i + 1 < s.len;) {
        i += next_char(s.data + i, bytes, &n);
        if (n > left || memcmp(bytes, value, n) != 0)
            return false;
        value += n;
        left -= n;
    }
    return left == 0;
}

phial_status ph_json_string(const ph_json *json, uint32_t node, ph_buf *out)
{
    ph_str s = raw(json, node);
    size_t i = 1, n;
    char bytes[4];

    while (i + 1 < s.len) {
        size_t begin = i;

        while (i + 1 < s.len && s.data[i] != '\\')
            i++;
        PH_TRY(ph_buf_put(out, s.data + begin, i - begin));
        if (i + 1 < s.len) {
            i += next_char(s.data + i, bytes, &n);
            PH_TRY(ph_buf_put(out, bytes, n));
        }
    }
    return PHIAL_OK;
}

uint32_t ph_json_get(const ph_json *json, uint32_t object, const char *key)
{
    uint32_t found = PH_JSON_NONE;

    for (uint32_t i = object + 1; i < json->nodes[object].end;) {
        uint32_t value = json->nodes[i].end;

        if (ph_json_is(json, i, key))
            found = value;
        i = json->nodes[value].end;
    }
    return found;
}

uint32_t ph_json_count(const ph_json *json, uint32_t node)
{
    uint32_t n = 0;

    for (uint32_t i = node + 1; i < json->nodes[node].end;
         i = json->nodes[i].end)
        n++;
    return n;
}

phial_status ph_json_quote(ph_str text, ph_buf *out)
{
    static const char special[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    size_t i = 0;

    PH_TRY(ph_buf_put(out, "\"", 1));
    while (i < text.len) {
        size_t begin = i;
        const char *at;

        while (i < text.len && (uint8_t)text.data[i] >= 0x20 &&
               text.data[i] != '"' && text.data[i] != '\\')
            i++;
        PH_TRY(ph_buf_put(out, text.data + begin, i - begin));
        if (i == text.len)
            break;
        at = memchr(special, text.data[i], sizeof special - 1);
        if (at)
            PH_TRY(ph_buf_printf(out, "\\%c", names[at - special]));
        else
            PH_TRY(ph_buf_printf(out, "\\u%04x", (unsigned)text.data[i]));
        i++;
    }
    return ph_buf_put(out, "\"", 1);
}

static phial_status dump_scalar(const ph_json *json, uint32_t node,
                                ph_buf *scratch, ph_buf *out)
{
    ph_str s = raw(json, node);

    if (json->nodes[node].kind != PH_JSON_STRING)
        return ph_buf_put(out, s.data, s.len);
    scratch->len = 0;
    PH_TRY(ph_json_string(json, node, scratch));
    return ph_json_quote((ph_str){scratch->data, scratch->len}, out);
}

/* Goes through the nodes in order; the stack holds what is open. */
static phial_status dump_nodes(const ph_json *json, uint32_t node,
                               ph_buf *scratch, ph_buf *out)
{
    uint32_t open[PH_JSON_MAX_DEPTH], n_before[PH_JSON_MAX_DEPTH];
    size_t depth = 0;
    uint32_t i = node;

    do {
        const ph_json_node *n = &json->nodes[i];

        if (depth && n_before[depth - 1]++) {
            bool value = json->nodes[open[depth - 1]].kind == PH_JSON_OBJECT &&
                         n_before[depth - 1] % 2 == 0;

            PH_TRY(ph_buf_put(out, value ? ": " : ", ", 2));
        }
        if (n->kind == PH_JSON_ARRAY || n->kind == PH_JSON_OBJECT) {
            PH_TRY(ph_buf_put(out, n->kind == PH_JSON_ARRAY ? "[" : "{", 1));
            open[depth] = i;
            n_before[depth++] = 0;
        } else {
            PH_TRY(dump_scalar(json, i, scratch, out));
        }
        i++;
        while (depth && json->nodes[open[depth - 1]].end == i) {
            depth--;
            PH_TRY(ph_buf_put(
                out, json->nodes[open[depth]].kind == PH_JSON_ARRAY ? "]" : "}",
                1));
        }
    } while (depth);
    return PHIAL_OK;
}

phial_status ph_json_dump(const ph_json *json, uint32_t node, ph_buf *out)
{
    ph_buf scratch = {.heap = json->heap};
    phial_status status = dump_nodes(json, node, &scratch, out);

    ph_buf_free(&scratch);
    return status;
}
