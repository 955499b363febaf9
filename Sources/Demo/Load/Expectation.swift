import Istio

/// What a scenario's VirtualServices promise to the versions of catalogdetail, read from the resources themselves, so that an
/// edited weight is what observations are compared with.
package struct Expectation: Equatable, Sendable {
    /// Which paths on the gateway the load asks for.
    package enum Paths: Equatable, Sendable {
        case page
        /// `/v1/` and `/v2/` in turn.
        case versions
    }

    /// The share of requests, by subset.
    package var shares: [String: Double]
    /// The share of requests that is copied, by subset.
    package var copies: [String: Double] = [:]
    /// The balancer shares out, which is no draw: 40 to 60 % is even.
    package var isBalanced = false
    package var paths = Paths.page

    /// nil when the rules promise nothing that can be counted.
    package init?(_ resources: [Resource]) {
        guard let details = Self.rules(of: "catalogdetail", resources), let last = details.last else { return nil }
        if details.contains(where: { rule in rule.match.contains { $0.uri != nil } }) {
            shares = ["v1": 0.5, "v2": 0.5]
            paths = .versions
        } else if let marked = details.first(where: { rule in rule.match.contains { !$0.headers.isEmpty } }) {
            guard let share = Self.internalShare(resources) else { return nil }
            shares = Self.mixed(Self.shares(marked), share, Self.shares(last))
        } else {
            shares = Self.shares(last)
            isBalanced = shares.keys.contains("")
            if isBalanced { shares = ["v1": 0.5, "v2": 0.5] }
            for mirror in last.mirrors { copies[mirror.destination.subset, default: 0] += mirror.percentage / 100 }
        }
    }

    /// Whether `hits` of `draws` are what the share promises.
    package func holds(hits: Int, draws: Int, share: Double) -> Bool {
        if isBalanced { return draws == 0 || (0.4...0.6).contains(Double(hits) / Double(draws)) }
        if paths == .versions { return abs(hits * 2 - draws) <= max(20, draws / 50) }
        return BinomialBand(draws: draws, probability: share).contains(hits)
    }

    // MARK: - Reading rules

    private static func rules(of host: String, _ resources: [Resource]) -> [HTTPRoute]? {
        for case .virtualService(let service) in resources
        where service.hosts.contains(where: { $0 == host || $0.hasPrefix("\(host).") }) {
            return service.http
        }
        return nil
    }

    /// The share of each subset in one rule's draw.
    private static func shares(_ rule: HTTPRoute) -> [String: Double] {
        let total = rule.route.reduce(0) { $0 + $1.weight }
        guard total > 0 else { return rule.route.first.map { [$0.destination.subset: 1] } ?? [:] }
        var shares: [String: Double] = [:]
        for route in rule.route { shares[route.destination.subset, default: 0] += Double(route.weight) / Double(total) }
        return shares
    }

    /// How many of the requests without the header are marked `user-type: internal` on their way to productcatalog.
    private static func internalShare(_ resources: [Resource]) -> Double? {
        guard let rule = rules(of: "productcatalog", resources)?.last else { return nil }
        let total = rule.route.reduce(0) { $0 + $1.weight }
        let marked = rule.route.filter { route in
            route.headers.request.set.contains { $0.name.lowercased() == "user-type" && $0.value == "internal" }
        }
        return total > 0 ? Double(marked.reduce(0) { $0 + $1.weight }) / Double(total) : nil
    }

    private static func mixed(_ first: [String: Double], _ share: Double, _ second: [String: Double]) -> [String:
        Double]
    {
        var result: [String: Double] = [:]
        for (subset, part) in first { result[subset, default: 0] += part * share }
        for (subset, part) in second { result[subset, default: 0] += part * (1 - share) }
        return result
    }
}
