#line 2 "tilt_forms.cl"
// SPDX-License-Identifier: Apache-2.0
// tilt_forms.cl: the form in which a lambda's sums are taken, and the records that the tilt's kernels share.
// Mirrors: EsscherCore/TiltForm, EsscherOpenCL/DeviceLayout.

#ifndef ESSCHER_COMMON
#include "common.cl"
#endif
#ifndef ESSCHER_TILT
#define ESSCHER_TILT
#define TILT_FIELDS 10
// A record has the sums and the form they were taken in, so that nobody has to choose it again.
#define TILT_STRIDE 11
// How a row's lambdas are divided: 0 to centred by power moments, first to end by blocks, all others by samples;
// whether the samples lie in the order of their blocks in a buffer of their own, whether the lambdas about the
// maximum have equal steps, and whether the power moments are taken from the blocks.
#define PLAN_STRIDE 6
#define PLAN_CENTRED 0
#define PLAN_FIRST 1
#define PLAN_END 2
#define PLAN_ORDERED 3
#define PLAN_STEPS 4
#define PLAN_POWERS 5
// Power moments of a row: five sums of twelve, and one more.
#define POWERS 12
#define MOMENT_STRIDE 61

// What the forms are chosen by.
typedef struct {
  double centre, correction, variance, highest, reach, maximum;
} row_shape;

INLINE row_shape shape_of(__global const double *summary, const double mass) {
  row_shape shape;
  const double first = summary[S_FIRST] / mass;
  shape.centre = summary[S_CENTRE];
  shape.maximum = summary[S_HIGHEST];
  shape.correction = summary[S_HIGHEST] == summary[S_LOWEST] ? 0 : first;
  shape.variance = fmax(0.0, summary[S_SECOND] / mass - first * first);
  shape.highest = (summary[S_HIGHEST] - shape.centre) - shape.correction;
  shape.reach = fmax(shape.highest, -((summary[S_LOWEST] - shape.centre) - shape.correction));
  return shape;
}

#define FORM_MOMENTS 0
#define FORM_CENTRED 1
#define FORM_TOPPED 2

INLINE int form_of(const double lambda, const row_shape shape) {
  if (lambda * shape.reach <= 0.5) return FORM_MOMENTS;
  return lambda * lambda * shape.variance < 1 && lambda * shape.highest <= 300 ? FORM_CENTRED : FORM_TOPPED;
}

// Whether lambdas `first` to `end` have equal steps to their rounding: x = lambda d of at most 700 then is off by
// 700 * 2^-52 at most. In rows longer than 2^16, sum (e^x - 1) may be too small for the differences that runs make.
INLINE int has_equal_steps(__global const double *grid, const uint first, const uint end, const uint count) {
  if (count > 1 << 16 || end < first + 2) return 0;
  const double step = (grid[end - 1] - grid[first]) / (double)(end - 1 - first);
  for (uint l = first; l < end; l++)
    if (!(fabs(grid[l] - (grid[first] + step * (double)(l - first))) <= 0x1p-52 * grid[l])) return 0;
  return 1;
}

// Lambdas, or doubled lambdas, from `first` on that are at most `limit`.
INLINE uint served_end(__global const double *grid, const uint first, const uint end, const double limit) {
  uint low = first, high = end;
  while (low < high) {
    const uint guess = (low + high) / 2;
    if (grid[guess] <= limit) low = guess + 1;
    else high = guess;
  }
  return low;
}
#endif
