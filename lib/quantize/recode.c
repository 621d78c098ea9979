/* SPDX-License-Identifier: MIT
 * A piece of a tensor from the type that the file has to another: the way of
 * every weight that is quantised, to a file or to memory. */
#include "quantize/quantize.h"

#include "kernels/kernels.h"

#include <math.h>

static phial_status refuse(const ph_recoding *what, float x, uint64_t at)
{
    const ph_shown path = ph_show_path(ph_gguf_path(what->gguf));
    const ph_shown name = ph_show(what->tensor->name);

    if (isfinite(x))
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s: tensor \"%s\" has %g at element %llu, beyond %g, "
                       "the most that %s is sure to hold",
                       path.text, name.text, (double)x, (unsigned long long)at,
                       (double)ph_encode_limit(what->type),
                       ph_dtype_get(what->type)->name);
    return ph_fail(PHIAL_E_NUMERIC,
                   "%s: tensor \"%s\" has %s at element %llu, expected finite "
                   "numbers",
                   path.text, name.text, isnan(x) ? "a NaN" : "an infinity",
                   (unsigned long long)at);
}

/* Also a NaN is not within the limit. */
static phial_status check(const ph_recoding *what, const float *x, size_t n,
                          uint64_t first)
{
    const float limit = ph_encode_limit(what->type);
    int bad = 0;

    for (size_t i = 0; i < n; i++)
        bad |= !(fabsf(x[i]) <= limit);
    for (size_t i = 0; i < n && bad; i++)
        if (!(fabsf(x[i]) <= limit))
            return refuse(what, x[i], first + i);
    return PHIAL_OK;
}

phial_status ph_recode(const ph_recoding *what, uint64_t first, size_t n,
                       uint8_t *raw, float *floats, uint8_t *out)
{
    const ph_dtype type = (ph_dtype)what->tensor->type;
    uint64_t at, bytes;

    if (!ph_dtype_bytes(type, first, &at) || !ph_dtype_bytes(type, n, &bytes))
        return ph_fail(PHIAL_E_INTERNAL, "a piece of a tensor is cut wrongly");
    PH_TRY(ph_gguf_read(what->gguf, what->tensor, at, raw, (size_t)bytes));
    ph_dequantize(type, raw, floats, n);
    PH_TRY(check(what, floats, n, first));
    if (type == what->type)
        memcpy(out, raw, (size_t)bytes);
    else
        ph_encode(what->type, floats, out, n);
    return PHIAL_OK;
}
