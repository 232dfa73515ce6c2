// SPDX-License-Identifier: Apache-2.0
// What a device allows at best, measured on the spot, for benchmarks to compare with.

package import EsscherCore

/// Rates of one device.
package struct DeviceCeilings: Sendable {
  /// Bytes a second read from the device's memory, far beyond its caches.
  package var readBytes = 0.0
  /// Multiply-adds a second in double precision.
  package var multiplyAdds = 0.0
  /// Multiply-adds a second in single precision.
  package var floatMultiplyAdds = 0.0
  /// Exponentials a second in double precision, of values in registers.
  package var exponentials = 0.0
}

/// How much the probes of a device do.
package struct CeilingEffort: Sendable {
  /// Bytes of the buffer that is read: several times a last-level cache.
  package var readBytes: Int
  /// Work-groups a compute unit: enough to fill it, and to even out what is left at the end.
  package var groupsPerUnit: Int
  /// Multiply-adds of a chain, and exponentials, in the shortest turn; a multiple of 8.
  package var rounds: Int
  /// Seconds of a turn, beside which a launch takes no time worth naming: its work is doubled until it takes them.
  package var secondsPerTurn: Double
  /// Turns that count; the fastest does, for a ceiling is what can be reached.
  package var turns: Int

  /// - Parameters:
  ///   - readBytes: bytes of the buffer; a lane reads four vectors at least.
  ///   - groupsPerUnit: work-groups a compute unit, at least 1.
  ///   - rounds: of the shortest turn, a multiple of 8.
  ///   - secondsPerTurn: 0 for the shortest turn.
  ///   - turns: at least 1.
  package init(
    readBytes: Int, groupsPerUnit: Int, rounds: Int, secondsPerTurn: Double, turns: Int
  ) {
    self.readBytes = readBytes
    self.groupsPerUnit = groupsPerUnit
    self.rounds = rounds
    self.secondsPerTurn = secondsPerTurn
    self.turns = turns
  }

  /// What a device's kind calls for, within its memory: 128 MiB as on the Swift path, 1 GiB on GPUs, whose
  /// caches hold 60 MB and more.
  init(_ tuning: LaunchTuning, _ profile: DeviceProfile) {
    let wanted = tuning.worksBesideHost ? 1 << 30 : 1 << 27
    self.init(
      readBytes: min(wanted, profile.largestBuffer, profile.globalMemory / 4),
      groupsPerUnit: tuning.worksBesideHost ? 64 : 16, rounds: 1024, secondsPerTurn: 0.01,
      turns: 10)
  }
}

extension OpenCLBackend {
  /// Measures what the device allows, in about half a second after its compiler is done.
  ///
  /// - Parameter effort: how much to do; nil for what suits the device.
  /// - Throws: `.deviceUnavailable` with the driver's words and what to do.
  package func ceilings(_ effort: CeilingEffort? = nil) throws(EsscherError) -> DeviceCeilings {
    let ceilings: DeviceCeilings
    do throws(OpenCLError) {
      let (tuning, profile) = (kernels.tuning, session.profile)
      ceilings = try CeilingProbes(
        session, tuning, effort ?? CeilingEffort(tuning, profile)
      ).measure()
    } catch { throw error.report(device: name) }
    let rates = [
      ceilings.readBytes, ceilings.multiplyAdds, ceilings.floatMultiplyAdds, ceilings.exponentials,
    ]
    guard rates.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw EsscherError(
        .deviceUnavailable,
        "\(name) failed: the kernels that measure its ceilings gave wrong sums; use --device cpu, "
          + "and report this together with the driver's version")
    }
    return ceilings
  }
}

/// The probes of one device, with a program, a queue and memory of their own, so that none of the backend's locks is
/// needed.
private final class CeilingProbes {
  private let session: OpenCLSession
  private let tuning: LaunchTuning
  private let effort: CeilingEffort
  private let queue: OpenCLQueue
  private let program: OpenCLProgram
  private let groups: Int
  private let seed: OpenCLBuffer
  private let result: OpenCLBuffer

  init(
    _ session: OpenCLSession, _ tuning: LaunchTuning, _ effort: CeilingEffort
  ) throws(OpenCLError) {
    self.session = session
    self.tuning = tuning
    self.effort = effort
    groups = max(1, session.profile.computeUnits) * effort.groupsPerUnit
    queue = try session.queue()
    program = try session.program(.ceilings, options: tuning.buildOptions)
    seed = try session.buffer(24, "factors of the ceilings")
    result = try session.buffer(8 * groups * tuning.lanes, "sums of the ceilings")
    // |factor| < 1: no chain overflows, and none sinks to denormals. Exponents fall so slowly that none gets to where
    // the exponential ends.
    try queue.write([0.9, 0.1, 0x1p-24], to: seed)
  }

  func measure() throws(OpenCLError) -> DeviceCeilings {
    let width = Double(tuning.vectorWidth)
    // Vectors of floats hold twice as many.
    let floats = tuning.vectorWidth > 1 ? 2 * width : 1
    return DeviceCeilings(
      readBytes: try read(),
      multiplyAdds: try max(
        rate("ceiling_doubles_few", 4 * width), rate("ceiling_doubles_many", 12 * width)),
      floatMultiplyAdds: try max(
        rate("ceiling_floats_few", 4 * floats), rate("ceiling_floats_many", 12 * floats)),
      exponentials: try rate("ceiling_exponentials", 4 * width))
  }

  /// Bytes a second; 0 where the sum of what was read is wrong.
  private func read() throws(OpenCLError) -> Double {
    let step = 4 * tuning.lanes * tuning.vectorWidth
    let cells = step * max(1, effort.readBytes / (8 * groups * step))
    let values = try session.buffer(8 * groups * cells, "the cells of the ceilings")
    let fill = try program.kernel("ceiling_fill", on: session)
    try fill.set(0, values)
    try fill.set(1, ulong: UInt64(cells))
    try queue.launch(fill, groups: (groups, 1), lanes: tuning.lanes)
    let kernel = try program.kernel("ceiling_read", on: session)
    try kernel.set(0, values)
    try kernel.set(1, result)
    try kernel.set(2, ulong: UInt64(cells))
    let rate = try best(Double(8 * groups * cells)) { passes throws(OpenCLError) in
      for _ in 0..<passes {
        try queue.launch(kernel, groups: (groups, 1), lanes: tuning.lanes)
      }
    }
    // Cells are ones, and sums of fewer than 2^53 of them are exact.
    return try results().reduce(0, +) == Double(groups * cells) ? rate : 0
  }

  /// Units of work a second of a kernel that does `work` of them a lane and round; 0 where its sums are wrong.
  private func rate(_ name: String, _ work: Double) throws(OpenCLError) -> Double {
    let kernel = try program.kernel(name, on: session)
    try kernel.set(0, seed)
    try kernel.set(1, result)
    let lanes = Double(groups * tuning.lanes)
    let rate = try best(lanes * Double(effort.rounds) * work) { scale throws(OpenCLError) in
      try kernel.set(2, uint: UInt32(clamping: effort.rounds * scale))
      try queue.launch(kernel, groups: (groups, 1), lanes: tuning.lanes)
    }
    return try results().allSatisfy { $0.isFinite && $0 > 0 } ? rate : 0
  }

  /// Units of work a second in the fastest turn, `work` being those of the shortest.
  private func best(
    _ work: Double, _ launch: (_ scale: Int) throws(OpenCLError) -> Void
  ) throws(OpenCLError) -> Double {
    func seconds(_ scale: Int) throws(OpenCLError) -> Double {
      let clock = ContinuousClock()
      let start = clock.now
      try launch(scale)
      try queue.finish()
      let elapsed = start.duration(to: clock.now).components
      return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    }
    // Compilers may work at the first launch.
    _ = try seconds(1)
    var scale = 1
    var shortest = try seconds(scale)
    // Rounds stay below 2^32.
    while shortest < effort.secondsPerTurn, scale < 1 << 20 {
      scale *= 2
      shortest = try seconds(scale)
    }
    for _ in 1..<max(2, effort.turns) { shortest = min(shortest, try seconds(scale)) }
    return work * Double(scale) / max(shortest, 1e-9)
  }

  private func results() throws(OpenCLError) -> [Double] {
    try queue.read(groups * tuning.lanes, from: result, zero: 0.0)
  }
}
