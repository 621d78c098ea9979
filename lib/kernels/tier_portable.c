/* SPDX-License-Identifier: MIT
 * The kernels in plain C: the specification of the bits. */
#include "kernels/act_quantize_generic.h"
#include "kernels/attention_generic.h"
#include "kernels/cache_generic.h"
#include "kernels/elementwise_generic.h"
#include "kernels/matmul_generic.h"
#include "kernels/tier.h"

const ph_kernels ph_kernels_portable = {
    .name = "portable",
    .quantize_acts = quantize_acts,
    .matmul = matmul_generic,
    .rms_norm = rms_norm,
    .add_to = add_to,
    .swiglu = swiglu,
    .rope = rope,
    .hadamard = hadamard,
    .cache_put = cache_put,
    .attend = attend,
};
