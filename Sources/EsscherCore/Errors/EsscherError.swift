// SPDX-License-Identifier: Apache-2.0
// The one error type that crosses a public boundary. It carries a sentence for the user, the place
// the fault lies, and the kind of fault, from which the program's exit code follows.

/// A failure described for the person who can mend it.
///
/// - `message` says what is wrong and what to do about it, in one or two sentences.
/// - `location` says where: a file, and a line or a row and column inside it.
public struct EsscherError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure. An open set: match with `==` and keep a default.
  public struct Code: Sendable, Hashable {
    /// Short stable identifier, for logs and tests.
    public let name: String
    /// Exit code of the `esscher` program for this kind of failure.
    public let exitCode: Int32

    /// A fault inside Esscher itself.
    public static let `internal` = Code(name: "internal", exitCode: 1)
    /// A request that cannot be carried out as asked: options, grids, combinations.
    public static let usage = Code(name: "usage", exitCode: 2)
    /// Input that is missing, malformed or outside what the estimators are defined for.
    public static let badInput = Code(name: "bad-input", exitCode: 3)
    /// A device asked for by name that cannot be used.
    public static let deviceUnavailable = Code(name: "device-unavailable", exitCode: 4)
    /// A known-answer check that did not hold.
    public static let verificationFailed = Code(name: "verification-failed", exitCode: 5)
    /// A sweep in shards that needs another pass over them.
    public static let anotherRound = Code(name: "another-round", exitCode: 6)
    /// The user interrupted the run.
    public static let interrupted = Code(name: "interrupted", exitCode: 130)
  }

  /// Where the fault lies.
  public struct Location: Sendable, Equatable, CustomStringConvertible {
    /// File name as the user gave it, or a stream's name.
    public var file: String?
    /// Line in a text file, counted from 1.
    public var line: Int?
    /// Prompt (row), counted from 0 as in NumPy.
    public var row: Int?
    /// Sample (column), counted from 0 as in NumPy.
    public var column: Int?

    /// A place; parts that are not known are left out.
    public init(file: String? = nil, line: Int? = nil, row: Int? = nil, column: Int? = nil) {
      self.file = file
      self.line = line
      self.row = row
      self.column = column
    }

    /// The known parts, separated by commas.
    public var description: String {
      var parts: [String] = []
      if let file { parts.append(file) }
      if let line { parts.append("line \(line)") }
      if let row { parts.append("row \(row)") }
      if let column { parts.append("column \(column)") }
      return parts.joined(separator: ", ")
    }
  }

  /// What a run throws that its observer cancelled.
  public static let interruption = EsscherError(
    .interrupted, "Interrupted; nothing half-written was left behind.")

  /// Kind of failure.
  public let code: Code
  /// What is wrong and what to do about it.
  public let message: String
  /// Where the fault lies, where that is known.
  public let location: Location?

  /// A failure with its sentence and place.
  public init(_ code: Code, _ message: String, at location: Location? = nil) {
    self.code = code
    self.message = message
    self.location = location
  }

  /// `place: message`, or the message alone where there is no place.
  public var description: String {
    guard let location, !location.description.isEmpty else { return message }
    return "\(location): \(message)"
  }
}
