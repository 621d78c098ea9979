/* SPDX-License-Identifier: MIT
 * The encoders for AVX-512. */
#include "quantize/encoders_generic.h"

const ph_encoders ph_encoders_avx512 = {encode_blocks, load_floats};
