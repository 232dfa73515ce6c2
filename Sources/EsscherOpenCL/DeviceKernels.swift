// SPDX-License-Identifier: Apache-2.0

/// The kernels of one build.
final class DeviceKernels {
  let tuning: LaunchTuning
  private let program: OpenCLProgram
  let widen: OpenCLKernel
  let rowSummary: OpenCLKernel
  let sort: SortKernels
  let shortSort: SortKernels
  let sortGather: OpenCLKernel
  let rowTail: OpenCLKernel
  let tieGroups: OpenCLKernel
  let tiltBlocks: OpenCLKernel
  /// Over rows in local memory, where the tuning has any there.
  let nearBlocks: NearBlocks?
  let tiltSweep: OpenCLKernel
  let powerMoments: OpenCLKernel
  let bestOfN: OpenCLKernel
  let bootstrap: OpenCLKernel

  init(_ tuning: LaunchTuning, on session: OpenCLSession) throws(OpenCLError) {
    let program = try session.program(options: tuning.buildOptions)
    widen = try program.kernel("widen", on: session)
    rowSummary = try program.kernel("row_summary", on: session)
    sort = try SortKernels(program, suffix: "", on: session)
    shortSort = try SortKernels(program, suffix: "_short", on: session)
    sortGather = try program.kernel("row_sort_gather", on: session)
    rowTail = try program.kernel("row_tail", on: session)
    tieGroups = try program.kernel("tie_groups", on: session)
    tiltBlocks = try program.kernel("tilt_blocks", on: session)
    nearBlocks = tuning.keepsRowsNear ? try NearBlocks(program, on: session) : nil
    tiltSweep = try program.kernel("tilt_sweep", on: session)
    powerMoments = try program.kernel("power_moments", on: session)
    bestOfN = try program.kernel("best_of_n", on: session)
    bootstrap = try program.kernel("bootstrap", on: session)
    self.program = program
    self.tuning = tuning
  }
}
