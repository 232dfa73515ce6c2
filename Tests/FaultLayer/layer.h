// SPDX-License-Identifier: Apache-2.0
// What every OpenCL layer here has: the calls below it, its own table, and its version.
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_icd.h>
#include <CL/cl_layer.h>
#include <stdlib.h>
#include <string.h>

static const struct _cl_icd_dispatch *next;
static struct _cl_icd_dispatch table;

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size, void *value, size_t *length) {
  const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
  if (what != CL_LAYER_API_VERSION) return CL_INVALID_VALUE;
  if (value && size < sizeof version) return CL_INVALID_VALUE;
  if (value) memcpy(value, &version, sizeof version);
  if (length) *length = sizeof version;
  return CL_SUCCESS;
}
