import Synchronization

/// One side of a request as Istio's labels name it. An empty text is printed as it is; `unknown` is said outright.
package struct WorkloadLabels: Hashable, Sendable {
    package var workload = "unknown"
    package var namespace = "unknown"
    package var app = "unknown"
    package var version = "unknown"
    package var canonicalService = "unknown"
    package var canonicalRevision = "latest"
    package var cluster = "unknown"
    package var principal = "unknown"

    package init() {}

    /// A peer of the mesh as its certificate names it: the principal, and the namespace in it. A name that is no SPIFFE URI, or longer
    /// than SPIFFE allows, is unknown.
    package init(peer identity: String) {
        guard identity.utf8.count <= LabelSets.principalBytesMax, identity.hasPrefix("spiffe://") else { return }
        principal = identity
        namespace = Self.namespace(in: identity) ?? namespace
    }

    /// `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`
    static func namespace(in identity: String) -> String? {
        let parts = identity.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 7, parts[3] == "ns", parts[5] == "sa", !parts[4].isEmpty else { return nil }
        return String(parts[4])
    }
}

/// A destination: the service that was asked for and the workload that answered.
package struct DestinationLabels: Hashable, Sendable {
    package var service = "unknown"
    package var serviceName = "unknown"
    package var serviceNamespace = "unknown"
    package var workload = WorkloadLabels()

    package init() {}
}

/// Numbers for label values, the same for the process's life: equal labels get equal numbers, generation after generation, so
/// counters go on. Number 0 is all unknown. Interning takes a lock and is done when a generation is built or a client's connection
/// has proved who it is, never per request; beyond the limits everything is number 0.
package final class LabelSets: Sendable {
    private struct State {
        var destinations = [DestinationLabels()]
        var destinationNumbers = [DestinationLabels(): 0]
        var sources = [WorkloadLabels()]
        var sourceNumbers = [WorkloadLabels(): 0]
        var peers = 0
    }

    /// How many destinations and sources a process tells apart; both fit `SeriesKey`.
    package static let destinationsMax = 1 << 18
    package static let sourcesMax = 1 << 14
    /// Of the sources, those that are clients' identities: strangers choose these, and leave room for the configuration's.
    package static let peersMax = 1 << 12
    /// The longest SPIFFE ID (SPIFFE-ID section 2.3).
    package static let principalBytesMax = 2048

    private let state = Mutex(State())

    package init() {}

    /// The number of a destination's labels.
    package func number(_ labels: DestinationLabels) -> Int {
        state.withLock { state in
            if let number = state.destinationNumbers[labels] { return number }
            guard state.destinations.count < Self.destinationsMax else { return 0 }
            let number = state.destinations.count
            state.destinations.append(labels)
            state.destinationNumbers[labels] = number
            return number
        }
    }

    /// The number of a source's labels.
    package func number(_ labels: WorkloadLabels) -> Int { number(labels, isPeer: false) }

    /// The number of a client's identity: its first SPIFFE URI, verified.
    package func number(peer identity: String) -> Int { number(WorkloadLabels(peer: identity), isPeer: true) }

    private func number(_ labels: WorkloadLabels, isPeer: Bool) -> Int {
        state.withLock { state in
            if let number = state.sourceNumbers[labels] { return number }
            guard state.sources.count < Self.sourcesMax, !isPeer || state.peers < Self.peersMax else { return 0 }
            if isPeer { state.peers += 1 }
            let number = state.sources.count
            state.sources.append(labels)
            state.sourceNumbers[labels] = number
            return number
        }
    }

    /// All labels so far, by number.
    package func all() -> (destinations: [DestinationLabels], sources: [WorkloadLabels]) {
        state.withLock { ($0.destinations, $0.sources) }
    }
}
