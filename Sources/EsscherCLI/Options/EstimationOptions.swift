// SPDX-License-Identifier: Apache-2.0
// Options of the estimates and their intervals.

internal import EsscherOptions

extension OptionTable {
  static let estimationOptions: [Option] = [
    .request(.resamples, .estimation, [.frontier]),
    .request(.confidence, .estimation, [.frontier]),
    .request(.biasCorrect, .estimation, [.frontier]),
    .request(.seed, .estimation, [.frontier, .simulate]),
    .request(.precision, .estimation, [.frontier]),
  ]
}
