/* SPDX-License-Identifier: MIT
 * Numbers of JSON. Not by strtod(), whose decimal point is the locale's. */
#include "json/json.h"

#include <math.h>

enum { MAX_DIGITS = 19, MAX_EXPONENT = 400 };

static ph_str spelling(const ph_json *json, uint32_t node)
{
    const ph_json_node *n = &json->nodes[node];

    return (ph_str){json->text.data + n->begin, n->len};
}

bool ph_json_u64(const ph_json *json, uint32_t node, uint64_t *out)
{
    const ph_str s = spelling(json, node);
    uint64_t value = 0;

    if (json->nodes[node].kind != PH_JSON_NUMBER)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9' ||
            !ph_mul64(value, 10, &value) ||
            !ph_add64(value, (uint64_t)(s.data[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

/* digits * 10^exponent; digits that do not count any more are in the exponent
 * alone. */
typedef struct decimal {
    uint64_t digits;
    int n_digits;
    int exponent;
} decimal;

static void add_digit(decimal *d, char c, bool fraction)
{
    if (d->n_digits < MAX_DIGITS) {
        d->digits = d->digits * 10 + (uint64_t)(c - '0');
        d->n_digits += d->digits != 0;
        d->exponent -= fraction;
    } else {
        d->exponent += !fraction && d->exponent < MAX_EXPONENT;
    }
}

/* What follows the e. */
static int read_exponent(const char *p, const char *end)
{
    const bool negative = *p == '-';
    int value = 0;

    p += *p == '-' || *p == '+';
    for (; p < end; p++)
        value = value < 10000 ? value * 10 + (*p - '0') : value;
    return negative ? -value : value;
}

/* Every step is one rounding at most, the same on every machine. */
static double scale(double value, int exponent)
{
    static const double tens[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

    for (; exponent > 22 && value < INFINITY; exponent -= 22)
        value *= 1e22;
    for (; exponent < -22 && value > 0; exponent += 22)
        value /= 1e22;
    if (exponent > 22 || exponent < -22)
        return value;
    return exponent < 0 ? value / tens[-exponent] : value * tens[exponent];
}

bool ph_json_double(const ph_json *json, uint32_t node, double *out)
{
    const ph_str s = spelling(json, node);
    const char *p = s.data, *end = s.data + s.len;
    decimal d = {0, 0, 0};
    bool fraction = false;
    double high, low, value;

    if (json->nodes[node].kind != PH_JSON_NUMBER)
        return false;
    p += *p == '-';
    for (; p < end && (*p | 32) != 'e'; p++) {
        if (*p == '.')
            fraction = true;
        else
            add_digit(&d, *p, fraction);
    }
    if (p < end)
        d.exponent += read_exponent(p + 1, end);
    /* 19 digits are more than a double holds, but two hold them exactly */
    high = (double)(d.digits & ~(uint64_t)0x7ff);
    low = (double)(d.digits & 0x7ff);
    value = scale(high, d.exponent) + scale(low, d.exponent);
    *out = *s.data == '-' ? -value : value;
    return true;
}

bool ph_json_bool(const ph_json *json, uint32_t node, bool *out)
{
    if (json->nodes[node].kind != PH_JSON_BOOL)
        return false;
    *out = json->text.data[json->nodes[node].begin] == 't';
    return true;
}
