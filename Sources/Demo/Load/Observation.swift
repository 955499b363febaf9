import Foundation
import Wire

/// How many requests each version of catalogdetail has had, as its sidecar counts them.
package struct Observation: Equatable, Sendable {
    /// By version label.
    package private(set) var requests: [String: Int] = [:]
    /// How many of all of them came over mutual TLS.
    package private(set) var overMutualTLS = 0

    /// Asks the sidecars' admin addresses.
    package init(of layout: MeshLayout, _ client: Client) throws {
        for sidecar in layout.sidecars where sidecar.app == "catalogdetail" {
            let response = try client.send("GET", "http://\(sidecar.admin)/stats/prometheus")
            guard response.status == 200 else {
                throw DemoError("\(sidecar.proxy) answered \(response.status) for its metrics.")
            }
            requests[sidecar.version, default: 0] += Self.received(response.text)
            overMutualTLS += Self.received(response.text, label: Self.mutualTLS)
        }
    }

    /// What came in between an earlier observation and this one.
    package func since(_ earlier: Observation) -> Observation {
        var difference = self
        for (version, count) in earlier.requests { difference.requests[version, default: 0] -= count }
        difference.overMutualTLS -= earlier.overMutualTLS
        return difference
    }

    /// How many of these came in over mutual TLS, in words.
    package var security: String {
        let all = requests.values.reduce(0, +)
        return "\(overMutualTLS) of \(all) requests to catalogdetail came over mutual TLS"
    }

    private static let mutualTLS = "connection_security_policy=\"mutual_tls\""

    /// The sum of `istio_requests_total` that this proxy reports as the destination, with a label as it is printed.
    static func received(_ metrics: String, label: String = "") -> Int {
        var sum = 0
        for line in metrics.split(separator: "\n")
        where line.hasPrefix("istio_requests_total{") && line.contains("reporter=\"destination\"")
            && (label.isEmpty || line.contains(label))
        {
            if let value = line.split(separator: " ").last.flatMap({ Double($0) }) { sum += Int(value) }
        }
        return sum
    }
}
