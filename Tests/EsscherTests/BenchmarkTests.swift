// SPDX-License-Identifier: Apache-2.0
// What the benchmark's jobs compute, by their definitions on the same cells, and the rewards it makes.

import EsscherCPU
import EsscherCore
import EsscherTestSupport
import Testing

@testable import Esscher

@Suite("Benchmark")
struct BenchmarkTests {
  private func cells(_ matrix: BenchmarkMatrix, row: Int) throws -> [Double] {
    var cells = [Double](repeating: 0, count: matrix.sampleCount(row: row))
    try unsafe cells.withUnsafeMutableBufferPointer {
      unsafe try matrix.copyDoubles(rows: row..<row + 1, columns: nil, to: $0)
    }
    return cells
  }

  @Test("made rewards have their law: centres, spreads, and gold's correlation")
  func law() throws {
    let (prompts, samples) = (400, 250)
    let matrix = BenchmarkMatrix(prompts: prompts, samples: samples)
    let gold = BenchmarkMatrix(prompts: prompts, samples: samples, content: .gold)
    var (means, variances, correlations) = ([Double](), [Double](), [Double]())
    for row in 0..<prompts {
      let (r, g) = (try cells(matrix, row: row), try cells(gold, row: row))
      let (mean, goldMean) = (r.reduce(0, +) / 250, g.reduce(0, +) / 250)
      let variance = r.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 250
      let goldVariance = g.reduce(0) { $0 + ($1 - goldMean) * ($1 - goldMean) } / 250
      let covariance = zip(r, g).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - goldMean) } / 250
      means.append(mean)
      variances.append(variance)
      correlations.append(covariance / (variance * goldVariance).squareRoot())
    }
    func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
    // Each within five standard errors of 400 prompts: of the means N(0, 1/4 + 13/12/250); of the variances,
    // whose law has mean E[spread^2] = 13/12 and variance below E[spread^4] = 1.25·1.25; of correlations, which
    // scatter by 0.64/sqrt(250) and are biased by less than 1e-3.
    #expect(abs(mean(means)) < 5 * 0.51 / 20)
    #expect(abs(mean(means.map { $0 * $0 }) - 0.2543) < 5 * 0.36 / 20)
    #expect(abs(mean(variances) - 13.0 / 12) < 5 * 1.25 / 20)
    #expect(abs(mean(correlations) - 0.6) < 5 * 0.0405 / 20 + 1e-3)
  }

  @Test("made rewards are a function of shape and place, as floats or doubles, whole or in part")
  func places() throws {
    let matrix = BenchmarkMatrix(prompts: 3, samples: 70_000)
    let whole = try cells(matrix, row: 1)
    var part = [Float](repeating: 0, count: 1000)
    try unsafe part.withUnsafeMutableBufferPointer {
      unsafe try matrix.copyFloats(rows: 1..<2, columns: 65_000..<66_000, to: $0)
    }
    #expect(part.map(Double.init) == Array(whole[65_000..<66_000]))
    #expect(try cells(BenchmarkMatrix(prompts: 3, samples: 70_000), row: 1) == whole)
    #expect(Set(whole).count > 69_000, "blocks do not repeat one another")
  }

  @Test("each job's numbers are those of its definition")
  func values() throws {
    let (prompts, samples) = (70, 300)
    let matrix = BenchmarkMatrix(prompts: prompts, samples: samples)
    let gold = BenchmarkMatrix(prompts: prompts, samples: samples, content: .gold)
    let table = RewardTable(label: "made", rewards: .cells(matrix), gold: gold)
    let benchmark = try Benchmark(table, device: "cpu", threads: 2, repeats: 1)
    var kl = [Double](repeating: 0, count: 64)
    var (reward, top, goldTop, mean) = (kl, 0.0, 0.0, 0.0)
    for row in 0..<prompts {
      let (r, g) = (try cells(matrix, row: row), try cells(gold, row: row))
      mean += r.reduce(0, +) / Double(samples * prompts)
      let order = r.indices.sorted { r[$0] < r[$1] }
      // Best of 2: u_i = 2(i − 1)/(M(M − 1)), ascending.
      for (rank, index) in order.enumerated() {
        let weight = 2 * Double(rank) / Double(samples * (samples - 1) * prompts)
        top += weight * r[index]
        goldTop += weight * g[index]
      }
      for (place, lambda) in Benchmark.usualLambdas.enumerated() {
        let largest = r[order[samples - 1]]
        let weights = r.map { Elementary.exp(lambda * ($0 - largest)) }
        let sum = weights.reduce(0, +)
        let tilted = zip(weights, r).reduce(0) { $0 + $1.0 * $1.1 } / sum
        reward[place] += tilted / Double(prompts)
        kl[place] +=
          (lambda * (tilted - largest) - Elementary.log(sum / Double(samples))) / Double(prompts)
      }
    }
    for job in [BenchmarkJob.tilt, .tiltBestOfN] {
      let values = try benchmark.run(job).values
      for place in 0..<64 {
        // The plain sums above lose 1e-14 of lambda·reward, that is 1e-12 at lambda 50.
        #expect(abs(values[place] - kl[place]) < 1e-11, "\(job) KL \(place)")
        #expect(abs(values[64 + place] - reward[place]) < 1e-12, "\(job) reward \(place)")
      }
    }
    for (job, first, second) in [
      (BenchmarkJob.bestOfN, mean, top), (.gold, .nan, goldTop), (.tiltBestOfN, mean, top),
    ] {
      let values = try benchmark.run(job).values
      let start = values.count - 9
      #expect(job == .gold || abs(values[start] - first) < 1e-12, "\(job) at n = 1")
      // No two rewards of a row are equal in these cells, so that gold has one order.
      #expect(abs(values[start + 1] - second) < 1e-12, "\(job) at n = 2")
    }
    #expect(try benchmark.run(.tilt256).values.count == 2 * 256)
    // lambda = 50 is the last of both grids.
    let uniform = try benchmark.run(.tiltUniform).values
    #expect(abs(uniform[63] - kl[63]) < 1e-11)
    #expect(try benchmark.run(.read).values.isEmpty)
    // Other grids: the same numbers at the same places, and n beyond the rows are left out.
    let few = try Benchmark(
      table, device: "cpu", threads: 1, repeats: 1, lambdas: [0, 50], ns: [2, 301])
    let values = try few.run(.tiltBestOfN).values
    #expect(values.count == 5 && values[0] == 0)
    #expect(abs(values[1] - kl[63]) < 1e-11 && abs(values[2] - mean) < 1e-12)
    #expect(abs(values[4] - top) < 1e-12)
    #expect(try few.run(.khat).values.count == 2)
  }

  @Test(
    "the bootstrap's intervals hold the mean of their column, and widths are those of its error")
  func bootstrap() throws {
    let (prompts, samples) = (300, 40)
    let matrix = BenchmarkMatrix(prompts: prompts, samples: samples)
    let table = RewardTable(label: "made", rewards: .cells(matrix))
    let record = try Benchmark(table, device: "cpu", threads: 1, repeats: 1).run(.bootstrap)
    let rows = try (0..<prompts).map { try cells(matrix, row: $0) }
    for column in 0..<Benchmark.columns {
      let x = rows.map { $0[column % samples] }
      let mean = x.reduce(0, +) / Double(prompts)
      let deviation =
        (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot() / Double(prompts)
      let (low, high) = (record.values[2 * column], record.values[2 * column + 1])
      #expect(low < mean && mean < high)
      // 1,000 replicates know a width to 3 %, and 64 columns are looked at: 5 of those.
      #expect(abs((high - low) / (2 * 1.96 * deviation) - 1) < 0.15)
    }
  }

  @Test("turns, work and the share of a ceiling")
  func records() throws {
    let matrix = BenchmarkMatrix(prompts: 20, samples: 64)
    let table = RewardTable(label: "made", rewards: .cells(matrix))
    var ceilings = BenchmarkCeilings(threads: 1)
    ceilings.readBytes = 20 * 64 * 4
    ceilings.exponentials = 20 * 64 * 64 * 2
    let benchmark = try Benchmark(
      table, device: "cpu", threads: 1, repeats: 3, ceilings: ceilings)
    let read = try benchmark.run(.read)
    #expect(read.seconds.count == 3 && read.work == 20 * 64 * 4 && read.unit == "bytes")
    #expect(read.ceilingSeconds == 1 && read.ceilingRate == read.work)
    let tilt = try benchmark.run(.tilt)
    #expect(tilt.ceilingSeconds == 0.5 && tilt.ceilingShare == 0.5 / tilt.median)
    #expect(tilt.minimum <= tilt.median && tilt.rate == tilt.work / tilt.median)
    #expect(throws: EsscherError.self) { try benchmark.run(.gold) }
    let stopped = try Benchmark(
      table, device: "cpu", threads: 1, repeats: 1, isCancelled: { true })
    for job in BenchmarkJob.allCases where job != .gold {
      #expect { try stopped.run(job) } throws: {
        ($0 as? EsscherError)?.code == .interrupted
      }
    }
  }

  @Test("every probe of every instruction set gives a rate", arguments: CPULevel.allCases)
  func ceilings(level: CPULevel) {
    guard level.rawValue <= CPULevel.current.rawValue else { return }
    let measured = ProcessorCeilings(threads: 2, level: level)
    for rate in [
      measured.readBytes, measured.multiplyAdds, measured.floatMultiplyAdds, measured.exponentials,
    ] {
      // A processor that does a million a second is not one that this runs on; 0 says that a probe failed.
      #expect(rate > 1e6 && rate.isFinite)
    }
  }
}
