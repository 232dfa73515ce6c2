// SPDX-License-Identifier: Apache-2.0
// `esscher simulate`: data whose answers are known, and the answers.

internal import Esscher
internal import EsscherIO
internal import EsscherOptions
internal import Glibc

enum SimulateCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    let plan = try SimulationPlan(resolving: record)
    if let file = plan.file { try write(file, of: plan.law, record, session) }
    if plan.printsExact {
      try session.console.print(
        ExactTable.text(of: plan.law, lambdas: plan.lambdas, ns: plan.ns))
    }
  }

  private static func write(
    _ target: SimulationPlan.File, of law: Law, _ record: LowArguments, _ session: Session
  ) throws(EsscherError) {
    let progress = ProgressReporter(
      console: session.console, mode: record.progress, isQuiet: record.quiet)
    defer { progress.finish() }
    let rewards = try OutputFile(creating: target.path)
    let stream = SampleStream(law: law, seed: record.seed, samplesPerPrompt: target.samples)
    let threads = record.threads ?? Engine.processor.units
    let writer = MatrixWriter(
      stream: stream, prompts: target.prompts, elementType: record.elementType, threads: threads)
    try writer.write(.rewards, to: rewards) {
      progress.update("writing rewards", $0)
    } checkCancelled: { () throws(EsscherError) in
      try session.checkCancelled()
    }
    try rewards.finish()
    guard case .bivariateNormal(let correlation) = law, let goldPath = target.goldPath else {
      try rewards.commit()
      return
    }
    let golds = try OutputFile(creating: goldPath)
    try writer.write(.golds(correlation: correlation), to: golds) {
      progress.update("writing gold rewards", $0)
    } checkCancelled: { () throws(EsscherError) in
      try session.checkCancelled()
    }
    try golds.finish()
    try rewards.commit()
    try golds.commit()
    progress.finish()
    session.diagnostics.notice("The gold rewards are in \(goldPath).")
  }
}

/// The simulate command's options resolved.
struct SimulationPlan {
  struct File {
    let path: String
    /// For laws with a gold reward.
    let goldPath: String?
    let prompts: Int
    let samples: Int
  }

  let law: Law
  let file: File?
  let printsExact: Bool
  let lambdas: [Double]
  let ns: [Int]

  init(resolving record: LowArguments) throws(EsscherError) {
    guard let name = record.positionals.first, record.positionals.count == 1 else {
      throw EsscherError(
        .usage,
        record.positionals.isEmpty
          ? "simulate needs a law, for example: esscher simulate normal --exact."
          : "simulate takes one law; '\(record.positionals[1])' is one too many.")
    }
    law = try Law(parsing: name)
    printsExact = record.exact
    file = try Self.file(record, law)
    guard file != nil || printsExact else {
      throw EsscherError(
        .usage, "simulate has nothing to do; add -o FILE.npy for samples or --exact for answers.")
    }
    lambdas = record.lambdaGrid ?? Self.defaultLambdas(law)
    ns = Self.ns(record.ns, upTo: record.samples ?? 1024)
  }

  private static func file(_ record: LowArguments, _ law: Law) throws(EsscherError) -> File? {
    guard let path = record.outputs.last else {
      guard record.prompts == nil, record.goldOutput == nil else {
        throw EsscherError(.usage, "--prompts and --gold-output need -o FILE.npy.")
      }
      return nil
    }
    guard record.outputs.count == 1, path != "-" else {
      throw EsscherError(
        .usage, "simulate writes one .npy file, and not to standard output; use -o FILE.npy once.")
    }
    for name in [path, record.goldOutput].compactMap(\.self) where !name.hasSuffix(".npy") {
      // /dev/null and its like have no ending, and a pipe may have any.
      guard FileIdentity.isRegularOrNew(name) else { continue }
      throw EsscherError(
        .usage, "simulate writes .npy files, and '\(name)' does not end so; name it FILE.npy.")
    }
    guard let prompts = record.prompts, let samples = record.samples else {
      throw EsscherError(
        .usage, "A file of samples needs its shape; add --prompts P and --samples M.")
    }
    let (cells, overflow) = prompts.multipliedReportingOverflow(by: samples)
    guard !overflow, cells <= Int.max / 16 else {
      throw EsscherError(
        .usage, "\(prompts) prompts x \(samples) samples is more than a file can hold.")
    }
    try record.elementType.checkHolds(law)
    guard case .bivariateNormal = law else {
      guard record.goldOutput == nil else {
        throw EsscherError(
          .usage, "--gold-output needs a law with a gold reward; use normal:RHO.")
      }
      return File(path: path, goldPath: nil, prompts: prompts, samples: samples)
    }
    let stem = path.hasSuffix(".npy") ? String(path.dropLast(4)) : path
    let goldPath = record.goldOutput ?? stem + ".gold.npy"
    guard !FileIdentity.isSame(path, goldPath) else {
      throw EsscherError(
        .usage, "Rewards and gold rewards both go to '\(path)'; give each a name of its own.")
    }
    return File(path: path, goldPath: goldPath, prompts: prompts, samples: samples)
  }

  /// Some decades around the law's scale; the exponential and the Gumbel law end at 1.
  private static func defaultLambdas(_ law: Law) -> [Double] {
    switch law {
    case .exponential, .gumbel: [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    default: [0.01, 0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10, 20]
    }
  }

  private static func ns(_ spec: IntegerGridSpec?, upTo limit: Int) -> [Int] {
    if case .list(let numbers) = spec { return numbers.ascendingDistinct() }
    let powers = sequence(first: 1) { $0 * 2 }.prefix { $0 <= limit }
    return (Array(powers) + [limit]).ascendingDistinct()
  }
}
