// SPDX-License-Identifier: Apache-2.0
// `esscher verify`: the real engine on cases whose answers are known, one line a check.

internal import Esscher

enum VerifyCommand {
  static func run(_ record: LowArguments, _ session: Session) throws(EsscherError) {
    try refusePositionals(record, of: .verify)
    var (failed, total) = (0, 0)
    for item in KnownAnswers.all + Identities.all {
      try session.checkCancelled()
      for outcome in try outcomes(of: item, record, session) {
        try session.console.print(outcome.line)
        total += 1
        failed += outcome.holds ? 0 : 1
      }
    }
    guard failed > 0 else {
      session.diagnostics.notice("All \(total) checks hold.")
      return
    }
    throw EsscherError(
      .verificationFailed,
      "\(failed) of \(total) checks failed; results from this machine cannot be relied on. Report "
        + "the lines above together with the output of esscher devices.")
  }

  /// Runs a case. A run that fails fails each of the case's checks and says why.
  private static func outcomes(
    of item: VerificationCase, _ record: LowArguments, _ session: Session
  ) throws(EsscherError) -> [Outcome] {
    var request = item.request
    request.threads = record.threads
    request.device = record.device
    do throws(EsscherError) {
      let observer = RunObserver(isCancelled: session.isCancelled)
      let report = try Engine().frontier(item.table, request, observer: observer)
      return item.checks.map { $0.outcome(report) }
    } catch {
      guard error.code != .interrupted else { throw error }
      return item.checks.map { check in
        Outcome(
          name: check.name, expected: check.expected, got: nil,
          margin: check.tolerance.margin(at: check.expected), holds: false,
          reason: error.description)
      }
    }
  }
}
