// SPDX-License-Identifier: Apache-2.0

/// By which methods the tilts of a plan were summed: how many pairs of a prompt and a lambda each of them served.
///
/// A backend chooses by cost, row by row; every method keeps the accuracy contract.
public struct TiltMethods: Sendable, Equatable {
  /// By the row's power moments: lambda·max|r − mean| ≤ ½, or ≤ 5 where 36 of them are cheaper than samples or blocks.
  public var powers = 0
  /// Over blocks of the sorted row.
  public var blocks = 0
  /// Over samples, several lambdas sharing the work: by the Chebyshev moments of a short row, or eight of equal steps by
  /// two exponentials.
  public var runs = 0
  /// Over samples, an exponential each.
  public var samples = 0

  /// What the polynomial over blocks leaves out, relative to each block: 2·(τ/2)^16/16!·(1 + τ/34) + 1.1·τ^21/21!
  /// at τ = 1½.
  public static let blockErrorBound = 1.2e-15
  /// What the series in power moments leaves out, relative to its first term: 2·τ^11/13! at τ = ½, and less with
  /// more than 12 powers.
  public static let powerErrorBound = 1.6e-13
  /// What the samples that are left out would add at most to Σ e^x, to lambda·Σ (max − r) e^x and to a payload in
  /// units of its standard deviation, where Σ e^x ≥ 1 is over samples and exponents are about the maximum.
  public static let truncationBound = 1.2e-12

  /// The largest of the bounds that apply; 0 where nothing was summed.
  public var errorBound: Double {
    if blocks + runs + samples > 0 { return Self.truncationBound }
    return powers > 0 ? Self.powerErrorBound : 0
  }

  /// No tilts.
  public init() {}

  /// Adds the counts of another part of the plan.
  public static func += (left: inout TiltMethods, right: TiltMethods) {
    left.powers += right.powers
    left.blocks += right.blocks
    left.runs += right.runs
    left.samples += right.samples
  }
}
