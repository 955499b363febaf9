import Clusters
import Plan
import TLS
import Telemetry

/// The numbers of metrics' labels for one generation, so that counting a request looks nothing up: for each endpoint, each cluster,
/// and this proxy itself.
///
/// @unchecked Sendable: written once, before it is shared; never freed early.
package struct GenerationLabels: @unchecked Sendable {
    /// An endpoint's, or a cluster's where no endpoint was chosen.
    private struct Numbers: BitwiseCopyable {
        var destination: Int32
        /// The same with our own principal: for clients that came in TLS.
        var secured: Int32
        /// Who calls it: this proxy, with its principal where mutual TLS of the mesh is spoken.
        var source: Int32
    }

    private final class Storage {
        let endpoints: UnsafeMutablePointer<Numbers>
        let clusters: UnsafeMutablePointer<Numbers>
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
    private let endpoints: UnsafeMutablePointer<Numbers>
    private let clusters: UnsafeMutablePointer<Numbers>
    private let own: Int32
    private let ownDestination: Numbers
    private let passthrough: Int32

    package init(plan: Plan, clusters table: ClusterTable, sets: LabelSets, contexts: TLSContexts = TLSContexts()) {
        let storage = Storage(endpoints: table.endpointCount, clusters: table.clusterCount)
        self.storage = storage
        endpoints = storage.endpoints
        clusters = storage.clusters
        let builder = Builder(plan: plan, sets: sets, contexts: contexts)
        own = Int32(sets.number(builder.workload))
        for index in 0..<table.clusterCount {
            let spec = table.specs[index]
            storage.clusters[index] = builder.cluster(spec)
            for endpoint in table.endpointRange(of: index) {
                storage.endpoints[endpoint] = builder.endpoint(table.endpointSpec(of: endpoint), of: spec)
            }
        }
        ownDestination = builder.ownDestination()
        var passthrough = DestinationLabels()
        passthrough.serviceName = "PassthroughCluster"
        self.passthrough = Int32(sets.number(passthrough))
    }

    // MARK: - For requests

    /// Where an outbound request went; -1: not chosen. A cluster below that is where the Host says.
    func destination(cluster: Int, endpoint: Int) -> Int {
        if endpoint >= 0 { return Int(endpoints[endpoint].destination) }
        return cluster >= 0 ? Int(clusters[cluster].destination) : cluster < -1 ? Int(passthrough) : 0
    }

    /// The same for requests to this proxy's own workload.
    func inboundDestination(cluster: Int, endpoint: Int, isSecured: Bool) -> Int {
        let numbers = endpoint >= 0 ? endpoints[endpoint] : cluster >= 0 ? clusters[cluster] : ownDestination
        return Int(isSecured ? numbers.secured : numbers.destination)
    }

    /// Who an outbound request comes from.
    func source(endpoint: Int) -> Int { endpoint >= 0 ? Int(endpoints[endpoint].source) : Int(own) }

    // MARK: - Building

    private struct Builder {
        let identity: ProxyIdentity
        /// This proxy's.
        let workload: WorkloadLabels
        /// The principal of the certificate that listeners show.
        private let principal: String?
        private let sets: LabelSets
        private let contexts: TLSContexts

        init(plan: Plan, sets: LabelSets, contexts: TLSContexts) {
            identity = plan.identity
            self.sets = sets
            self.contexts = contexts
            let identity = plan.identity
            var labels = WorkloadLabels()
            labels.workload = identity.labels["app"] ?? identity.name
            labels.namespace = identity.namespace
            labels.app = identity.labels["app"] ?? "unknown"
            labels.version = identity.labels["version"] ?? "unknown"
            labels.canonicalService =
                identity.labels["service.istio.io/canonical-name"] ?? identity.labels["app"] ?? identity.name
            labels.canonicalRevision =
                identity.labels["service.istio.io/canonical-revision"] ?? identity.labels["version"] ?? "latest"
            workload = labels
            let inbound = plan.listeners.filter { $0.role == .inbound }.flatMap(\.chains)
            principal =
                inbound.lazy.compactMap { $0.tls.flatMap { Self.principal(contexts.servers[$0]?.identity) } }.first
        }

        private static func principal(_ identity: String?) -> String? {
            guard let identity, identity.hasPrefix("spiffe://") else { return nil }
            return identity
        }

        private func isInbound(_ spec: ClusterSpec) -> Bool { spec.name.hasPrefix("inbound|") }

        private func labels(_ spec: ClusterSpec) -> DestinationLabels {
            var labels = DestinationLabels()
            if isInbound(spec) { labels.workload = workload }
            labels.service = spec.host.isEmpty ? workload.canonicalService : spec.host
            labels.serviceName = spec.serviceName.isEmpty ? labels.service : spec.serviceName
            labels.serviceNamespace = spec.serviceNamespace.isEmpty ? identity.namespace : spec.serviceNamespace
            return labels
        }

        /// `source`: that of the endpoint.
        private func numbers(_ labels: DestinationLabels, ours: Bool, source: WorkloadLabels) -> Numbers {
            let destination = Int32(sets.number(labels))
            var secured = destination
            if ours, let principal {
                var named = labels
                named.workload.principal = principal
                secured = Int32(sets.number(named))
            }
            return Numbers(destination: destination, secured: secured, source: Int32(sets.number(source)))
        }

        func cluster(_ spec: ClusterSpec) -> Numbers {
            numbers(labels(spec), ours: isInbound(spec), source: workload)
        }

        func endpoint(_ endpoint: EndpointSpec, of spec: ClusterSpec) -> Numbers {
            var named = labels(spec)
            if isInbound(spec) { return numbers(named, ours: true, source: workload) }
            if !endpoint.workload.isEmpty { named.workload.workload = endpoint.workload }
            if !endpoint.app.isEmpty {
                named.workload.app = endpoint.app
                named.workload.canonicalService = endpoint.app
            }
            if !endpoint.version.isEmpty {
                named.workload.version = endpoint.version
                named.workload.canonicalRevision = endpoint.version
            }
            named.workload.namespace = named.serviceNamespace
            var source = workload
            if let tls = spec.tls, tls.isMesh, !endpoint.isPlain {
                if let own = Self.principal(contexts.clients[tls]?.identity) { source.principal = own }
                // One identity is demanded of the endpoints: theirs, or nothing is sent.
                if tls.subjectAltNames.count == 1 {
                    let peer = WorkloadLabels(peer: tls.subjectAltNames[0])
                    named.workload.principal = peer.principal
                    if peer.namespace != "unknown" { named.workload.namespace = peer.namespace }
                }
            }
            return numbers(named, ours: false, source: source)
        }

        func ownDestination() -> Numbers {
            var labels = DestinationLabels()
            labels.workload = workload
            labels.service = workload.canonicalService
            labels.serviceName = workload.canonicalService
            labels.serviceNamespace = identity.namespace
            return numbers(labels, ours: true, source: workload)
        }
    }
}
