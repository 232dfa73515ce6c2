// SPDX-License-Identifier: Apache-2.0
// Progress on standard error: on a terminal one line that is redrawn, elsewhere a line each 10 %, and
// there only for stages that take long, so that a log of short runs stays empty.

/// Shows how far the stages of a run are.
final class ProgressReporter {
  private enum Style {
    case none
    case bar
    /// A line each 10 %, after `patience` seconds of a stage.
    case lines(patience: Double)
  }

  private let console: any Console
  private let style: Style
  /// Seconds since some fixed moment.
  private let now: () -> Double
  private var stage: String?
  private var stageStart = 0.0
  private var lastTenth = 0
  private var lastDrawing = -Double.infinity
  private var isBarShown = false

  private static let redrawInterval = 0.1
  private static let barWidth = 30

  init(
    console: any Console, mode: ProgressMode, isQuiet: Bool,
    now: @escaping () -> Double = ProgressReporter.monotonicSeconds()
  ) {
    self.console = console
    self.now = now
    style =
      switch mode {
      case _ where isQuiet: .none
      case .never: .none
      case .auto where !console.errorIsTerminal: .lines(patience: 1)
      case .always where !console.errorIsTerminal: .lines(patience: 0)
      case .auto, .always: .bar
      }
  }

  /// - Parameter fraction: share of the stage that is done, 0...1.
  func update(_ stage: String, _ fraction: Double) {
    guard fraction.isFinite else { return }
    let share = min(max(fraction, 0), 1)
    let time = now()
    if stage != self.stage {
      self.stage = stage
      stageStart = time
      lastTenth = 0
      lastDrawing = -.infinity
    }
    switch style {
    case .none: return
    case .bar: draw(stage, share, at: time)
    case .lines(let patience): log(stage, share, elapsed: time - stageStart, patience)
    }
  }

  /// Takes the bar away, before anything else is written.
  func finish() {
    if isBarShown { console.report("\r\u{1B}[K") }
    isBarShown = false
  }

  private func draw(_ stage: String, _ share: Double, at time: Double) {
    guard share == 1 || time - lastDrawing >= Self.redrawInterval else { return }
    lastDrawing = time
    let full = Int(share * Double(Self.barWidth))
    let bar =
      String(repeating: "#", count: full) + String(repeating: ".", count: Self.barWidth - full)
    console.report("\r\(stage) [\(bar)] \(Int(share * 100)) %\u{1B}[K")
    isBarShown = true
  }

  private func log(_ stage: String, _ share: Double, elapsed: Double, _ patience: Double) {
    let tenth = Int(share * 10 + 1e-9)
    guard tenth > lastTenth, elapsed >= patience else { return }
    lastTenth = tenth
    console.report("esscher: \(stage): \(tenth * 10) %\n")
  }

  private static func monotonicSeconds() -> () -> Double {
    let start = ContinuousClock.now
    return {
      let (seconds, attoseconds) = (ContinuousClock.now - start).components
      return Double(seconds) + Double(attoseconds) * 1e-18
    }
  }
}
