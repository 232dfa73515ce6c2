#line 2 "widen.cl"
// SPDX-License-Identifier: Apache-2.0
// widen.cl: floats that came to the device as they are stored, as doubles.
// Layout:  wide[i] = narrow[i], all rows of a tile back to back, padding included.
// Launch:  work-groups of WG_SIZE lanes, any number; each lane takes every so many cells.
// Method:  by integers, because a device may flush small floats. Exact for finite floats; the host lets no others in.
// Mirrors: nothing: the processor reads floats where they lie.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif

__kernel void widen(__global const uint *restrict narrow, __global double *restrict wide, const ulong count) {
  for (ulong i = get_global_id(0); i < count; i += get_global_size(0)) {
    const uint bits = narrow[i];
    const ulong sign = (ulong)(bits >> 31) << 63;
    const uint size = bits & 0x7FFFFFFFU;
    const ulong normal = ((ulong)(size >> 23) + 896) << 52 | (ulong)(size & 0x7FFFFFU) << 29;
    // Below 2^-126 floats have no leading one.
    const double small = (double)size * 0x1p-149;
    wide[i] = as_double(sign | (size >> 23 ? normal : as_ulong(small)));
  }
}
