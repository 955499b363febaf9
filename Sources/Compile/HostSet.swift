/// A list of hosts and wildcards, made for asking which part of another list it covers.
struct HostSet {
    private let all: [String]
    private var index = HostIndex<Bool>()

    init(_ hosts: [String]) {
        all = hosts
        for host in hosts { index[host] = true }
    }

    /// The names covered by an entry of each list: of an overlapping pair the narrower, each once. A plain name costs a look-up, a
    /// wildcard a look at every host.
    func intersection(_ others: [String]) -> [String] {
        var result: [String] = []
        var seen: Set<String> = []
        for other in others {
            if index.mostSpecific(for: other) != nil {
                if seen.insert(other).inserted { result.append(other) }
            }
            guard HostName.isWildcard(other) else { continue }
            for host in all where HostName.isSubset(host, of: other) && seen.insert(host).inserted {
                result.append(host)
            }
        }
        return result
    }
}
