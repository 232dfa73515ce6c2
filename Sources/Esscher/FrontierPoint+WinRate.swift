// SPDX-License-Identifier: Apache-2.0

internal import EsscherCore

extension FrontierPoint {
  /// Fills in the largest win rate that any policy can have at the line's KL.
  mutating func addWinRateLimit() {
    // A KL that was corrected for its bias may be below 0.
    guard let kl, kl >= 0, winRate != nil else { return }
    extras[.winRateLimit] = WinRateLimit.winRate(kl: kl)
  }
}
