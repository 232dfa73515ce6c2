// SPDX-License-Identifier: Apache-2.0
// The table of entry points, one line a function that the engine uses.
#ifndef ESSCHER_COPENCL_TABLE_H
#define ESSCHER_COPENCL_TABLE_H

#include "COpenCL.h"

// Those that go through a driver's dispatch table.
#define COPENCL_DISPATCHED(X)                                                                   \
  X(GetPlatformInfo) X(GetDeviceIDs) X(GetDeviceInfo) X(CreateContext) X(ReleaseContext)        \
  X(CreateCommandQueue) X(ReleaseCommandQueue) X(CreateProgramWithSource) X(BuildProgram)       \
  X(GetProgramBuildInfo) X(ReleaseProgram) X(CreateKernel) X(ReleaseKernel) X(SetKernelArg)     \
  X(GetKernelWorkGroupInfo) X(CreateBuffer) X(ReleaseMemObject) X(EnqueueWriteBuffer)           \
  X(EnqueueReadBuffer) X(EnqueueMapBuffer) X(EnqueueUnmapMemObject) X(EnqueueNDRangeKernel)     \
  X(WaitForEvents) X(ReleaseEvent) X(Flush) X(Finish)

#define COPENCL_CALLS(X) X(GetPlatformIDs) COPENCL_DISPATCHED(X)

struct copencl_api {
#define FIELD(name) __typeof__(&cl##name) name;
  COPENCL_CALLS(FIELD)
#undef FIELD
};

#endif
