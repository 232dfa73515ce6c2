// SPDX-License-Identifier: Apache-2.0
// Finds the entry points. A loader exports them; a vendor's driver exports one function that knows the
// ICD entry, and every platform from there begins with a pointer to its table of functions.
#include "table.h"

#include <CL/cl_icd.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef cl_int (*icd_platforms)(cl_uint, cl_platform_id *, cl_uint *);
typedef void *(*extension_address)(const char *);

static void say(char *message, size_t capacity, const char *text) {
  if (capacity > 0) snprintf(message, capacity, "%s", text ? text : "unknown error");
}

/// Fills the table from a library that exports every function. Returns whether it does.
static int fill_from_exports(copencl_api *api, void *library) {
#define FILL(name)                                                 \
  do {                                                             \
    void *symbol = dlsym(library, "cl" #name);                     \
    if (symbol == NULL) return 0;                                  \
    memcpy(&api->name, &symbol, sizeof symbol);                    \
  } while (0);
  COPENCL_CALLS(FILL)
#undef FILL
  return 1;
}

/// Fills the table from a driver's dispatch table. The driver's own platform list stays in `api`.
static int fill_from_driver(copencl_api *api, void *library) {
  void *symbol = dlsym(library, "clGetExtensionFunctionAddress");
  if (symbol == NULL) return 0;
  extension_address address;
  memcpy(&address, &symbol, sizeof symbol);
  void *entry = address("clIcdGetPlatformIDsKHR");
  if (entry == NULL) return 0;
  icd_platforms list;
  memcpy(&list, &entry, sizeof entry);
  cl_platform_id platform = NULL;
  cl_uint count = 0;
  if (list(1, &platform, &count) != CL_SUCCESS || count == 0 || platform == NULL) return 0;
  cl_icd_dispatch *dispatch = NULL;
  memcpy(&dispatch, platform, sizeof dispatch);
  if (dispatch == NULL) return 0;
#define FILL(name) \
  if ((api->name = dispatch->cl##name) == NULL) return 0;
  COPENCL_DISPATCHED(FILL)
#undef FILL
  api->GetPlatformIDs = list;
  return 1;
}

cl_int copencl_load(const char *name, const copencl_api **api, char *message, size_t capacity) {
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    say(message, capacity, dlerror());
    return COPENCL_NOT_FOUND;
  }
  copencl_api *table = calloc(1, sizeof *table);
  if (table == NULL) return CL_OUT_OF_HOST_MEMORY;
  if (!fill_from_exports(table, library) && !fill_from_driver(table, library)) {
    free(table);
    say(message, capacity, "the library has no OpenCL 1.2 entry points, or its driver shows no platform");
    return COPENCL_INCOMPLETE;
  }
  *api = table;
  return CL_SUCCESS;
}
