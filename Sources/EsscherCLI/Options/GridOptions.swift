// SPDX-License-Identifier: Apache-2.0
// Options that choose the points of the curves.

internal import EsscherOptions

extension OptionTable {
  static let gridOptions: [Option] = [
    .request(.curves, .grids, [.frontier]),
    .request(.betas, .grids, [.frontier, .simulate]),
    .request(.lambdas, .grids, [.frontier, .simulate, .bench]),
    .request(.klBudgets, .grids, [.frontier]),
    .request(.ns, .grids, [.frontier, .simulate, .bench]),
  ]
}
