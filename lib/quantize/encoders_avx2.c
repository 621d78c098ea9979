/* SPDX-License-Identifier: MIT
 * The encoders for AVX2. */
#include "quantize/encoders_generic.h"

const ph_encoders ph_encoders_avx2 = {encode_blocks, load_floats};
