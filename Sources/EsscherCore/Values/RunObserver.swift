// SPDX-License-Identifier: Apache-2.0
// How a caller watches a run: progress, cancellation, and the per-prompt lines as they are made.

/// A prompt's values at one point of a curve; the lines of `--per-prompt`.
public struct PromptPoint: Sendable, Equatable {
  /// Row of the prompt in the input, from 0.
  public var prompt: Int
  /// Samples of this prompt that took part.
  public var sampleCount: Int
  /// Curve the point lies on.
  public var curve: Curve
  public var beta, lambda: Double?
  /// Number of samples of best-of-n.
  public var n: Int?
  public var kl, reverseKL, jeffreys, reward, gain, gold, winRate, ess, khat, klCeiling: Double?
  /// What the jackknife says of the tilt's bias, and its largest weight; nil for other curves.
  public var bias: TiltJackknife?
  /// Standard errors over the prompt's samples.
  public var errors = SampleErrors()

  /// A point without values.
  public init(prompt: Int, sampleCount: Int, curve: Curve) {
    self.prompt = prompt
    self.sampleCount = sampleCount
    self.curve = curve
  }
}

/// Callbacks of a run. All are called on the thread that started the run.
public struct RunObserver {
  /// Stage name and the share of it that is done, 0…1.
  public var progress: (_ stage: String, _ fraction: Double) -> Void
  /// Asked between tiles; true ends the run with `EsscherError.Code.interrupted`.
  public var isCancelled: () -> Bool
  /// Receives the lines of each prompt in row order; nil where nobody asked for them.
  public var promptPoints: ((_ points: [PromptPoint]) throws(EsscherError) -> Void)?

  /// Called before a run starts again from the beginning, after a device failed: lines that
  /// `promptPoints` took are void.
  public var restarted: () throws(EsscherError) -> Void

  /// An observer; every callback has a default that does nothing.
  public init(
    progress: @escaping (_ stage: String, _ fraction: Double) -> Void = { _, _ in },
    isCancelled: @escaping () -> Bool = { false },
    promptPoints: ((_ points: [PromptPoint]) throws(EsscherError) -> Void)? = nil,
    restarted: @escaping () throws(EsscherError) -> Void = {}
  ) {
    self.progress = progress
    self.isCancelled = isCancelled
    self.promptPoints = promptPoints
    self.restarted = restarted
  }
}
