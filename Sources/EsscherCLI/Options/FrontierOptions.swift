// SPDX-License-Identifier: Apache-2.0
// Every option of `esscher frontier`; parsing and help follow this table.

internal import Esscher

enum FrontierOptions {
  static let table: [Option] = [
    Option(name: "--betas", placeholder: "SPEC", help: "KL penalties, a list or log:LO:HI:COUNT") {
      (arguments, value) throws(EsscherError) in
      let betas = try GridSpec.numbers(value, option: "--betas")
      guard betas.allSatisfy({ $0 > 0 }) else {
        throw EsscherError(.usage, "--betas \(value): beta must be above 0")
      }
      arguments.betas = betas
    },
    Option(name: "--lambdas", placeholder: "SPEC", help: "inverse temperatures, 1/beta") {
      (arguments, value) throws(EsscherError) in
      let lambdas = try GridSpec.numbers(value, option: "--lambdas")
      guard lambdas.allSatisfy({ $0 >= 0 }) else {
        throw EsscherError(.usage, "--lambdas \(value): lambda must not be negative")
      }
      arguments.lambdas = lambdas
    },
    Option(name: "--kl-budgets", placeholder: "SPEC", help: "mean KL budgets in nats") {
      (arguments, value) throws(EsscherError) in
      let budgets = try GridSpec.numbers(value, option: "--kl-budgets")
      guard budgets.allSatisfy({ $0 > 0 }) else {
        throw EsscherError(.usage, "--kl-budgets \(value): a budget must be above 0")
      }
      arguments.budgets = GridSpec.ascending(budgets)
    },
    Option(name: "--ns", placeholder: "SPEC", help: "n of best-of-n, or pow2 (default)") {
      (arguments, value) throws(EsscherError) in
      guard value != "pow2" else {
        arguments.bestOf = nil
        return
      }
      var ns: [Int] = []
      for n in GridSpec.ascending(try GridSpec.numbers(value, option: "--ns")) {
        guard n >= 1, n < 1e15, n == n.rounded() else {
          throw EsscherError(.usage, "--ns \(value): n must be a whole number of at least 1")
        }
        ns.append(Int(n))
      }
      arguments.bestOf = ns
    },
    Option(name: "--gold", placeholder: "FILE[:key]", help: "gold reward of the same samples") {
      (arguments, value) throws(EsscherError) in arguments.gold = value
    },
    Option(name: "--log-weights", placeholder: "FILE[:key]", help: "log importance weights") {
      (arguments, value) throws(EsscherError) in arguments.logWeights = value
    },
    Option(name: "--input-format", placeholder: "npy|npz", help: "format of the rewards") {
      (arguments, value) throws(EsscherError) in arguments.inputFormat = value
    },
    Option(name: "--key", placeholder: "NAME", help: "array inside an .npz") {
      (arguments, value) throws(EsscherError) in arguments.key = value
    },
    Option(name: "--dtype", placeholder: "bf16", help: "read |V2 cells as bfloat16") {
      (arguments, value) throws(EsscherError) in arguments.dtype = value
    },
    Option(name: "--missing", placeholder: "error|drop", help: "what a missing cell does") {
      (arguments, value) throws(EsscherError) in
      guard let policy = MissingPolicy(rawValue: value) else {
        throw EsscherError(.usage, "--missing '\(value)' is neither error nor drop")
      }
      arguments.request.missing = policy
    },
    Option(name: "--resamples", placeholder: "N", help: "bootstrap replicates, 0 for none") {
      (arguments, value) throws(EsscherError) in
      guard let count = Int(value), (0...1_000_000).contains(count) else {
        throw EsscherError(.usage, "--resamples '\(value)' is not a number from 0 to 1000000")
      }
      arguments.request.resamples = count
    },
    Option(name: "--confidence", placeholder: "P", help: "confidence of the intervals (0.95)") {
      (arguments, value) throws(EsscherError) in
      guard let confidence = Double(value), confidence > 0, confidence < 1 else {
        throw EsscherError(.usage, "--confidence '\(value)' is not between 0 and 1")
      }
      arguments.request.confidence = confidence
    },
    Option(name: "--seed", placeholder: "N", help: "seed of the bootstrap (0)") {
      (arguments, value) throws(EsscherError) in
      guard let seed = UInt64(value) else {
        throw EsscherError(.usage, "--seed '\(value)' is not a whole number of at least 0")
      }
      arguments.request.seed = seed
    },
    Option(name: "--device", placeholder: "auto|cpu", help: "where to compute") {
      (arguments, value) throws(EsscherError) in arguments.request.device = value
    },
    Option(name: "--threads", placeholder: "N", help: "worker threads") {
      (arguments, value) throws(EsscherError) in
      guard let threads = Int(value), (1...4096).contains(threads) else {
        throw EsscherError(.usage, "--threads '\(value)' is not a number from 1 to 4096")
      }
      arguments.request.threads = threads
    },
    Option(name: "--memory-budget", placeholder: "SIZE", help: "memory to use, such as 2GiB") {
      (arguments, value) throws(EsscherError) in
      arguments.request.memoryBudgetBytes = try MemorySize.bytes(value)
    },
    Option(name: "--precision", placeholder: "mixed|double", help: "arithmetic") {
      (arguments, value) throws(EsscherError) in
      guard let precision = Precision(rawValue: value) else {
        throw EsscherError(.usage, "--precision '\(value)' is neither mixed nor double")
      }
      arguments.request.precision = precision
    },
    Option(name: "--format", placeholder: "csv|jsonl", help: "what standard output carries") {
      (arguments, value) throws(EsscherError) in
      guard value == "csv" || value == "jsonl" else {
        throw EsscherError(.usage, "--format '\(value)' is neither csv nor jsonl")
      }
      arguments.format = value
    },
    Option(name: "--help", aliases: ["-h"], help: "print this help") {
      (arguments, _) throws(EsscherError) in arguments.wantsHelp = true
    },
  ]

  /// Parses arguments; nothing is opened.
  static func parse(_ words: [String]) throws(EsscherError) -> FrontierArguments {
    var arguments = FrontierArguments()
    var rest = words[...]
    var onlyFiles = false
    while let word = rest.popFirst() {
      if word == "--" && !onlyFiles {
        onlyFiles = true
        continue
      }
      guard !onlyFiles, word.hasPrefix("-"), word != "-" else {
        arguments.rewards.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = table.first(where: { $0.name == name || $0.aliases.contains(name) })
      else {
        throw EsscherError(.usage, "unknown option '\(name)'; see esscher frontier --help")
      }
      guard let placeholder = option.placeholder else {
        guard parts.count == 1 else {
          throw EsscherError(.usage, "\(name) takes no value")
        }
        try option.update(&arguments, "")
        continue
      }
      guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
        throw EsscherError(.usage, "\(name) needs a value: \(name) \(placeholder)")
      }
      try option.update(&arguments, value)
    }
    return arguments
  }

  /// The help text, from the table.
  static var help: String {
    var text = """
      Usage: esscher frontier REWARDS [OPTIONS]

      Estimates the KL-reward frontier and the best-of-n curve of a prompt × sample reward array
      (.npy or .npz) and writes it to standard output.

      Options:

      """
    for option in table {
      let left =
        ([option.name] + option.aliases).joined(separator: ", ")
        + (option.placeholder.map { " \($0)" } ?? "")
      let gap = String(repeating: " ", count: max(2, 34 - left.count))
      text += "  \(left)\(gap)\(option.help)\n"
    }
    return text
  }
}

/// Sizes of memory as users write them.
enum MemorySize {
  private static let units: [(suffix: String, bytes: Double)] = [
    ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
    ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1), ("", 1),
  ]

  /// Bytes of a size such as `256MiB`, at least 16 MiB.
  static func bytes(_ text: String) throws(EsscherError) -> Int {
    for unit in units where text.hasSuffix(unit.suffix) {
      let digits = text.dropLast(unit.suffix.count)
      guard let number = Double(digits), number.isFinite else { break }
      let bytes = number * unit.bytes
      guard bytes >= 16_777_216, bytes < 1e18 else {
        throw EsscherError(.usage, "--memory-budget \(text) is not at least 16MiB")
      }
      return Int(bytes)
    }
    throw EsscherError(.usage, "--memory-budget '\(text)' is not a size such as 256MiB or 2GiB")
  }
}
