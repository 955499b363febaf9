/// Finds what a selector selects without looking at everything: workloads under each label that they carry.
struct LabelIndex {
    private struct Pair: Hashable {
        let namespace: String
        let key: String
        let value: String
    }

    private let labels: [[String: String]]
    private var byPair: [Pair: [Int]] = [:]
    private var byNamespace: [String: [Int]] = [:]

    /// The workloads by position.
    init(_ workloads: [(namespace: String, labels: [String: String])]) {
        labels = workloads.map(\.labels)
        for (index, workload) in workloads.enumerated() {
            byNamespace[workload.namespace, default: []].append(index)
            for (key, value) in workload.labels {
                byPair[Pair(namespace: workload.namespace, key: key, value: value), default: []].append(index)
            }
        }
    }

    /// Positions, ascending, of the namespace's workloads that carry all of the selector's labels. An empty selector selects
    /// all of them.
    func matching(_ selector: [String: String], in namespace: String) -> [Int] {
        var fewest: [Int]?
        for (key, value) in selector {
            guard let found = byPair[Pair(namespace: namespace, key: key, value: value)] else { return [] }
            if fewest.map({ found.count < $0.count }) ?? true { fewest = found }
        }
        guard let fewest else { return byNamespace[namespace] ?? [] }
        return fewest.filter { labels[$0].contains(selector) }
    }
}

extension [String: String] {
    /// Whether every label of `selector` is here with the same value.
    func contains(_ selector: [String: String]) -> Bool { selector.allSatisfy { self[$0.key] == $0.value } }
}
