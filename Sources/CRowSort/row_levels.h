// SPDX-License-Identifier: Apache-2.0
// Vectors of eight, and functions at every level from one body.
#ifndef ESSCHER_ROW_LEVELS_H
#define ESSCHER_ROW_LEVELS_H

#include <stdint.h>
#include <string.h>

// Vectors are arguments of functions that are always inlined; none crosses a call.
#pragma clang diagnostic ignored "-Wpsabi"

typedef double Doubles __attribute__((vector_size(64)));
typedef int64_t Longs __attribute__((vector_size(64)));
typedef float Floats __attribute__((vector_size(32)));
typedef int32_t Ints __attribute__((vector_size(32)));
typedef uint32_t Words __attribute__((vector_size(32)));

#define BODY static inline __attribute__((always_inline))
#define LOAD(Type, from)              \
  ({                                  \
    Type loaded;                      \
    memcpy(&loaded, from, sizeof loaded); \
    loaded;                           \
  })
#define STORE(to, value)                        \
  do {                                          \
    const __typeof__(value) stored = (value);   \
    memcpy(to, &stored, sizeof stored);         \
  } while (0)

// The sum of two sets of lanes, in one tree.
BODY double total(Doubles even, Doubles odd) {
  const Doubles lanes = even + odd;
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

// Defines `name` at every level from `name##_body`.
#if defined(__x86_64__)
#define AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt"
#define LEVELS(type, name, parameters, ...)                                                      \
  __attribute__((target(AVX512))) static type name##_v4 parameters {                             \
    return name##_body(__VA_ARGS__);                                                             \
  }                                                                                              \
  __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))) static type name##_v3 parameters {       \
    return name##_body(__VA_ARGS__);                                                             \
  }                                                                                              \
  static type name##_v2 parameters { return name##_body(__VA_ARGS__); }
#define CALL(name, ...) \
  (level >= 4 ? name##_v4(__VA_ARGS__) : level == 3 ? name##_v3(__VA_ARGS__) : name##_v2(__VA_ARGS__))
#else
#define LEVELS(type, name, parameters, ...) \
  static type name##_v2 parameters { return name##_body(__VA_ARGS__); }
#define CALL(name, ...) ((void)level, name##_v2(__VA_ARGS__))
#endif

#endif
