import Foundation
import Wire

/// How many requests each version of catalogdetail has had, as its sidecar counts them.
package struct Observation: Equatable, Sendable {
    /// By version label.
    package private(set) var requests: [String: Int] = [:]

    /// Asks the sidecars' admin addresses.
    package init(of layout: MeshLayout, _ client: Client) throws {
        for sidecar in layout.sidecars where sidecar.app == "catalogdetail" {
            let response = try client.send("GET", "http://\(sidecar.admin)/stats/prometheus")
            guard response.status == 200 else {
                throw DemoError("\(sidecar.proxy) answered \(response.status) for its metrics.")
            }
            requests[sidecar.version, default: 0] += Self.received(response.text)
        }
    }

    /// What came in between an earlier observation and this one.
    package func since(_ earlier: Observation) -> [String: Int] {
        requests.reduce(into: [:]) { $0[$1.key] = $1.value - (earlier.requests[$1.key] ?? 0) }
    }

    /// The sum of `istio_requests_total` that this proxy reports as the destination.
    static func received(_ metrics: String) -> Int {
        var sum = 0
        for line in metrics.split(separator: "\n")
        where line.hasPrefix("istio_requests_total{") && line.contains("reporter=\"destination\"") {
            if let value = line.split(separator: " ").last.flatMap({ Double($0) }) { sum += Int(value) }
        }
        return sum
    }
}
