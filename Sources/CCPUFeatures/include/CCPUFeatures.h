// SPDX-License-Identifier: Apache-2.0
// CPU feature detection. It is C because the compiler builtin that reads CPUID has no Swift spelling.
#ifndef ESSCHER_CCPUFEATURES_H
#define ESSCHER_CCPUFEATURES_H

/// Highest x86-64 micro-architecture level this processor and kernel support: 1, 2, 3 or 4;
/// 0 on other architectures. Thread-safe.
int ccpu_x86_64_level(void);

/// Processors this process may run on: the affinity mask that taskset, cpusets and batch systems set,
/// at least 1.
int ccpu_available_processors(void);

#endif
