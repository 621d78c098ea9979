/* SPDX-License-Identifier: MIT
 * "PATTERN=TYPE": the type of all matrices whose name matches, where * stands
 * for any text and ? for one character. */
#include "quantize/plan.h"

/* Without regard to the case of ASCII letters. */
static bool same_word(ph_str a, const char *b)
{
    size_t i;

    for (i = 0; i < a.len && b[i]; i++) {
        const char c = a.data[i], d = b[i];
        const char lower = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        const char other = d >= 'A' && d <= 'Z' ? (char)(d + 32) : d;

        if (lower != other)
            return false;
    }
    return i == a.len && !b[i];
}

/* Back to the last * on a mismatch: no recursion, and time in the product of
 * the lengths at most. */
static bool matches(ph_str pattern, ph_str name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, from = 0;

    while (n < name.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            from = n;
        } else if (p < pattern.len && (pattern.data[p] == '?' ||
                                       pattern.data[p] == name.data[n])) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}

static phial_status split(const char *text, ph_str *pattern, ph_dtype *type)
{
    const char *sign = strrchr(text, '=');
    ph_str word;

    if (!sign || sign == text)
        return ph_fail(PHIAL_E_ARGUMENT,
                       "override \"%s\" is not of the form PATTERN=TYPE",
                       ph_show(ph_str_of(text)).text);
    *pattern = (ph_str){text, (size_t)(sign - text)};
    word = ph_str_of(sign + 1);
    for (uint32_t id = 0; id <= PH_BF16; id++)
        if (ph_can_encode((ph_dtype)id) &&
            same_word(word, ph_dtype_get(id)->name)) {
            *type = (ph_dtype)id;
            return PHIAL_OK;
        }
    return ph_fail(PHIAL_E_ARGUMENT,
                   "override \"%s\" names no type that can be written; "
                   "expected one of " PH_ENCODED_TYPES,
                   ph_show(ph_str_of(text)).text);
}

phial_status ph_override_check(const ph_quantize_config *config)
{
    ph_str pattern;
    ph_dtype type;

    for (size_t i = 0; i < config->n_overrides; i++) {
        if (!config->overrides[i])
            return ph_fail(PHIAL_E_ARGUMENT, "overrides[%zu] is NULL", i);
        PH_TRY(split(config->overrides[i], &pattern, &type));
    }
    return PHIAL_OK;
}

phial_status ph_override_find(const ph_quantize_config *config, ph_str name,
                              ph_dtype *type, size_t *index)
{
    ph_str pattern;

    for (*index = 0; *index < config->n_overrides; ++*index) {
        ph_dtype found;

        PH_TRY(split(config->overrides[*index], &pattern, &found));
        if (matches(pattern, name)) {
            *type = found;
            return PHIAL_OK;
        }
    }
    return PHIAL_OK;
}
