// SPDX-License-Identifier: Apache-2.0
// Undoes the macros of an instance of vector_sort.h, its own and those of the file that included it.
#undef LANES
#undef ROWS
#undef KEY
#undef NAMED
#undef PARTITION
#undef RADIX
#undef LOAD_PART
#undef STORE_PART
#undef LANE_LIST
#undef LANE_BITS
#undef LANE_XOR
#undef LANE_BLEND
#undef LANE_EXCHANGE_LOW
#undef LANE_EXCHANGE_HIGH
#undef LANE_ROTATE
#undef SHUFFLE
#undef UNROLLED
#undef ALWAYS
#undef BETWEEN_COLUMNS
#undef FIRST_STEP
#undef STEP
#undef EXCHANGE
#undef ROTATE
