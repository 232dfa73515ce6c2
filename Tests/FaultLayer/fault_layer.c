// SPDX-License-Identifier: Apache-2.0
// An OpenCL layer that makes one call fail. FAULT=CALL:STATUS:NUMBER makes the call's NUMBER-th use (from 1)
// and every later one return STATUS; FAULT_MAIN=1 spares the children that probe drivers.
#include "layer.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char call[64];
static int status_wanted, number, used;

static int fails(const char *name) {
  if (strcmp(name, call) != 0) return 0;
  return ++used >= number;
}

// A call that returns its status, and one that returns an object and the status beside it.
#define STATUS(name, parameters, arguments) \
  static cl_int CL_API_CALL name##_faulty parameters { return fails(#name) ? status_wanted : next->name arguments; }
#define OBJECT(type, name, parameters, arguments)        \
  static type CL_API_CALL name##_faulty parameters {     \
    if (!fails(#name)) return next->name arguments;      \
    if (status) *status = status_wanted;                 \
    return NULL;                                         \
  }

STATUS(clGetPlatformIDs, (cl_uint a, cl_platform_id *b, cl_uint *c), (a, b, c))
STATUS(clGetPlatformInfo, (cl_platform_id a, cl_platform_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))
STATUS(clGetDeviceIDs, (cl_platform_id a, cl_device_type b, cl_uint c, cl_device_id *d, cl_uint *e), (a, b, c, d, e))
STATUS(clGetDeviceInfo, (cl_device_id a, cl_device_info b, size_t c, void *d, size_t *e), (a, b, c, d, e))
STATUS(clBuildProgram, (cl_program a, cl_uint b, const cl_device_id *c, const char *d, void(CL_CALLBACK *e)(cl_program, void *), void *f), (a, b, c, d, e, f))
STATUS(clSetKernelArg, (cl_kernel a, cl_uint b, size_t c, const void *d), (a, b, c, d))
STATUS(clGetKernelWorkGroupInfo, (cl_kernel a, cl_device_id b, cl_kernel_work_group_info c, size_t d, void *e, size_t *f), (a, b, c, d, e, f))
STATUS(clEnqueueWriteBuffer, (cl_command_queue a, cl_mem b, cl_bool c, size_t d, size_t e, const void *f, cl_uint g, const cl_event *h, cl_event *i), (a, b, c, d, e, f, g, h, i))
STATUS(clEnqueueReadBuffer, (cl_command_queue a, cl_mem b, cl_bool c, size_t d, size_t e, void *f, cl_uint g, const cl_event *h, cl_event *i), (a, b, c, d, e, f, g, h, i))
STATUS(clEnqueueNDRangeKernel, (cl_command_queue a, cl_kernel b, cl_uint c, const size_t *d, const size_t *e, const size_t *f, cl_uint g, const cl_event *h, cl_event *i), (a, b, c, d, e, f, g, h, i))
STATUS(clWaitForEvents, (cl_uint a, const cl_event *b), (a, b))
STATUS(clFlush, (cl_command_queue a), (a))
STATUS(clFinish, (cl_command_queue a), (a))
OBJECT(cl_context, clCreateContext, (const cl_context_properties *a, cl_uint b, const cl_device_id *c, void(CL_CALLBACK *d)(const char *, const void *, size_t, void *), void *e, cl_int *status), (a, b, c, d, e, status))
OBJECT(cl_command_queue, clCreateCommandQueue, (cl_context a, cl_device_id b, cl_command_queue_properties c, cl_int *status), (a, b, c, status))
OBJECT(cl_program, clCreateProgramWithSource, (cl_context a, cl_uint b, const char **c, const size_t *d, cl_int *status), (a, b, c, d, status))
OBJECT(cl_kernel, clCreateKernel, (cl_program a, const char *b, cl_int *status), (a, b, status))
OBJECT(void *, clEnqueueMapBuffer, (cl_command_queue a, cl_mem b, cl_bool c, cl_map_flags d, size_t e, size_t f, cl_uint g, const cl_event *h, cl_event *i, cl_int *status), (a, b, c, d, e, f, g, h, i, status))
OBJECT(cl_mem, clCreateBuffer, (cl_context a, cl_mem_flags b, size_t c, void *d, cl_int *status), (a, b, c, d, status))

static int is_probe(void) {
  char line[4096] = {0};
  const int file = open("/proc/self/cmdline", O_RDONLY);
  if (file < 0) return 0;
  const ssize_t got = read(file, line, sizeof line - 1);
  close(file);
  for (ssize_t i = 0; i < got; i++)
    if (line[i] == 0) line[i] = ' ';
  return strstr(line, "--opencl-probe") != NULL;
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target,
                                            cl_uint *entries_out, const struct _cl_icd_dispatch **out) {
  next = target;
  table = *target;
  const char *fault = getenv("FAULT");
  if (fault && !(getenv("FAULT_MAIN") && is_probe()) &&
      sscanf(fault, "%63[^:]:%d:%d", call, &status_wanted, &number) == 3) {
#define INSTALL(name) table.name = name##_faulty;
    INSTALL(clGetPlatformIDs) INSTALL(clGetPlatformInfo) INSTALL(clGetDeviceIDs) INSTALL(clGetDeviceInfo)
    INSTALL(clBuildProgram) INSTALL(clSetKernelArg) INSTALL(clGetKernelWorkGroupInfo)
    INSTALL(clEnqueueWriteBuffer) INSTALL(clEnqueueReadBuffer) INSTALL(clEnqueueNDRangeKernel)
    INSTALL(clWaitForEvents)
    INSTALL(clFlush) INSTALL(clFinish) INSTALL(clCreateContext) INSTALL(clCreateCommandQueue)
    INSTALL(clCreateProgramWithSource) INSTALL(clCreateKernel) INSTALL(clCreateBuffer) INSTALL(clEnqueueMapBuffer)
  }
  *entries_out = entries;
  *out = &table;
  return CL_SUCCESS;
}
