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
/// counters go on. Number 0 is all unknown. Interning takes a lock and is done when a generation is built, never per request;
/// beyond the limit everything is number 0.
package final class LabelSets: Sendable {
    private struct State {
        var destinations = [DestinationLabels()]
        var destinationNumbers = [DestinationLabels(): 0]
        var sources = [WorkloadLabels()]
        var sourceNumbers = [WorkloadLabels(): 0]
    }

    /// How many destinations and sources a process tells apart; both fit `SeriesKey`.
    package static let destinationsMax = 1 << 18
    package static let sourcesMax = 1 << 14

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
    package func number(_ labels: WorkloadLabels) -> Int {
        state.withLock { state in
            if let number = state.sourceNumbers[labels] { return number }
            guard state.sources.count < Self.sourcesMax else { return 0 }
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
