#line 2 "near.cl"
// SPDX-License-Identifier: Apache-2.0
// near.cl: for processors, the helpers over a row of floats that is put in order in local memory, which is their caches.
// The files behind this one are compiled a second time, with _near behind every name.
// Macros:  VEC (8; lanes of GPUs sort, and their local memory holds no row).

#if VEC == 8
#ifndef ESSCHER_COMMON
#define NEAR_ALONE
#include "common.cl"
#include "row_sums.cl"
#include "tilt_forms.cl"
#include "block_moments.cl"
#include "block_powers.cl"
#include "block_sums.cl"
#include "block_cells.cl"
#endif
#undef IS_NEAR
#undef SAMPLE
#undef PLACED
#undef LOAD_SAMPLE
#undef NAMED
#define IS_NEAR 1
#define SAMPLE float
#define PLACED __local
// Devices that flush small floats do not come here.
#define LOAD_SAMPLE(pointer, index) convert_double8(vload8(0, (pointer) + (index)))
#define NAMED(name) name##_near
#ifdef NEAR_ALONE
#include "row_sums.cl"
#include "block_cells.cl"
#include "tilt_blocks.cl"
#endif
#endif
