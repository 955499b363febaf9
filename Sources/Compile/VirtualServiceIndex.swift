import Istio
import Routing

/// The VirtualServices that a proxy sees, by the gateway they are bound to, each list in evaluation order.
struct VirtualServiceIndex {
    private var byGateway: [String: [VirtualRules]] = [:]

    init(_ inputs: Inputs, proxy: ProxyResource, findings: Findings) {
        let all = inputs.virtualServices.map { VirtualRules($0, proxy: proxy) }
        var delegates: [ResourceID: VirtualRules] = [:]
        for rules in all where rules.hosts.isEmpty { delegates[rules.id] = rules }
        let known = Set(inputs.gateways.map { "\($0.metadata.namespace)/\($0.metadata.name)" })
        let namespace = proxy.metadata.namespace

        var groups: [[VirtualRules]] = [[], [], []]
        for rules in all where !rules.hosts.isEmpty {
            for gateway in rules.gateways where gateway != HostName.mesh && !known.contains(gateway) {
                findings.warn(
                    rules.location, rules.id, "there is no Gateway \(gateway): the rules are not served by it",
                    fix: "a bare name means the VirtualService's own namespace")
            }
            let merged = Delegation(delegates: delegates, findings: findings).merge(rules)
            // Private to the proxy's namespace, then exported to it by name, then public.
            switch rules.exportTo {
            case let set where !set.isVisible(in: namespace): continue
            case .everyone: groups[2].append(merged)
            case let set: groups[set.isPrivate(to: namespace) && rules.namespace == namespace ? 0 : 1].append(merged)
            }
        }
        for rules in groups.joined() {
            var seen: Set<String> = []
            for gateway in rules.gateways where seen.insert(gateway).inserted {
                byGateway[gateway, default: []].append(rules)
            }
        }
    }

    /// In evaluation order. `gateway` is `mesh` or `namespace/name`.
    func bound(to gateway: String) -> [VirtualRules] { byGateway[gateway] ?? [] }
}
