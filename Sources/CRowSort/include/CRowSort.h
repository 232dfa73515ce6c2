// SPDX-License-Identifier: Apache-2.0
// Sorting of one row: keys whose ascending order is the descending order of the cells, with the cells' positions
// where something has to follow them. It is C because Swift has no spelling for the instructions that compress a
// vector, and its integer vectors are slow without optimisation.
//
// `level` is the x86-64 level to run on, 2, 3 or 4; every level gives the same bits, but for `crow_group_32`. Other architectures ignore it.
// Rows have fewer than 2^32 cells.
#ifndef ESSCHER_CROWSORT_H
#define ESSCHER_CROWSORT_H

#include <stdbool.h>
#include <stdint.h>

// ---- Cells to keys. A key orders −0 and +0 alike and is meaningless for NaN.

/// Keys of floats. False where a cell is infinite or NaN.
bool crow_keys_of_floats(int level, const float *cells, long count, int32_t *keys);

/// Keys of floats as of `crow_keys_of_floats`; the smallest and the largest of them, of at least one cell; and the
/// sums of cell − centre and of its square.
bool crow_survey_floats(
    int level, const float *cells, long count, double centre, int32_t *keys, int32_t *range,
    double *sums);

/// Keys of floats in the high half, positions in the low half. False where a cell is infinite or NaN.
bool crow_pairs_of_floats(int level, const float *cells, long count, int64_t *pairs);

/// Keys of floats in the high half, the bits of a float that goes along, −0 as +0, in the low half. False where a cell
/// of either is infinite or NaN.
bool crow_pack_floats(int level, const float *cells, const float *gold, long count, int64_t *pairs);

/// Keys of doubles, all finite.
void crow_keys_of_doubles(int level, const double *cells, long count, int64_t *keys);

/// Keys of 32 bits of doubles that are floats, all finite.
void crow_short_keys_of_doubles(int level, const double *cells, long count, int32_t *keys);

/// The upper halves of the keys of doubles in the high half, positions in the low half.
void crow_pairs_of_doubles(int level, const double *cells, long count, int64_t *pairs);

// ---- Sorts, ascending, in place; `spare` has room for as many keys. At most proportional to `count` in time: what
// defeats the pivots is left to a radix sort.

void crow_sort_32(int level, int32_t *keys, long count, int32_t *spare);
void crow_sort_64(int level, int64_t *keys, long count, int64_t *spare);

/// Sorts pairs of `crow_pairs_of_doubles` by the whole key and, where those are equal, by position.
void crow_sort_pairs_of_doubles(
    int level, const double *cells, int64_t *pairs, long count, int64_t *spare);

/// Sorts keys as far as `edge_count` ascending edges can tell: `ends[e]` is the number of keys up to `edges[e]`, and
/// those come before all others. Which order the keys between two edges have depends on the level. At most
/// proportional to `count` times `edge_count` in time, usually to its logarithm.
void crow_group_32(
    int level, int32_t *keys, long count, int32_t *spare, const int32_t *edges, long edge_count,
    long *ends);

/// The cells of keys in their order, −0 as +0.
void crow_cells_of_keys(int level, const int32_t *keys, long count, double *cells);

// ---- Sorted keys to cells, largest first, and their sum in a fixed order. True where two of them are equal.

bool crow_floats_of_keys(int level, const int32_t *keys, long count, double *cells, double *sum);
bool crow_floats_of_pairs(int level, const int64_t *pairs, long count, double *cells, double *sum);
/// Sorted pairs of `crow_pack_floats`, and the sums of both parts.
bool crow_unpack_floats(
    int level, const int64_t *pairs, long count, double *cells, double *gold, double *sums);

bool crow_doubles_of_keys(int level, const int64_t *keys, long count, double *cells, double *sum);

/// `target[i] = cells[position i]`, −0 as +0, and their sum in a fixed order; the two do not overlap. True where two
/// neighbours are equal.
bool crow_gather(
    int level, const double *cells, const int64_t *pairs, long count, double *target, double *sum);

/// The first index from `start` on whose cell equals the next one; `count` where there is none.
long crow_next_tie(int level, const double *cells, long start, long count);

/// How many cells are equal to one.
long crow_count_equal(int level, const double *cells, long count, double cell);

/// Copies the cells above `bound`, which is not −∞, in their order to `kept`, which has room for `count` of them or
/// is `cells` itself; returns how many there are. What lies behind them may be overwritten. No cell is NaN.
long crow_keep_above(int level, const double *cells, long count, double bound, double *kept);

#endif
