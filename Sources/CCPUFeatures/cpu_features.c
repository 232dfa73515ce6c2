// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CCPUFeatures.h"

#include <sched.h>
#include <unistd.h>

int ccpu_x86_64_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return 4;
  if (__builtin_cpu_supports("x86-64-v3")) return 3;
  if (__builtin_cpu_supports("x86-64-v2")) return 2;
  return 1;
#else
  return 0;
#endif
}

int ccpu_available_processors(void) {
  cpu_set_t set;
  // The call fails where the machine has more processors than the set has places.
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}
