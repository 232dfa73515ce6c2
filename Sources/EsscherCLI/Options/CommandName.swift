// SPDX-License-Identifier: Apache-2.0
// The commands of the program: their names, what they take and what their help says.

/// A command of the program.
enum CommandName: String, CaseIterable, Sendable {
  case frontier
  case merge
  case simulate
  case devices
  case verify
  case bench

  /// Placeholder of the positional arguments, as usage lines show it; nil where there are none.
  var positional: String? {
    switch self {
    case .frontier: "REWARDS..."
    case .merge: "STATE..."
    case .simulate: "LAW"
    case .bench: "[FILE.npy]"
    case .devices, .verify: nil
    }
  }

  /// One line for the list of commands.
  var summary: String {
    switch self {
    case .frontier: "estimate the optimal KL-reward frontier and the best-of-n curve"
    case .merge: "put the parts of a sweep together that frontier --shard wrote"
    case .simulate: "write a reward matrix of a law whose exact answers are known"
    case .devices: "list the devices of this machine and the one that auto picks"
    case .verify: "run the known-answer checks on this machine"
    case .bench: "time the engine's jobs on this machine beside their ceilings"
    }
  }

  /// A paragraph for the command's own help.
  var description: String {
    switch self {
    case .frontier:
      """
      Reads a prompt x sample matrix of rewards drawn from a base policy and estimates how much \
      reward each amount of KL divergence can buy at best, how close best-of-n comes, and how far \
      each number can be trusted. REWARDS is a file (.npy, .npz, .jsonl, .csv, .tsv), several \
      files of an ensemble's reward models, or - for standard input with --input-format. KL is in nats.
      """
    case .merge:
      """
      Reads the state of every shard of one sweep, in any order, and writes the report that one run \
      over all prompts would write, bit for bit. Default grids, budgets and efficiencies depend on all \
      prompts: where they are asked for, a merge ends with exit code 6 and writes --state, by which the \
      shards run again (--after); name that state, too, at the next merge. Given --lambdas and --ns \
      save rounds.
      """
    case .simulate:
      """
      Writes samples of LAW to an .npy file, prompts in rows and samples in columns. The bytes \
      depend on the law, the shape, the element type and the seed, and on nothing else. LAW is \
      normal, uniform, exponential, gumbel, bernoulli:P, alphabet:K (letters 1 to K, equally \
      likely) or normal:RHO (reward and gold reward with correlation RHO).
      """
    case .devices:
      "Shows what can carry out a run on this machine, and which device --device auto picks."
    case .verify:
      """
      Runs the engine on cases whose exact answers are known, on the processor and on every usable \
      device, and compares. One line a check; the exit code is 0 only if all hold, and 5 otherwise.
      """
    case .bench:
      """
      Times the engine's jobs on the processor and on every usable device, on made rewards of several \
      shapes or on FILE.npy: reading, the tilt at 64 and 256 lambdas, best-of-n, both together, gold \
      ordered by a proxy, the bootstrap, Pareto shapes and the whole frontier. Beside each stands what \
      bounds it, measured on the spot: memory, multiply-adds or exponentials, and the share of it that \
      the job reaches. Above 100 % a job gets by with less than one such operation a unit. Each OpenCL \
      device is measured by kernels of its own; devices that share a run have no ceiling.
      """
    }
  }

  /// Command lines worth copying, for the end of the help.
  var examples: [String] {
    switch self {
    case .frontier:
      [
        "esscher frontier rewards.npy",
        "esscher frontier scores.jsonl --gold gold.npy -o frontier.csv -o frontier.json",
        "esscher frontier rewards.npy --betas 0.05,0.1,0.5 --ns pow2 --format csv",
        "esscher frontier a.npy b.npy c.npy --ensemble mean --standardize model",
      ]
    case .merge:
      [
        "esscher frontier rewards.npy --shard 1/2 --state 1.state",
        "esscher frontier rewards.npy --shard 2/2 --state 2.state",
        "esscher merge 1.state 2.state --state sweep.state -o frontier.csv",
      ]
    case .simulate:
      [
        "esscher simulate normal --prompts 1000 --samples 256 -o rewards.npy",
        "esscher simulate normal:0.6 --prompts 100 --samples 1000 -o proxy.npy",
        "esscher simulate exponential --exact",
      ]
    case .devices: ["esscher devices --json"]
    case .verify: ["esscher verify"]
    case .bench:
      [
        "esscher bench --json",
        "esscher bench --shape 2000x10000 --job tilt --job best_of_n --device cpu",
      ]
    }
  }
}
