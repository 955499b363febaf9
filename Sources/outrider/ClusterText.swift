import Clusters
import Plan
import Routing

/// Clusters in words, the same in every verb.
enum ClusterText {
    /// A reference as a reader knows it.
    static func name(_ reference: ClusterReference, _ plan: Plan) -> String {
        switch reference {
        case .index(let index): plan.clusters.indices.contains(index) ? plan.clusters[index].name : "cluster \(index)"
        case .unknown(let what): "nowhere (no cluster \(what): 503 NC)"
        case .passthrough: "the address that Host names"
        }
    }

    /// A cluster and its endpoints, a line each.
    static func lines(_ cluster: ClusterSpec) -> [String] {
        let count = cluster.endpoints.count
        var lines = [
            "cluster \(cluster.name): \(cluster.balancer.rawValue), \(count) endpoint\(count == 1 ? "" : "s")"
        ]
        if cluster.speaks != .http1 { lines.append("  speaks \(cluster.speaks.sentence)") }
        if let tls = cluster.tls { lines.append("  \(tls.sentence)") }
        lines += cluster.endpoints.map { "  \(endpoint($0))\(cluster.tls != nil && $0.isPlain ? " plain text" : "")" }
        if count == 0 { lines.append("  nobody is there: 503 UH") }
        return lines
    }

    /// A mirror's share: `50 %`.
    static func percent(_ mirror: Mirror) -> String {
        let parts = mirror.partsPerMillion
        return parts % 10_000 == 0 ? "\(parts / 10_000) %" : "\(Double(parts) / 10_000) %"
    }

    static func endpoint(_ endpoint: EndpointSpec) -> String {
        var text = address(endpoint.address)
        if endpoint.weight != 1 { text += " weight \(endpoint.weight)" }
        if !endpoint.workload.isEmpty { text += " \(endpoint.workload)" }
        if !endpoint.version.isEmpty { text += " version \(endpoint.version)" }
        if !endpoint.locality.isEmpty { text += " \(endpoint.locality)" }
        if endpoint.isUnhealthy { text += " not ready" }
        return text
    }

    static func address(_ address: EndpointAddress) -> String {
        switch address {
        case .socket(let address): "\(address)"
        case .name(let name, let port): "\(name):\(port)"
        }
    }
}
