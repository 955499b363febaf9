/// Why an endpoint was ejected; the raw value is Envoy's name for logs and metrics.
package enum EjectionReason: String, Hashable, Sendable {
    case consecutive5xx = "consecutive_5xx"
    case consecutiveGatewayErrors = "consecutive_gateway_failure"
    case consecutiveLocalFailures = "consecutive_local_origin_failure"
    case manual
}

/// A line of the ledger: who, why, since when, until when, how often. Times are the detector's milliseconds.
package struct EjectionEntry: Hashable, Sendable {
    package var cluster: String
    package var clusterSlot: Int32
    package var address: String
    package var endpointSlot: Int32
    /// The last ejection's.
    package var reason: EjectionReason
    package var since: Int
    /// 0: not ejected now.
    package var until: Int
    /// Ejections so far.
    package var count: Int
    package var isEjected: Bool
}

extension OutlierDetector {
    /// Every endpoint that was ever ejected and still exists, ordered by cluster and address.
    package func ledger() -> [EjectionEntry] {
        hosts.compactMap { slot, host -> EjectionEntry? in
            guard host.ejections > 0 else { return nil }
            return EjectionEntry(
                cluster: clusters[host.cluster]?.name ?? "", clusterSlot: host.cluster, address: host.address,
                endpointSlot: slot, reason: host.reason, since: host.lastEjection, until: until(host),
                count: host.ejections, isEjected: host.isOut)
        }.sorted { ($0.cluster, $0.address) < ($1.cluster, $1.address) }
    }

    /// Endpoints of a cluster that are ejected now.
    package func ejected(cluster: Int32) -> Int { clusters[cluster]?.out ?? 0 }

    /// Ejections that `maxEjectionPercent` forbade (`ejections_overflow`).
    package func overflows(cluster: Int32) -> Int { clusters[cluster]?.overflows ?? 0 }

    /// Takes over a new generation: endpoints that stay keep their state, new ones start afresh, gone ones are forgotten. A
    /// cluster that lost its policy restores what was ejected by counting.
    package mutating func update(_ table: ClusterTable, now: Int) -> [Action] {
        var actions: [Action] = []
        var oldHosts = hosts
        var newHosts: [Int32: Host] = [:]
        var newClusters: [Int32: Cluster] = [:]
        for index in 0..<table.clusterCount {
            let record = table.cluster(index)
            let policy = table.outlierPolicy(record.outlierIndex)
            let interval = max(1, policy?.intervalMilliseconds ?? 0)
            let old = clusters[record.slot]
            let keepsRhythm = old?.policy?.intervalMilliseconds == policy?.intervalMilliseconds
            var cluster = Cluster(
                name: table.name(of: index), policy: policy, endpoints: [],
                nextSweep: keepsRhythm ? old?.nextSweep ?? now + interval : now + interval,
                overflows: old?.overflows ?? 0)
            for endpoint in table.endpointRange(of: index) {
                let slot = table.endpoint(endpoint).slot
                let host =
                    oldHosts.removeValue(forKey: slot)
                    ?? Host(
                        cluster: record.slot, address: String(decoding: table.addressBytes(of: endpoint), as: UTF8.self)
                    )
                if host.isOut { cluster.out += 1 }
                cluster.endpoints.append(slot)
                newHosts[slot] = host
            }
            newClusters[record.slot] = cluster
        }
        for slot in oldHosts.keys { board.resetEndpoint(slot) }
        hosts = newHosts
        clusters = newClusters
        for (slot, host) in newHosts where host.isEjected && newClusters[host.cluster]?.policy == nil {
            let manual = host.manualUntil
            actions += restore(endpoint: slot, now: now)
            if let manual { actions += eject(endpoint: slot, for: manual - now, now: now) }
        }
        return actions
    }
}
