import Clusters
import Plan
import Telemetry

/// The numbers of metrics' labels for one generation, so that counting a request looks nothing up: one for each endpoint, each
/// cluster, and this proxy itself.
///
/// @unchecked Sendable: written once, before it is shared; never freed early.
package struct GenerationLabels: @unchecked Sendable {
    private final class Storage {
        let endpoints: UnsafeMutablePointer<Int32>
        let clusters: UnsafeMutablePointer<Int32>
        init(endpoints: Int, clusters: Int) {
            self.endpoints = .allocate(capacity: max(endpoints, 1))
            self.clusters = .allocate(capacity: max(clusters, 1))
        }
        deinit {
            endpoints.deallocate()
            clusters.deallocate()
        }
    }

    private let storage: Storage
    private let endpoints: UnsafeMutablePointer<Int32>
    private let clusters: UnsafeMutablePointer<Int32>
    private let own: Int
    private let ownDestination: Int

    package init(plan: Plan, clusters table: ClusterTable, sets: LabelSets) {
        let storage = Storage(endpoints: table.endpointCount, clusters: table.clusterCount)
        self.storage = storage
        endpoints = storage.endpoints
        clusters = storage.clusters
        let identity = plan.identity
        var source = WorkloadLabels()
        source.workload = identity.labels["app"] ?? identity.name
        source.namespace = identity.namespace
        source.app = identity.labels["app"] ?? "unknown"
        source.version = identity.labels["version"] ?? "unknown"
        source.canonicalService =
            identity.labels["service.istio.io/canonical-name"] ?? identity.labels["app"] ?? identity.name
        source.canonicalRevision =
            identity.labels["service.istio.io/canonical-revision"] ?? identity.labels["version"] ?? "latest"
        own = sets.number(source)
        for index in 0..<table.clusterCount {
            let spec = table.specs[index]
            var labels = DestinationLabels()
            if spec.name.hasPrefix("inbound|") { labels.workload = source }
            labels.service = spec.host.isEmpty ? source.canonicalService : spec.host
            labels.serviceName = spec.serviceName.isEmpty ? labels.service : spec.serviceName
            labels.serviceNamespace = spec.serviceNamespace.isEmpty ? identity.namespace : spec.serviceNamespace
            storage.clusters[index] = Int32(sets.number(labels))
            for endpoint in table.endpointRange(of: index) {
                var named = labels
                let workload = table.endpointSpec(of: endpoint)
                if !spec.name.hasPrefix("inbound|") {
                    if !workload.workload.isEmpty { named.workload.workload = workload.workload }
                    if !workload.app.isEmpty {
                        named.workload.app = workload.app
                        named.workload.canonicalService = workload.app
                    }
                    if !workload.version.isEmpty {
                        named.workload.version = workload.version
                        named.workload.canonicalRevision = workload.version
                    }
                    named.workload.namespace = labels.serviceNamespace
                }
                storage.endpoints[endpoint] = Int32(sets.number(named))
            }
        }
        var destination = DestinationLabels()
        destination.workload = source
        destination.service = source.canonicalService
        destination.serviceName = source.canonicalService
        destination.serviceNamespace = identity.namespace
        ownDestination = sets.number(destination)
    }

    func endpoint(_ index: Int) -> Int { Int(endpoints[index]) }
    func cluster(_ index: Int) -> Int { Int(clusters[index]) }
    /// Where no cluster was chosen: unknown, but for inbound requests, whose destination is this proxy's workload.
    func unknown(_ role: ListenerSpec.Role) -> Int { role == .inbound ? ownDestination : 0 }
    /// Inbound requests come from a peer that is not known; all others from this proxy's workload.
    func source(_ role: ListenerSpec.Role) -> Int { role == .inbound ? 0 : own }
}
