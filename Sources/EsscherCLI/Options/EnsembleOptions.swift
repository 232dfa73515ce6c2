// SPDX-License-Identifier: Apache-2.0
// Options of several reward models.

internal import Esscher
internal import EsscherOptions

extension OptionTable {
  static let ensembleOptions: [Option] = [
    .request(.ensemble, .estimation, [.frontier]),
    .request(.standardize, .estimation, [.frontier]),
  ]
}
