// SPDX-License-Identifier: Apache-2.0
// OpenCL for Swift: the library is found at run time and never linked, so that a program with this
// module starts on machines without any driver. Calls return OpenCL's status and nothing else.
#ifndef ESSCHER_COPENCL_H
#define ESSCHER_COPENCL_H

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

/// The entry points of one library. Never freed: drivers do not survive being unloaded.
typedef struct copencl_api copencl_api;

/// Status of a load that failed before OpenCL could say anything.
enum { COPENCL_NOT_FOUND = 1, COPENCL_INCOMPLETE = 2 };

/// Opens a loader (libOpenCL) or, where it is none, a vendor's driver through its ICD entry.
///
/// Returns 0, or one of the codes above with the linker's words in `message` (NUL-terminated, cut to
/// `capacity`). Not thread-safe.
cl_int copencl_load(const char *name, const copencl_api **api, char *message, size_t capacity);

cl_int copencl_platforms(const copencl_api *api, cl_uint capacity, cl_platform_id *ids, cl_uint *count);
cl_int copencl_platform_text(const copencl_api *api, cl_platform_id platform, cl_platform_info what,
                             char *text, size_t capacity);
cl_int copencl_devices(const copencl_api *api, cl_platform_id platform, cl_uint capacity,
                       cl_device_id *ids, cl_uint *count);
cl_int copencl_device_text(const copencl_api *api, cl_device_id device, cl_device_info what, char *text,
                           size_t capacity);
/// A device property that is a number of 1, 4 or 8 bytes.
cl_int copencl_device_number(const copencl_api *api, cl_device_id device, cl_device_info what,
                             cl_ulong *value);

cl_int copencl_create_context(const copencl_api *api, cl_platform_id platform, cl_device_id device,
                              cl_context *context);
cl_int copencl_release_context(const copencl_api *api, cl_context context);
cl_int copencl_create_queue(const copencl_api *api, cl_context context, cl_device_id device,
                            cl_command_queue *queue);
cl_int copencl_release_queue(const copencl_api *api, cl_command_queue queue);
cl_int copencl_flush(const copencl_api *api, cl_command_queue queue);
cl_int copencl_finish(const copencl_api *api, cl_command_queue queue);

cl_int copencl_create_program(const copencl_api *api, cl_context context, const char *source,
                              size_t length, cl_program *program);
cl_int copencl_build(const copencl_api *api, cl_program program, cl_device_id device,
                     const char *options);
cl_int copencl_build_log(const copencl_api *api, cl_program program, cl_device_id device, char *text,
                         size_t capacity);
cl_int copencl_release_program(const copencl_api *api, cl_program program);
cl_int copencl_create_kernel(const copencl_api *api, cl_program program, const char *name,
                             cl_kernel *kernel);
cl_int copencl_release_kernel(const copencl_api *api, cl_kernel kernel);
/// Largest work-group that a kernel can be launched with.
cl_int copencl_kernel_work_group(const copencl_api *api, cl_kernel kernel, cl_device_id device,
                                 size_t *size);
cl_int copencl_set_buffer(const copencl_api *api, cl_kernel kernel, cl_uint index, cl_mem buffer);
cl_int copencl_set_uint(const copencl_api *api, cl_kernel kernel, cl_uint index, cl_uint value);
cl_int copencl_set_local(const copencl_api *api, cl_kernel kernel, cl_uint index, size_t bytes);
cl_int copencl_set_ulong(const copencl_api *api, cl_kernel kernel, cl_uint index, cl_ulong value);
cl_int copencl_launch(const copencl_api *api, cl_command_queue queue, cl_kernel kernel,
                      const size_t global[2], const size_t local[2]);

cl_int copencl_create_buffer(const copencl_api *api, cl_context context, size_t bytes, cl_mem *buffer);
cl_int copencl_create_shared_buffer(const copencl_api *api, cl_context context, size_t bytes, void *host,
                                    cl_mem *buffer);
/// Memory of the host that the device reads where it lies, and never writes.
cl_int copencl_create_held_buffer(const copencl_api *api, cl_context context, size_t bytes, const void *host,
                                  cl_mem *buffer);
/// Memory of the host that devices copy from without a detour; to be mapped for good.
cl_int copencl_create_pinned_buffer(const copencl_api *api, cl_context context, size_t bytes, cl_mem *buffer);
cl_int copencl_map(const copencl_api *api, cl_command_queue queue, cl_mem buffer, size_t bytes, void **start);
cl_int copencl_unmap(const copencl_api *api, cl_command_queue queue, cl_mem buffer, void *start);
cl_int copencl_release_buffer(const copencl_api *api, cl_mem buffer);
/// Copies to the device; `blocking` 0 returns at once, and `source` must stay until the queue is done.
cl_int copencl_write(const copencl_api *api, cl_command_queue queue, cl_mem buffer, size_t offset,
                     size_t bytes, const void *source, int blocking);
/// Copies from the device; where `done` is NULL returns when it has, else at once with an event of that.
cl_int copencl_read(const copencl_api *api, cl_command_queue queue, cl_mem buffer, size_t offset,
                    size_t bytes, void *target, cl_event *done);

cl_int copencl_wait(const copencl_api *api, cl_event event);
cl_int copencl_release_event(const copencl_api *api, cl_event event);

/// The source of every kernel of the engine, composed from Kernels/ with `#line` names; NUL-terminated.
const char *copencl_kernel_source(void);
/// The same of the kernels that measure what a device allows at best.
const char *copencl_ceiling_source(void);

/// Runs a program with its arguments (NULL-terminated, at most 15) and keeps what it prints.
///
/// Returns 0 with the wait status, ETIMEDOUT after killing it, or the error number of starting it.
int copencl_run(const char *path, const char *const *arguments, int timeout_ms, char *output,
                size_t capacity, int *status);
/// Ends this process when its parent ends.
void copencl_die_with_parent(void);
/// The signal that ended a child, or 0.
int copencl_signal(int status);
/// The exit code of a child, or -1 where a signal ended it.
int copencl_exit_code(int status);

#endif
