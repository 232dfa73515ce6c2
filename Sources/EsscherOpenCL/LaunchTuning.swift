// SPDX-License-Identifier: Apache-2.0
// How the kernels are compiled and launched on each kind of device: the one table.

internal import Glibc

/// Macros of a build and shapes of its launches.
public struct LaunchTuning: Sendable, Equatable {
  /// Doubles a lane works on at once.
  public var vectorWidth: Int
  /// Lanes of a work-group.
  public var lanes: Int
  /// Lambdas that share one read of a row.
  public var lambdasPerBlock: Int
  /// Samples that a lane of a work-group sorts in registers; 0 where each row is sorted by one work-item.
  public var sortItems: Int
  /// Outputs of a work-item in a merge pass.
  public var mergeRun: Int
  /// Samples of a row beyond which a radix sort moves fewer bytes than merge passes, where rewards are floats. Rows that
  /// one work-item sorts have no merge passes.
  public var radixFloats: Int
  /// The same where rewards are doubles.
  public var radixDoubles: Int
  /// Local memory is the caches of a core: rows that fit are put in order there.
  public var keepsRowsNear: Bool
  /// The device has cores and memory of its own: rewards are copied to it even where it could read the host's, and
  /// the host goes on beside it.
  public var worksBesideHost: Bool
  /// Cells of the rows that are asked for at a time.
  public var cellsPerCall: Int

  /// Processors: compilers do not vectorise across work-items, so vectors are explicit and a row is
  /// one work-item's (20 to 50 times faster on PoCL).
  public static let processor = LaunchTuning(
    vectorWidth: 8, lanes: 1, lambdasPerBlock: 4, sortItems: 0, mergeRun: 8,
    radixFloats: .max, radixDoubles: .max, keepsRowsNear: true, worksBesideHost: false,
    cellsPerCall: 1 << 25)
  /// GPUs: 128 lanes a row; 2,048 samples a sorted block and a merge's work-group, 24 KiB of local memory, and a tile of the
  /// radix sort, 30 KiB.
  public static let gpu = LaunchTuning(
    vectorWidth: 1, lanes: 128, lambdasPerBlock: 4, sortItems: 16, mergeRun: 16,
    radixFloats: 1 << 19, radixDoubles: 1 << 25, keepsRowsNear: false, worksBesideHost: true,
    cellsPerCall: 1 << 24)

  /// The tuning of a device's kind; `ESSCHER_OPENCL_BUILD=processor|gpu` overrides it, for comparisons of
  /// one build on two devices.
  static func kind(isGPU: Bool) -> LaunchTuning {
    switch unsafe getenv("ESSCHER_OPENCL_BUILD").map({ unsafe String(cString: $0) }) {
    case "processor": .processor
    case "gpu": .gpu
    default: isGPU ? .gpu : .processor
    }
  }

  /// Samples a work-group sorts.
  var sortBlock: Int { sortItems * lanes }

  /// Whether rows of this many samples have the radix sort.
  func usesRadix(samples: Int, isShort: Bool) -> Bool {
    samples > (isShort ? radixFloats : radixDoubles)
  }

  /// Cells of a tile, a row at least.
  ///
  /// A device beside the host has large ones, 32 MiB of rewards. A processor has them small, so that the host can begin
  /// with the first one's results soon; but 16 rows where they fit, which its threads share.
  func cellsPerTile(sampleCount: Int) -> Int {
    guard !worksBesideHost else { return 1 << 22 }
    return min(1 << 22, max(1 << 21, 16 * DeviceLayout.padded(sampleCount)))
  }

  /// Options of clBuildProgram. Never fast-math: it breaks the exponential's rounding.
  var buildOptions: String {
    "-cl-std=CL1.2 -DVEC=\(vectorWidth) -DWG_SIZE=\(lanes) -DLAMBDAS=\(lambdasPerBlock) "
      + "-DSORT_ITEMS=\(max(sortItems, 1)) -DMERGE_RUN=\(mergeRun)"
  }
}
