/// Istio's PeerAuthentication: `security.istio.io`, `v1` or `v1beta1`. Whether workloads take mutual TLS, plain text or both.
package struct PeerAuthentication: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable {
        /// As the level above says.
        case unset = "UNSET"
        case disable = "DISABLE"
        case permissive = "PERMISSIVE"
        case strict = "STRICT"
    }

    package var metadata: Metadata
    /// `selector.matchLabels`; nil or empty: the whole namespace, in the root namespace the mesh.
    package var selector: [String: String]?
    package var mode: Mode = .unset
    /// Workload port → mode.
    package var portLevelMtls: [Int: Mode] = [:]
    /// Keys of `portLevelMtls` that are no ports.
    package var unusablePorts: [String] = []

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}
