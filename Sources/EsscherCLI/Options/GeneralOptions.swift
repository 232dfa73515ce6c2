// SPDX-License-Identifier: Apache-2.0
// Options that every command has.

extension OptionTable {
  static let generalOptions: [Option] = [
    .flag(
      "help", letter: "h", .general, Set(CommandName.allCases), "Print this help."
    ) { $0.help = true },
    .flag(
      "version", letter: "V", .general, Set(CommandName.allCases), "Print the version."
    ) { $0.version = true },
  ]
}
