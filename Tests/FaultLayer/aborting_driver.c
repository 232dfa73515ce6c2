// SPDX-License-Identifier: Apache-2.0
// A driver that kills whoever asks it anything, as some do.
#include <stdlib.h>

void *clGetExtensionFunctionAddress(const char *name);
void *clGetExtensionFunctionAddress(const char *name) {
  (void)name;
  abort();
}
