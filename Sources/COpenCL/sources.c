// SPDX-License-Identifier: Apache-2.0
// The kernels of Kernels/, embedded: the engine's program and the benchmarks', whose parts begin with a #line of their
// own so that a driver's messages name the file.
#include "COpenCL.h"

static const char source[] = {
#embed "../../Kernels/common.cl" suffix(, )
#embed "../../Kernels/widen.cl" suffix(, )
#embed "../../Kernels/row_sums.cl" suffix(, )
#embed "../../Kernels/row_summary.cl" suffix(, )
#embed "../../Kernels/row_sort.cl" suffix(, )
#embed "../../Kernels/merge_sort.cl" suffix(, )
#embed "../../Kernels/radix_sort.cl" suffix(, )
#embed "../../Kernels/tilt_forms.cl" suffix(, )
#embed "../../Kernels/block_moments.cl" suffix(, )
#embed "../../Kernels/block_powers.cl" suffix(, )
#embed "../../Kernels/block_sums.cl" suffix(, )
#embed "../../Kernels/block_cells.cl" suffix(, )
#embed "../../Kernels/tilt_blocks.cl" suffix(, )
#embed "../../Kernels/tilt_sweep.cl" suffix(, )
#embed "../../Kernels/best_of_n.cl" suffix(, )
#embed "../../Kernels/bootstrap.cl" suffix(, )
// Once more, over rows in local memory.
#embed "../../Kernels/near.cl" suffix(, )
#embed "../../Kernels/row_sums.cl" suffix(, )
#embed "../../Kernels/block_cells.cl" suffix(, )
#embed "../../Kernels/tilt_blocks.cl" suffix(, )
    0};

// Apart, so that no run waits for the compiler to be done with kernels that it never launches.
static const char ceilings[] = {
#embed "../../Kernels/common.cl" suffix(, )
#embed "../../Kernels/ceilings.cl" suffix(, )
    0};

const char *copencl_kernel_source(void) { return source; }
const char *copencl_ceiling_source(void) { return ceilings; }
