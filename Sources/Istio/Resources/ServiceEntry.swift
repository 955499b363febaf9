/// Istio's ServiceEntry: `networking.istio.io`, `v1`, `v1beta1` or `v1alpha3`.
package struct ServiceEntry: Hashable, Sendable {
    package enum Location: String, Hashable, Sendable {
        case meshExternal = "MESH_EXTERNAL"
        case meshInternal = "MESH_INTERNAL"
    }

    package enum Resolution: String, Hashable, Sendable {
        case none = "NONE"
        case `static` = "STATIC"
        case dns = "DNS"
        case dnsRoundRobin = "DNS_ROUND_ROBIN"
        case dynamicDNS = "DYNAMIC_DNS"
    }

    package var metadata: Metadata
    package var hosts: [String] = []
    package var addresses: [String] = []
    package var ports: [Port] = []
    package var location: Location = .meshExternal
    package var resolution: Resolution = .none
    package var endpoints: [Workload] = []
    /// `workloadSelector.labels`; nil: no selector, empty: everything in the namespace.
    package var workloadSelector: [String: String]?
    package var exportTo: [String] = []
    package var subjectAltNames: [String] = []

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}

/// Istio's WorkloadEntry: `networking.istio.io`, `v1`, `v1beta1` or `v1alpha3`.
package struct WorkloadEntry: Hashable, Sendable {
    package var metadata: Metadata
    package var workload = Workload()
    /// `status.conditions` of type `Healthy`; nil: none.
    package var isHealthy: Bool?

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}

/// The spec of a WorkloadEntry, which is also an endpoint of a ServiceEntry.
package struct Workload: Hashable, Sendable {
    /// IP, name or `unix://path`.
    package var address = ""
    /// Service port's name → number.
    package var ports: [String: Int] = [:]
    package var labels: [String: String] = [:]
    package var network = ""
    package var locality = ""
    /// 0: unset, which counts as 1.
    package var weight = 0
    package var serviceAccount = ""
    package var location = SourceLocation()

    package init() {}
}
