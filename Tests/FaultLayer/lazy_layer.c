// SPDX-License-Identifier: Apache-2.0
// An OpenCL layer under which a blocking write takes the bytes and no more, as the specification allows: the write itself
// stands in its queue only once something else is asked of that queue. A kernel of another queue then reads what was
// there before.
#include "layer.h"

#include <pthread.h>

struct write {
  struct write *earlier;
  cl_command_queue queue;
  cl_mem buffer;
  size_t offset, size;
  char bytes[];
};
static struct write *kept;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// The queue's writes in their order; what they read is freed by the process's end.
static cl_int issue_until(struct write *last, cl_command_queue queue) {
  if (!last) return CL_SUCCESS;
  const cl_int status = issue_until(last->earlier, queue);
  if (status != CL_SUCCESS || last->queue != queue) return status;
  last->queue = NULL;
  return next->clEnqueueWriteBuffer(queue, last->buffer, CL_TRUE, last->offset, last->size, last->bytes, 0, NULL, NULL);
}

static cl_int issue(cl_command_queue queue) {
  pthread_mutex_lock(&lock);
  const cl_int status = issue_until(kept, queue);
  pthread_mutex_unlock(&lock);
  return status;
}

static cl_int CL_API_CALL write_lazily(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset,
                                       size_t size, const void *from, cl_uint waits, const cl_event *list,
                                       cl_event *event) {
  if (!blocking || waits || event) {
    const cl_int status = issue(queue);
    if (status != CL_SUCCESS) return status;
    return next->clEnqueueWriteBuffer(queue, buffer, blocking, offset, size, from, waits, list, event);
  }
  struct write *write = malloc(sizeof *write + size);
  if (!write) return CL_OUT_OF_HOST_MEMORY;
  write->queue = queue;
  write->buffer = buffer;
  write->offset = offset;
  write->size = size;
  memcpy(write->bytes, from, size);
  pthread_mutex_lock(&lock);
  write->earlier = kept;
  kept = write;
  pthread_mutex_unlock(&lock);
  return CL_SUCCESS;
}

static cl_int CL_API_CALL read_behind(cl_command_queue a, cl_mem b, cl_bool c, size_t d, size_t e, void *f, cl_uint g,
                                      const cl_event *h, cl_event *i) {
  const cl_int status = issue(a);
  return status != CL_SUCCESS ? status : next->clEnqueueReadBuffer(a, b, c, d, e, f, g, h, i);
}

static cl_int CL_API_CALL launch_behind(cl_command_queue a, cl_kernel b, cl_uint c, const size_t *d, const size_t *e,
                                        const size_t *f, cl_uint g, const cl_event *h, cl_event *i) {
  const cl_int status = issue(a);
  return status != CL_SUCCESS ? status : next->clEnqueueNDRangeKernel(a, b, c, d, e, f, g, h, i);
}

static cl_int CL_API_CALL finish_behind(cl_command_queue queue) {
  const cl_int status = issue(queue);
  return status != CL_SUCCESS ? status : next->clFinish(queue);
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target,
                                            cl_uint *entries_out, const struct _cl_icd_dispatch **out) {
  next = target;
  table = *target;
  table.clEnqueueWriteBuffer = write_lazily;
  table.clEnqueueReadBuffer = read_behind;
  table.clEnqueueNDRangeKernel = launch_behind;
  table.clFinish = finish_behind;
  *entries_out = entries;
  *out = &table;
  return CL_SUCCESS;
}
