import Esscher

let t = RewardTable(
  label: "five", rewards: .cells(MemorySource(name: "five", rows: [[0, 1, 1, 2, 5]])),
  gold: MemorySource(name: "g", rows: [[1, 0, 2, 1, -3]]))
let r = try Engine().frontier(
  t,
  FrontierRequest(
    lambdas: [0, 1e-3, 0.1, 0.7, 5, 1000], klBudgets: [0.1, 0.5, 2], bestOf: [1, 2, 3, 5]))
for p in r.points {
  print(FrontierPoint.columns.map { "\($0.name)=\($0.cell(p))" }.joined(separator: " "))
}
print(r.provenance)
