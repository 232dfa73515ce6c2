// SPDX-License-Identifier: Apache-2.0
// Ascending sort of signed keys with vectors: quicksort down to what fits into registers, sorting networks there.
//
// Included once for each key type and instruction set, with these macros set:
//   KEY, KEY_MAX     the key type and its largest value
//   LANES            keys of a vector: 4, 8 or 16
//   NAMED(name)      the instance's name of a function
//   LOAD_PART(p, c)  the first c keys at p, c of any size, KEY_MAX in the other lanes
//   STORE_PART(p, c, v)  the first c lanes of v, c of any size
//   PARTITION(p, n, other, bound)  see below
//   RADIX(p, n, spare)   a sort in time proportional to n, for keys that make the pivots fail
//
// Networks work on columns: up to 16 vectors are LANES columns, each column is sorted by itself (a comparator is two
// instructions for all columns), and then neighbouring columns are merged until one is left, which runs down the
// first column, then down the second, and so on. A transposition brings it into the order of memory.

#define ROWS 16  // vectors of the largest network

typedef KEY NAMED(Vector) __attribute__((vector_size(LANES * sizeof(KEY))));
typedef KEY NAMED(Unaligned)
    __attribute__((vector_size(LANES * sizeof(KEY)), aligned(sizeof(KEY)), may_alias));

#if LANES == 16
#define LANE_LIST(F, d)                                                                          \
  F(0, d), F(1, d), F(2, d), F(3, d), F(4, d), F(5, d), F(6, d), F(7, d), F(8, d), F(9, d),     \
      F(10, d), F(11, d), F(12, d), F(13, d), F(14, d), F(15, d)
#define LANE_BITS 4
#elif LANES == 8
#define LANE_LIST(F, d) F(0, d), F(1, d), F(2, d), F(3, d), F(4, d), F(5, d), F(6, d), F(7, d)
#define LANE_BITS 3
#else
#define LANE_LIST(F, d) F(0, d), F(1, d), F(2, d), F(3, d)
#define LANE_BITS 2
#endif

// Lane l of the result, as an index into the lanes of one vector or of two.
#define LANE_XOR(l, d) ((l) ^ (d))
#define LANE_BLEND(l, d) ((l) & (d) ? LANES + (l) : (l))
#define LANE_EXCHANGE_LOW(l, d) ((l) & (d) ? LANES + ((l) ^ (d)) : (l))
#define LANE_EXCHANGE_HIGH(l, d) ((l) & (d) ? LANES + (l) : ((l) ^ (d)))
#define LANE_ROTATE(l, bits) ((((l) & ((1 << (bits)) - 1)) << (LANE_BITS - (bits))) | ((l) >> (bits)))
#define SHUFFLE(a, b, F, d) __builtin_shufflevector(a, b, LANE_LIST(F, d))

#define UNROLLED _Pragma("clang loop unroll(full)")
#define ALWAYS static inline __attribute__((always_inline))

ALWAYS void NAMED(comparator)(NAMED(Vector) * low, NAMED(Vector) * high) {
  const NAMED(Vector) a = *low, b = *high;
  *low = __builtin_elementwise_min(a, b);
  *high = __builtin_elementwise_max(a, b);
}

// Batcher's odd-even merge sort of the rows of every column: 5, 19 and 63 comparators for 4, 8 and 16 rows.
ALWAYS void NAMED(sort_columns)(NAMED(Vector) * v, const int rows) {
  UNROLLED for (int p = 1; p < rows; p *= 2) {
    UNROLLED for (int k = p; k >= 1; k /= 2) {
      UNROLLED for (int j = k % p; j + k < rows; j += 2 * k) {
        UNROLLED for (int i = 0; i < k; i++) {
          if (i + j + k < rows && (i + j) / (2 * p) == (i + j + k) / (2 * p))
            NAMED(comparator)(&v[i + j], &v[i + j + k]);
        }
      }
    }
  }
}

// Merges a bitonic sequence that lies along the rows of each column.
ALWAYS void NAMED(merge_rows)(NAMED(Vector) * v, const int rows) {
  UNROLLED for (int distance = rows / 2; distance >= 1; distance /= 2) {
    UNROLLED for (int i = 0; i < rows; i++) {
      if ((i & distance) == 0) NAMED(comparator)(&v[i], &v[i + distance]);
    }
  }
}

// A step of a merge between columns: lane l with lane l ^ x, of the row itself or, in a merge's first step, of the
// mirrored row; lanes with `bit` set keep the larger key.
#define BETWEEN_COLUMNS(x, bit, partner)                                              \
  do {                                                                                \
    NAMED(Vector) w[ROWS];                                                            \
    UNROLLED for (int i = 0; i < rows; i++) {                                         \
      const NAMED(Vector) other = SHUFFLE(v[partner], v[partner], LANE_XOR, x);       \
      const NAMED(Vector) low = __builtin_elementwise_min(v[i], other);               \
      const NAMED(Vector) high = __builtin_elementwise_max(v[i], other);              \
      w[i] = SHUFFLE(low, high, LANE_BLEND, bit);                                     \
    }                                                                                 \
    UNROLLED for (int i = 0; i < rows; i++) v[i] = w[i];                              \
  } while (0)
#define FIRST_STEP(x, bit) BETWEEN_COLUMNS(x, bit, rows - 1 - i)
#define STEP(bit) BETWEEN_COLUMNS(bit, bit, i)

ALWAYS void NAMED(merge_columns)(NAMED(Vector) * v, const int rows) {
  FIRST_STEP(1, 1);
  NAMED(merge_rows)(v, rows);
  FIRST_STEP(3, 2);
  STEP(1);
  NAMED(merge_rows)(v, rows);
#if LANES >= 8
  FIRST_STEP(7, 4);
  STEP(2);
  STEP(1);
  NAMED(merge_rows)(v, rows);
#endif
#if LANES >= 16
  FIRST_STEP(15, 8);
  STEP(4);
  STEP(2);
  STEP(1);
  NAMED(merge_rows)(v, rows);
#endif
}

// Exchanges one bit of the row index with one of the lane index.
#define EXCHANGE(row, lane)                                                          \
  do {                                                                               \
    UNROLLED for (int i = 0; i < rows; i++) {                                        \
      if ((i & (row)) == 0) {                                                        \
        const NAMED(Vector) a = v[i], b = v[i + (row)];                              \
        v[i] = SHUFFLE(a, b, LANE_EXCHANGE_LOW, lane);                               \
        v[i + (row)] = SHUFFLE(a, b, LANE_EXCHANGE_HIGH, lane);                      \
      }                                                                              \
    }                                                                                \
  } while (0)

#define ROTATE(bits) \
  UNROLLED for (int i = 0; i < rows; i++) v[i] = SHUFFLE(v[i], v[i], LANE_ROTATE, bits)

// Column after column becomes row after row; `place[i]` is where row i of the result goes.
ALWAYS void NAMED(transpose)(NAMED(Vector) * v, const int rows, int *place) {
  UNROLLED for (int i = 0; i < rows; i++) place[i] = i;
  if (rows >= LANES) {
    EXCHANGE(1, 1);
    EXCHANGE(2, 2);
#if LANES >= 8
    EXCHANGE(4, 4);
#endif
#if LANES >= 16
    EXCHANGE(8, 8);
#endif
    UNROLLED for (int i = 0; i < rows; i++)
      place[i] = (i % LANES) * (rows / LANES) + i / LANES;
  } else if (rows == 8) {
#if LANES > 8
    EXCHANGE(1, 2);
    EXCHANGE(2, 4);
    EXCHANGE(4, 8);
    ROTATE(3);
#endif
  } else if (rows == 4) {
#if LANES > 4
    EXCHANGE(1, LANES / 4);
    EXCHANGE(2, LANES / 2);
    ROTATE(2);
#endif
  } else if (rows == 2) {
    EXCHANGE(1, LANES / 2);
    ROTATE(1);
  }
}

// Sorts at most rows * LANES keys, more than half as many, in registers.
ALWAYS void NAMED(network)(const KEY *keys, long count, KEY *target, const int rows) {
  NAMED(Vector) v[ROWS];
  int place[ROWS];
  UNROLLED for (int i = 0; i < rows; i++) {
    v[i] = i < rows / 2 ? *(const NAMED(Unaligned) *)(keys + i * LANES)
                        : LOAD_PART(keys + i * LANES, count - i * LANES);
  }
  NAMED(sort_columns)(v, rows);
  NAMED(merge_columns)(v, rows);
  NAMED(transpose)(v, rows, place);
  UNROLLED for (int i = 0; i < rows; i++) {
    if (place[i] < rows / 2)
      *(NAMED(Unaligned) *)(target + place[i] * LANES) = v[i];
    else
      STORE_PART(target + place[i] * LANES, count - place[i] * LANES, v[i]);
  }
}

static __attribute__((noinline)) void NAMED(network1)(const KEY *keys, long count, KEY *target) {
  NAMED(network)(keys, count, target, 1);
}
static __attribute__((noinline)) void NAMED(network2)(const KEY *keys, long count, KEY *target) {
  NAMED(network)(keys, count, target, 2);
}
static __attribute__((noinline)) void NAMED(network4)(const KEY *keys, long count, KEY *target) {
  NAMED(network)(keys, count, target, 4);
}
static __attribute__((noinline)) void NAMED(network8)(const KEY *keys, long count, KEY *target) {
  NAMED(network)(keys, count, target, 8);
}
static __attribute__((noinline)) void NAMED(network16)(const KEY *keys, long count, KEY *target) {
  NAMED(network)(keys, count, target, 16);
}

static void NAMED(small)(const KEY *keys, long count, KEY *target) {
  if (count == 1) *target = *keys;
  if (count <= 1) return;
  if (count <= LANES) return NAMED(network1)(keys, count, target);
  if (count <= 2 * LANES) return NAMED(network2)(keys, count, target);
  if (count <= 4 * LANES) return NAMED(network4)(keys, count, target);
  if (count <= 8 * LANES) return NAMED(network8)(keys, count, target);
  NAMED(network16)(keys, count, target);
}

// The median of 2, 4 or 8 vectors of neighbouring keys, evenly spread.
static KEY NAMED(pivot)(const KEY *keys, long count) {
  KEY sample[8 * LANES];
  const int rows = count < 96 * LANES ? 2 : count < 256 * LANES ? 4 : 8;
  for (int i = 0; i < rows; i++) {
    const long start = (2 * i + 1) * (count / (2 * rows)) - LANES / 2;
    *(NAMED(Unaligned) *)(sample + i * LANES) = *(const NAMED(Unaligned) *)(keys + start);
  }
  if (rows == 2)
    NAMED(network2)(sample, 2 * LANES, sample);
  else if (rows == 4)
    NAMED(network4)(sample, 4 * LANES, sample);
  else
    NAMED(network8)(sample, 8 * LANES, sample);
  return sample[rows * LANES / 2];
}

// Sorts `count` keys, none of which is below `lowest`, from `keys` into `target`, which is `keys` itself or `other`.
// PARTITION leaves the keys up to its bound at the front, brings those above it to the end of `other`, and returns how
// many stay. What it brought is sorted from there: nothing is copied back.
static void NAMED(quick)(
    KEY *keys, KEY *other, KEY *target, long count, KEY lowest, int depth) {
  while (count > ROWS * LANES) {
    if (depth-- == 0) {
      if (target != keys) memcpy(target, keys, (size_t)count * sizeof(KEY));
      RADIX(target, count, target == keys ? other : keys);
      return;
    }
    const KEY pivot = NAMED(pivot)(keys, count);
    // The front is equal keys where the pivot is the lowest, so rows of few values end early, and the bound of
    // other pivots cannot underflow.
    const bool equals = pivot == lowest;
    const long below = PARTITION(keys, count, other, equals ? pivot : pivot - 1);
    if (!equals)
      NAMED(quick)(keys, other, target, below, lowest, depth);
    else if (target != keys)
      memcpy(target, keys, (size_t)below * sizeof(KEY));
    KEY *const rest = other + below;
    other = keys + below;
    keys = rest;
    target += below;
    count -= below;
    lowest = equals ? pivot + (count > 0) : pivot;
  }
  NAMED(small)(keys, count, target);
}
