/* SPDX-License-Identifier: MIT
 * A piece of a tensor from the type that the file has to another: the way of
 * every weight that is quantised, to a file or to memory. */
#include "quantize/merge.h"

#include <math.h>

/* One of x is beyond the limit: a NaN is, too. */
static phial_status refuse(const ph_recoding *what, const float *x,
                           uint64_t first)
{
    const ph_shown path = ph_show_path(ph_gguf_path(what->gguf));
    const ph_shown name = ph_show(what->tensor->name);
    const char *merged = what->deltas ? " merged with the adapters" : "";
    const float limit = ph_encode_limit(what->type);
    size_t i = 0;

    while (fabsf(x[i]) <= limit)
        i++;
    if (isfinite(x[i]))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: tensor \"%s\"%s has %g at element %llu, beyond %g, "
                       "the most that %s is sure to hold",
                       path.text, name.text, merged, (double)x[i],
                       (unsigned long long)(first + i), (double)limit,
                       ph_dtype_get(what->type)->name);
    return ph_fail(
        PHIAL_E_NUMERIC,
        "%s: tensor \"%s\"%s has %s at element %llu, expected finite "
        "numbers",
        path.text, name.text, merged, isnan(x[i]) ? "a NaN" : "an infinity",
        (unsigned long long)(first + i));
}

static bool is_beyond(uint32_t bits, float limit)
{
    float magnitude;

    memcpy(&magnitude, &bits, sizeof magnitude);
    return !(magnitude <= limit);
}

/* What each element of a part counts, by its column. */
static const float *spread(const ph_recoding *what, uint64_t first, size_t n,
                           const ph_recoder *with)
{
    const uint64_t cols = what->tensor->dims[0];
    uint64_t col = first % cols;

    if (!what->importance)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        with->importance[i] = what->importance[col];
        col = col + 1 < cols ? col + 1 : 0;
    }
    return with->importance;
}

/* n elements that lie in raw, of which the first is element first. */
static phial_status recode(const ph_recoding *what, uint64_t first, size_t n,
                           const ph_recoder *with, uint8_t *out)
{
    const ph_dtype type = (ph_dtype)what->tensor->type;
    const ph_dtype_info *from = ph_dtype_get(type);
    const ph_dtype_info *into = ph_dtype_get(what->type);
    const float limit = ph_encode_limit(what->type);

    for (size_t at = 0; at < n; at += PH_RECODE_FLOATS) {
        const size_t part = ph_min(n - at, PH_RECODE_FLOATS);
        const uint8_t *raw =
            with->raw + at / from->block_elems * from->block_bytes;
        uint8_t *to = out + at / into->block_elems * into->block_bytes;
        uint32_t most =
            ph_decode(with->encoders, type, raw, with->floats, part);

        if (what->deltas)
            most = ph_merge_add(what, first + at, with->floats, part);
        if (is_beyond(most, limit))
            return refuse(what, with->floats, first + at);
        if (type != what->type || what->deltas)
            ph_encode(with->encoders, what->type, with->floats,
                      spread(what, first + at, part, with), to, part);
        if (type == what->type && what->deltas)
            ph_merge_keep(what, first + at, part, raw, to);
    }
    return PHIAL_OK;
}

phial_status ph_recode(const ph_recoding *what, uint64_t first, size_t n,
                       const ph_recoder *with, uint8_t *out)
{
    const ph_dtype type = (ph_dtype)what->tensor->type;
    uint64_t at, bytes;

    if (!ph_dtype_bytes(type, first, &at) || !ph_dtype_bytes(type, n, &bytes))
        return ph_fail(PHIAL_E_INTERNAL, "a piece of a tensor is cut wrongly");
    PH_TRY(
        ph_gguf_read(what->gguf, what->tensor, at, with->raw, (size_t)bytes));
    PH_TRY(recode(what, first, n, with, out));
    if (type == what->type && !what->deltas)
        memcpy(out, with->raw, (size_t)bytes);
    return PHIAL_OK;
}
