// SPDX-License-Identifier: Apache-2.0
// Thin calls: arguments in, status out. A call that returns an object instead gives the status of its
// last argument, and CL_INVALID_VALUE where it claims success and returns nothing.
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define CREATED(object, status) ((status) != CL_SUCCESS ? (status) : (object) ? CL_SUCCESS : CL_INVALID_VALUE)

cl_int copencl_platforms(const copencl_api *api, cl_uint capacity, cl_platform_id *ids, cl_uint *count) {
  *count = 0;
  cl_int status = api->GetPlatformIDs(capacity, ids, count);
  if (*count > capacity) *count = capacity;
  return status;
}

cl_int copencl_platform_text(const copencl_api *api, cl_platform_id platform, cl_platform_info what,
                             char *text, size_t capacity) {
  memset(text, 0, capacity);
  return api->GetPlatformInfo(platform, what, capacity - 1, text, NULL);
}

cl_int copencl_devices(const copencl_api *api, cl_platform_id platform, cl_uint capacity,
                       cl_device_id *ids, cl_uint *count) {
  *count = 0;
  cl_int status = api->GetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, capacity, ids, count);
  if (*count > capacity) *count = capacity;
  return status;
}

cl_int copencl_device_text(const copencl_api *api, cl_device_id device, cl_device_info what, char *text,
                           size_t capacity) {
  memset(text, 0, capacity);
  return api->GetDeviceInfo(device, what, capacity - 1, text, NULL);
}

cl_int copencl_device_number(const copencl_api *api, cl_device_id device, cl_device_info what,
                             cl_ulong *value) {
  *value = 0;
  return api->GetDeviceInfo(device, what, sizeof *value, value, NULL);
}

cl_int copencl_create_context(const copencl_api *api, cl_platform_id platform, cl_device_id device,
                              cl_context *context) {
  const cl_context_properties properties[] = {
      CL_CONTEXT_PLATFORM, (cl_context_properties)platform, 0};
  cl_int status = CL_SUCCESS;
  *context = api->CreateContext(properties, 1, &device, NULL, NULL, &status);
  return CREATED(*context, status);
}

cl_int copencl_release_context(const copencl_api *api, cl_context context) {
  return api->ReleaseContext(context);
}

cl_int copencl_create_queue(const copencl_api *api, cl_context context, cl_device_id device,
                            cl_command_queue *queue) {
  cl_int status = CL_SUCCESS;
  *queue = api->CreateCommandQueue(context, device, 0, &status);
  return CREATED(*queue, status);
}

cl_int copencl_release_queue(const copencl_api *api, cl_command_queue queue) {
  return api->ReleaseCommandQueue(queue);
}

cl_int copencl_flush(const copencl_api *api, cl_command_queue queue) { return api->Flush(queue); }

cl_int copencl_finish(const copencl_api *api, cl_command_queue queue) { return api->Finish(queue); }

cl_int copencl_create_program(const copencl_api *api, cl_context context, const char *source,
                              size_t length, cl_program *program) {
  cl_int status = CL_SUCCESS;
  *program = api->CreateProgramWithSource(context, 1, &source, &length, &status);
  return CREATED(*program, status);
}

cl_int copencl_build(const copencl_api *api, cl_program program, cl_device_id device,
                     const char *options) {
  return api->BuildProgram(program, 1, &device, options, NULL, NULL);
}

cl_int copencl_build_log(const copencl_api *api, cl_program program, cl_device_id device, char *text,
                         size_t capacity) {
  memset(text, 0, capacity);
  size_t length = 0;
  cl_int status = api->GetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &length);
  // Drivers refuse a buffer that is too small, so a long log is fetched whole and cut.
  char *whole = status == CL_SUCCESS ? calloc(length + 1, 1) : NULL;
  if (whole == NULL) return status != CL_SUCCESS ? status : CL_OUT_OF_HOST_MEMORY;
  status = api->GetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, length, whole, NULL);
  memcpy(text, whole, length < capacity ? length : capacity - 1);
  free(whole);
  return status;
}

cl_int copencl_release_program(const copencl_api *api, cl_program program) {
  return api->ReleaseProgram(program);
}

cl_int copencl_create_kernel(const copencl_api *api, cl_program program, const char *name,
                             cl_kernel *kernel) {
  cl_int status = CL_SUCCESS;
  *kernel = api->CreateKernel(program, name, &status);
  return CREATED(*kernel, status);
}

cl_int copencl_release_kernel(const copencl_api *api, cl_kernel kernel) {
  return api->ReleaseKernel(kernel);
}

cl_int copencl_kernel_work_group(const copencl_api *api, cl_kernel kernel, cl_device_id device,
                                 size_t *size) {
  *size = 0;
  return api->GetKernelWorkGroupInfo(kernel, device, CL_KERNEL_WORK_GROUP_SIZE, sizeof *size, size,
                                     NULL);
}

cl_int copencl_set_buffer(const copencl_api *api, cl_kernel kernel, cl_uint index, cl_mem buffer) {
  return api->SetKernelArg(kernel, index, sizeof buffer, &buffer);
}

cl_int copencl_set_uint(const copencl_api *api, cl_kernel kernel, cl_uint index, cl_uint value) {
  return api->SetKernelArg(kernel, index, sizeof value, &value);
}

cl_int copencl_set_local(const copencl_api *api, cl_kernel kernel, cl_uint index, size_t bytes) {
  return api->SetKernelArg(kernel, index, bytes, NULL);
}

cl_int copencl_set_ulong(const copencl_api *api, cl_kernel kernel, cl_uint index, cl_ulong value) {
  return api->SetKernelArg(kernel, index, sizeof value, &value);
}

cl_int copencl_launch(const copencl_api *api, cl_command_queue queue, cl_kernel kernel,
                      const size_t global[2], const size_t local[2]) {
  return api->EnqueueNDRangeKernel(queue, kernel, 2, NULL, global, local, 0, NULL, NULL);
}

cl_int copencl_create_buffer(const copencl_api *api, cl_context context, size_t bytes, cl_mem *buffer) {
  cl_int status = CL_SUCCESS;
  *buffer = api->CreateBuffer(context, CL_MEM_READ_WRITE, bytes, NULL, &status);
  return CREATED(*buffer, status);
}

cl_int copencl_create_shared_buffer(const copencl_api *api, cl_context context, size_t bytes, void *host,
                                    cl_mem *buffer) {
  cl_int status = CL_SUCCESS;
  *buffer = api->CreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, bytes, host, &status);
  return CREATED(*buffer, status);
}

cl_int copencl_create_held_buffer(const copencl_api *api, cl_context context, size_t bytes, const void *host,
                                  cl_mem *buffer) {
  cl_int status = CL_SUCCESS;
  *buffer = api->CreateBuffer(context, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR, bytes, (void *)host, &status);
  return CREATED(*buffer, status);
}

cl_int copencl_create_pinned_buffer(const copencl_api *api, cl_context context, size_t bytes, cl_mem *buffer) {
  cl_int status = CL_SUCCESS;
  *buffer = api->CreateBuffer(context, CL_MEM_READ_ONLY | CL_MEM_ALLOC_HOST_PTR, bytes, NULL, &status);
  return CREATED(*buffer, status);
}

cl_int copencl_map(const copencl_api *api, cl_command_queue queue, cl_mem buffer, size_t bytes, void **start) {
  cl_int status = CL_SUCCESS;
  *start = api->EnqueueMapBuffer(queue, buffer, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, bytes, 0, NULL, NULL,
                                 &status);
  return CREATED(*start, status);
}

cl_int copencl_unmap(const copencl_api *api, cl_command_queue queue, cl_mem buffer, void *start) {
  cl_int status = api->EnqueueUnmapMemObject(queue, buffer, start, 0, NULL, NULL);
  // The memory may go only after that.
  return status == CL_SUCCESS ? api->Finish(queue) : status;
}

cl_int copencl_release_buffer(const copencl_api *api, cl_mem buffer) {
  return api->ReleaseMemObject(buffer);
}

cl_int copencl_write(const copencl_api *api, cl_command_queue queue, cl_mem buffer, size_t offset,
                     size_t bytes, const void *source, int blocking) {
  return api->EnqueueWriteBuffer(queue, buffer, blocking ? CL_TRUE : CL_FALSE, offset, bytes, source, 0,
                                 NULL, NULL);
}

cl_int copencl_read(const copencl_api *api, cl_command_queue queue, cl_mem buffer, size_t offset,
                    size_t bytes, void *target, cl_event *done) {
  return api->EnqueueReadBuffer(queue, buffer, done ? CL_FALSE : CL_TRUE, offset, bytes, target, 0, NULL,
                                done);
}

cl_int copencl_wait(const copencl_api *api, cl_event event) { return api->WaitForEvents(1, &event); }

cl_int copencl_release_event(const copencl_api *api, cl_event event) { return api->ReleaseEvent(event); }
