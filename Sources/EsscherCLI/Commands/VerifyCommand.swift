// SPDX-License-Identifier: Apache-2.0
// `esscher verify`: the real engine on cases whose answers are known, on every device, one line a check.

internal import Esscher
internal import EsscherOptions

enum VerifyCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    try refusePositionals(record, of: .verify)
    let devices = record.device == "auto" ? ["cpu"] + otherDevices(session) : [record.device]
    var (failed, total) = (0, 0)
    for device in devices {
      for item in KnownAnswers.all + Identities.all {
        try session.checkCancelled()
        for outcome in try outcomes(of: item, on: device, record, session) {
          let label = device == "cpu" ? "" : "\(device): "
          try session.console.print(outcome.line(label))
          total += 1
          failed += outcome.holds ? 0 : 1
        }
      }
    }
    guard failed > 0 else {
      session.diagnostics.notice("All \(total) checks hold on \(devices.joined(separator: ", ")).")
      return
    }
    throw EsscherError(
      .verificationFailed,
      "\(failed) of \(total) checks failed; results from this machine cannot be relied on. Report "
        + "the lines above together with the output of esscher devices.")
  }

  /// Usable devices besides the processor; what is not usable is told.
  private static func otherDevices(_ session: Session) -> [String] {
    let (usable, rejected) = Engine.devices()
    for device in rejected {
      session.diagnostics.notice(
        "Not verified: \(device.device): \(device.reason); \(device.remedy).")
    }
    return usable.map(\.name).filter { $0 != "cpu" }
  }

  /// Runs a case. A run that fails fails each of the case's checks and says why.
  private static func outcomes(
    of item: VerificationCase, on device: String, _ record: LowArguments, _ session: Session
  ) throws(EsscherError) -> [Outcome] {
    var request = item.request
    request.threads = record.threads
    request.device = device
    do throws(EsscherError) {
      let observer = RunObserver(isCancelled: session.isCancelled)
      let report = try Engine().frontier(item.table, request, observer: observer)
      var outcomes = item.checks.map { $0.outcome(report) }
      if device != "cpu" {
        request.device = "cpu"
        let processor = try Engine().frontier(item.table, request, observer: observer)
        outcomes.append(agreement(item.name, report, processor))
      }
      return outcomes
    } catch {
      // A device that was asked for by name and is not there is no failed check.
      let isMissing = error.code == .deviceUnavailable && record.device != "auto"
      guard error.code != .interrupted, !isMissing else { throw error }
      return item.checks.map { check in
        Outcome(
          name: check.name, expected: check.expected, got: nil,
          margin: check.tolerance.margin(at: check.expected), holds: false,
          reason: error.description)
      }
    }
  }

  /// The largest relative difference between a device's cells and the processor's. Each is within 1e-10
  /// of the exact value.
  private static func agreement(
    _ name: String, _ report: Report, _ processor: Report
  ) -> Outcome {
    let paths: [KeyPath<FrontierPoint, Double?>] = [
      \.kl, \.reverseKL, \.gain, \.reward, \.gold, \.winRate, \.efficiency, \.klCeiling,
    ]
    var largest = report.points.count == processor.points.count ? 0 : Double.infinity
    for (point, other) in zip(report.points, processor.points) {
      for path in paths {
        guard let a = point[keyPath: path], let b = other[keyPath: path] else {
          if point[keyPath: path] != nil || other[keyPath: path] != nil { largest = .infinity }
          continue
        }
        // Rewards and gains relative to their level where they nearly vanish.
        let scale = max(a.magnitude, b.magnitude, 1e-3)
        largest = max(largest, (a - b).magnitude / scale)
      }
    }
    return Outcome(
      name: "\(name): as on the processor", expected: 0, got: largest, margin: 2e-10,
      holds: largest <= 2e-10, reason: nil)
  }
}
