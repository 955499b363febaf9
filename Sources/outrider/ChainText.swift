import Plan
import TLS

/// Listeners and their chains in words.
enum ChainText {
    /// What a listener does with connections; nothing for one that takes everything for plain HTTP, whose table says all.
    static func lines(_ listener: ListenerSpec, _ plan: Plan, quarantined: Set<TLSServerSettings>) -> [String] {
        if listener.chains.count == 1, listener.chains[0].takesEverything, listener.chains[0].tls == nil,
            case .http = listener.chains[0].action
        {
            return []
        }
        return ["\(listener.name)  on \(listener.address)"]
            + listener.chains.map {
                "  \(line($0, plan, quarantined: quarantined))"
            }
    }

    /// `TLS, server name a.example  →  TLS with …, HTTP by https.443…`.
    static func line(_ chain: ChainSpec, _ plan: Plan, quarantined: Set<TLSServerSettings>) -> String {
        let condition = chain.condition.isEmpty ? "any connection" : chain.condition
        if isQuarantined(chain, quarantined) {
            return "\(condition)  →  closed: its TLS is quarantined, for want of usable certificates  \(chain.origin)"
        }
        let ending = chain.tls.map { "\($0.sentence), " } ?? ""
        return "\(condition)  →  \(ending)\(action(chain.action, plan))  \(chain.origin)"
    }

    static func isQuarantined(_ chain: ChainSpec, _ quarantined: Set<TLSServerSettings>) -> Bool {
        chain.isQuarantined || chain.tls.map(quarantined.contains) ?? false
    }

    private static func action(_ action: ChainSpec.Action, _ plan: Plan) -> String {
        switch action {
        case .http(let routes):
            let isKnown = plan.routeConfigurations.indices.contains(routes)
            return "HTTP by \(isKnown ? plan.routeConfigurations[routes].name : "no table")"
        case .tcp(let route):
            let destinations = route.destinations.map { destination in
                let weight = route.destinations.count > 1 ? "\(destination.weight) × " : ""
                return weight + ClusterText.name(destination.cluster, plan)
            }
            return "bytes to \(destinations.joined(separator: ", "))"
        }
    }
}

extension Plan {
    /// The listeners of which some chain has this table.
    func listeners(of routes: Int) -> [ListenerSpec] {
        listeners.filter { $0.chains.contains { $0.action == .http(routes: routes) } }
    }
}
