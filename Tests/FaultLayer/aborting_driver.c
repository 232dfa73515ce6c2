// SPDX-License-Identifier: Apache-2.0
// A driver that kills whoever asks it anything, as some do, or with HANGS never answers.
#include <stdlib.h>
#include <unistd.h>

void *clGetExtensionFunctionAddress(const char *name);
void *clGetExtensionFunctionAddress(const char *name) {
  (void)name;
#ifdef HANGS
  for (;;) pause();
#else
  abort();
#endif
}
