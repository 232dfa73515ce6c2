// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// MARK: Settings every Swift target gets, and those of tests in which every line handles pointers

let strictBesidesMemory: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]

let strict: [SwiftSetting] = strictBesidesMemory + [.strictMemorySafety()]

let strictC: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]
let strictCXX: [CXXSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]

/// One instruction-set variant of the hot loops. The three variants share their source files through
/// symbolic links; `CPUKernels` in EsscherCPU picks one at run time (docs/design/003-cpu-dispatch.md).
/// Away from x86-64 the flags fall away and the variants are the same code.
///
/// - Parameters:
///   - fma: whether the instructions have fused multiply-add.
///   - wide: whether there are 32 registers of eight doubles.
func kernelVariant(_ name: String, march: String, fma: Bool, wide: Bool = false) -> Target {
  #if arch(x86_64)
    let flags =
      ["-O", "-Xcc", "-march=\(march)"] + (fma ? [] : ["-DESSCHER_NO_FMA"])
      + (wide ? ["-DESSCHER_WIDE_REGISTERS"] : [])
  #else
    let flags = ["-O"]
  #endif
  return .target(name: name, swiftSettings: strict + [.unsafeFlags(flags)])
}

let package = Package(
  name: "esscher",
  products: [
    .library(name: "Esscher", targets: ["Esscher"]),
    .library(name: "EsscherIO", targets: ["EsscherIO"]),
    .executable(name: "esscher", targets: ["EsscherTool"]),
    // Scripts/build-library makes libesscher.so of it; the executable has the name already.
    .library(name: "EsscherC", type: .dynamic, targets: ["EsscherABI"]),
  ],
  targets: [
    // MARK: C and C++ shims: only what Swift cannot reach
    .target(name: "CCPUFeatures", cSettings: strictC),
    .target(
      name: "CDigest", cSettings: strictC, linkerSettings: [.linkedLibrary("crypto")]),
    .target(
      name: "CJSONLines", cxxSettings: strictCXX, linkerSettings: [.linkedLibrary("simdjson")]),
    .target(
      name: "CZipArchive", cSettings: strictC, linkerSettings: [.linkedLibrary("zip")]),

    // Always optimised, also in debug builds, as the other hot loops are.
    .target(name: "CRowSort", cSettings: strictC + [.unsafeFlags(["-O3"])]),

    .target(name: "CForkState", cSettings: strictC),

    .target(name: "COpenCL", cSettings: strictC, linkerSettings: [.linkedLibrary("dl")]),

    // MARK: Library
    .target(name: "EsscherCore", swiftSettings: strict),
    kernelVariant("CPUKernelsV2", march: "x86-64-v2", fma: false),
    kernelVariant("CPUKernelsV3", march: "x86-64-v3", fma: true),
    kernelVariant("CPUKernelsV4", march: "x86-64-v4", fma: true, wide: true),
    .target(
      name: "EsscherCPU",
      dependencies: [
        "EsscherCore", "CCPUFeatures", "CForkState", "CRowSort", "CPUKernelsV2", "CPUKernelsV3",
        "CPUKernelsV4",
      ],
      swiftSettings: strict),
    .target(
      name: "EsscherOpenCL", dependencies: ["EsscherCore", "COpenCL"], swiftSettings: strict),
    .target(
      name: "Esscher", dependencies: ["EsscherCore", "EsscherCPU", "EsscherOpenCL"],
      swiftSettings: strict),
    .target(name: "EsscherReport", dependencies: ["EsscherCore"], swiftSettings: strict),
    .target(
      name: "EsscherIO",
      dependencies: ["EsscherCore", "EsscherReport", "CDigest", "CJSONLines", "CZipArchive"],
      swiftSettings: strict),
    .target(name: "EsscherOptions", dependencies: ["EsscherCore"], swiftSettings: strict),

    // MARK: C interface
    .target(name: "CEsscher", cSettings: strictC),
    .target(
      name: "EsscherABI",
      dependencies: ["CEsscher", "CForkState", "Esscher", "EsscherOptions", "EsscherReport"],
      swiftSettings: strict),

    // MARK: Program
    .target(
      name: "EsscherCLI", dependencies: ["Esscher", "EsscherIO", "EsscherOptions"],
      swiftSettings: strict),
    .executableTarget(
      name: "EsscherTool", dependencies: ["EsscherCLI"], swiftSettings: strict),

    // MARK: Tests
    .target(
      name: "EsscherTestSupport", dependencies: ["EsscherCore"],
      path: "Tests/EsscherTestSupport", swiftSettings: strict),
    .testTarget(
      name: "EsscherCoreTests", dependencies: ["EsscherCore", "EsscherTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "BackendConformanceTests",
      dependencies: [
        "CRowSort", "EsscherCore", "EsscherCPU", "EsscherOpenCL", "EsscherTestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "EsscherTests", dependencies: ["Esscher", "EsscherTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "EsscherIOTests", dependencies: ["EsscherIO", "EsscherTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "EsscherCLITests",
      dependencies: [
        "EsscherCLI", "Esscher", "EsscherIO", "EsscherOptions", "EsscherTestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "EsscherABITests",
      dependencies: [
        "CEsscher", "EsscherABI", "EsscherCLI", "EsscherCore", "EsscherOptions",
        "EsscherTestSupport",
      ],
      swiftSettings: strictBesidesMemory),
  ],
  cLanguageStandard: .c2x,
  cxxLanguageStandard: .cxx17
)
