#line 2 "common.cl"
// SPDX-License-Identifier: Apache-2.0
// common.cl: what every kernel shares. One source, two builds: VEC 8 and WG_SIZE 1 for processors, whose
// compilers do not vectorise across work-items; VEC 1 and WG_SIZE lanes with a local tree for GPUs.
// Macros:  WG_SIZE (power of two, lanes of a work-group, default 64), VEC (1|8 doubles a lane, default 1).
// Bits:    explicit fma, no contraction and our own exponential, so that every compiler agrees.

#ifndef WG_SIZE
#define WG_SIZE 64
#endif
#ifndef VEC
#define VEC 1
#endif

// What a row's samples are, where they are put in order, and the names of the helpers over them; for processors there is
// a second set (near.cl).
#ifndef IS_NEAR
#define IS_NEAR 0
#define SAMPLE double
#define PLACED __global
#define LOAD_SAMPLE(pointer, index) LOAD(pointer, index)
#define NAMED(name) name
#endif

#ifndef ESSCHER_COMMON
#define ESSCHER_COMMON
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#pragma OPENCL FP_CONTRACT OFF

#if VEC == 8
typedef double8 real;
typedef long8 wide;
#define AS_WIDE as_long8
#define AS_REAL as_double8
#define LOAD(pointer, index) vload8(0, (pointer) + (index))
#define STORE(value, pointer, index) vstore8((value), 0, (pointer) + (index))
#define STEPS ((wide)(0, 1, 2, 3, 4, 5, 6, 7))
#else
typedef double real;
typedef long wide;
#define AS_WIDE as_long
#define AS_REAL as_double
#define LOAD(pointer, index) ((pointer)[index])
#define STORE(value, pointer, index) ((pointer)[index] = (value))
#define STEPS ((wide)0)
#endif

// Every helper is inlined by force: PoCL 3.1 mixes up the work-groups of its threads where a function that
// holds a barrier stays a function.
#define INLINE static inline __attribute__((always_inline))

// A lane that is alone waits for nobody, and without barriers compilers keep its values in registers.
#if WG_SIZE == 1
#define BARRIER(memory)
#else
#define BARRIER(memory) barrier(memory)
#endif

// Every lane of a work-group goes through its loops equally often, and lanes without a sample mask what
// they read, so that no barrier depends on a lane's own trip count.

// Vectors that the lanes read in turn from `base` on, at most CHUNK each.
#define TURNS(base, count) min((uint)CHUNK, ((count) - (base) + WG_SIZE * VEC - 1) / (WG_SIZE * VEC))
// Where a lane reads in a turn; the row's start where it has no sample left.
#define PLACE(index, count) ((index) < (count) ? (index) : 0)

// Samples that a lane adds up plainly before the sum is folded into a compensated one.
#define CHUNK 64

// Fields of a row's summary.
#define SUMMARY_STRIDE 10
#define S_LOWEST 0
#define S_HIGHEST 1
#define S_CENTRE 2
#define S_FIRST 3
#define S_SECOND 4
#define S_TOP 5
#define S_GOLD_MIDDLE 6
#define S_GOLD_FIRST 7
#define S_SQUARES 8

// What a row has besides its rewards.
#define HAS_RANK 1
#define HAS_GOLD 2
#define HAS_WEIGHTS 4
// How its samples lie, and whether blocks of them may serve the tilt.
#define IS_SORTED 8
#define HAS_BLOCKS 16
// Whether the sums at twice each lambda are wanted (32 is row_sort.cl's).
#define HAS_SQUARES 64

// Sum of a lane's vector in a fixed tree.
INLINE double total(real v) {
#if VEC == 8
  double4 four = v.lo + v.hi;
  double2 two = four.lo + four.hi;
  return two.lo + two.hi;
#else
  return v;
#endif
}

// Adds x to a sum whose lost digits are kept in *rest (Neumaier).
INLINE double add_compensated(double sum, double x, double *rest) {
  double t = sum + x;
  *rest += fabs(sum) >= fabs(x) ? (sum - t) + x : (x - t) + sum;
  return t;
}

// e^x as 2^k and 2^k (e^f - 1), x = k ln 2 + f: exp and expm1 both follow without loss.
// Domain x <= 700; below -700 as -700. Mirrors CPUKernels/VectorExp.swift.
INLINE real exp_parts(real argument, real *scale) {
  real x = fmax(argument, (real)-700.0);
  const real magic = (real)0x1.8p52;
  real shifted = fma(x, (real)0x1.71547652b82fep0, magic);
  real k = shifted - magic;
  real f = fma(k, (real)-0x1.a39ef35793c76p-33, fma(k, (real)-0x1.62e42feep-1, x));
  real series = (real)(1.0 / 6227020800.0);
  series = fma(series, f, (real)(1.0 / 479001600.0));
  series = fma(series, f, (real)(1.0 / 39916800.0));
  series = fma(series, f, (real)(1.0 / 3628800.0));
  series = fma(series, f, (real)(1.0 / 362880.0));
  series = fma(series, f, (real)(1.0 / 40320.0));
  series = fma(series, f, (real)(1.0 / 5040.0));
  series = fma(series, f, (real)(1.0 / 720.0));
  series = fma(series, f, (real)(1.0 / 120.0));
  series = fma(series, f, (real)(1.0 / 24.0));
  series = fma(series, f, (real)(1.0 / 6.0));
  series = fma(series, f, (real)0.5);
  real expm1_f = fma(f * f, series, f);
  *scale = AS_REAL((AS_WIDE(shifted) << (wide)52) + (wide)0x3FF0000000000000L);
  return expm1_f * *scale;
}

// 1 in the lanes that still belong to the row, 0 behind its end.
INLINE real keep_mask(long rest) {
#if VEC == 8
  return select((real)0.0, (real)1.0, STEPS < (wide)rest);
#else
  return rest > 0 ? 1.0 : 0.0;
#endif
}

// x where keep is 1, and 0 where it is 0 whatever x is (padding may be anything).
INLINE real keep_only(real x, real keep) {
#if VEC == 8
  return select((real)0.0, x, keep != (real)0.0);
#else
  return keep != 0.0 ? x : 0.0;
#endif
}

// Sum, minimum or maximum over a work-group in a fixed tree; every lane gets it. All lanes must come.
INLINE double group_sum(double x, __local double *scratch) {
  const size_t lane = get_local_id(0);
  BARRIER(CLK_LOCAL_MEM_FENCE);
  scratch[lane] = x;
  BARRIER(CLK_LOCAL_MEM_FENCE);
  for (size_t width = WG_SIZE / 2; width > 0; width /= 2) {
    if (lane < width) scratch[lane] += scratch[lane + width];
    BARRIER(CLK_LOCAL_MEM_FENCE);
  }
  return scratch[0];
}

INLINE double group_min(double x, __local double *scratch) {
  const size_t lane = get_local_id(0);
  BARRIER(CLK_LOCAL_MEM_FENCE);
  scratch[lane] = x;
  BARRIER(CLK_LOCAL_MEM_FENCE);
  for (size_t width = WG_SIZE / 2; width > 0; width /= 2) {
    if (lane < width) scratch[lane] = fmin(scratch[lane], scratch[lane + width]);
    BARRIER(CLK_LOCAL_MEM_FENCE);
  }
  return scratch[0];
}

INLINE double group_max(double x, __local double *scratch) { return -group_min(-x, scratch); }
#endif
