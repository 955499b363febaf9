import Clusters
import Plan
import Routing
import TLS
import Telemetry

/// One configuration as it is served: immutable, shared by all workers.
///
/// @unchecked Sendable: nothing in it changes after init.
package final class Generation: @unchecked Sendable {
    /// Counts up from 1 over the process's life.
    package let number: Int
    package let plan: Plan
    package let routes: RouteTable
    package let clusters: ClusterTable
    /// For each listening socket of the process (by its number): its position in `plan.listeners`, -1 where this generation
    /// does not listen.
    package let listenerByID: [Int]
    let labels: GenerationLabels
    let listeners: ListenerTable

    package init(
        number: Int, plan: Plan, routes: RouteTable, clusters: ClusterTable, listenerByID: [Int], labels: LabelSets,
        contexts: TLSContexts = TLSContexts()
    ) {
        self.number = number
        self.plan = plan
        self.routes = routes
        self.clusters = clusters
        self.listenerByID = listenerByID
        listeners = ListenerTable(plan, contexts: contexts)
        self.labels = GenerationLabels(plan: plan, clusters: clusters, sets: labels, contexts: contexts)
    }
}

/// A worker's hold on a generation: a plain count of the exchanges and calls that still read it. Requests touch this count, never
/// the generation's own reference count, which all workers share.
final class GenerationUse {
    let generation: Generation
    /// Constants of a final class, which readers borrow. Held unowned they would be retained for every look at them, by all workers
    /// on the same two counts.
    let routes: RouteTable
    let clusters: ClusterTable
    /// Exchanges and calls of this worker that began with it.
    private(set) var active = 0
    private(set) var isRetired = false
    private let onUnused: (GenerationUse) -> Void

    init(_ generation: Generation, onUnused: @escaping (GenerationUse) -> Void) {
        self.generation = generation
        routes = generation.routes
        clusters = generation.clusters
        self.onUnused = onUnused
    }

    /// TLS towards a cluster; nil: none, or quarantined.
    func clientContext(_ cluster: Int) -> TLSClientContext? { generation.listeners.clientContexts[cluster] }

    func begin() { active += 1 }

    func end() {
        active -= 1
        assert(active >= 0, "each end has its begin")
        if active == 0, isRetired { onUnused(self) }
    }

    /// Another generation serves from now on.
    func retire() {
        isRetired = true
        if active == 0 { onUnused(self) }
    }
}
