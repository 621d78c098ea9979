/* SPDX-License-Identifier: MIT
 * The encoders for plain C, and what the compiler may use anyway. */
#include "quantize/encoders_generic.h"

const ph_encoders ph_encoders_portable = {encode_blocks, load_floats};
