/// Istio's Sidecar: `networking.istio.io`, `v1`, `v1beta1` or `v1alpha3`.
package struct Sidecar: Hashable, Sendable {
    package enum CaptureMode: String, Hashable, Sendable {
        case `default` = "DEFAULT"
        case iptables = "IPTABLES"
        case none = "NONE"
    }

    package struct Ingress: Hashable, Sendable {
        package var port = Port()
        package var bind = ""
        package var captureMode: CaptureMode = .default
        /// Empty: the connection's own destination.
        package var defaultEndpoint = ""
        package var tls: ServerTLS?
        package var connectionPool: ConnectionPool?
        package var location = SourceLocation()

        package init() {}
    }

    package struct Egress: Hashable, Sendable {
        /// nil: the catch-all listener.
        package var port: Port?
        package var bind = ""
        package var captureMode: CaptureMode = .default
        /// `namespace/dnsName`.
        package var hosts: [String] = []
        package var location = SourceLocation()

        package init() {}
    }

    package var metadata: Metadata
    /// `workloadSelector.labels`; nil: no selector, empty: selects all.
    package var workloadSelector: [String: String]?
    package var ingress: [Ingress] = []
    package var egress: [Egress] = []
    package var inboundConnectionPool: ConnectionPool?
    /// nil: the mesh's.
    package var outboundTrafficPolicy: OutboundTrafficPolicy?

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}

/// `outboundTrafficPolicy` of a Sidecar or of `meshConfig`.
package struct OutboundTrafficPolicy: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable {
        case registryOnly = "REGISTRY_ONLY"
        case allowAny = "ALLOW_ANY"
    }

    /// In a Sidecar a block without a mode means `REGISTRY_ONLY`, the first name of Istio's enum.
    package var mode: Mode = .registryOnly
    /// Where unknown hosts go instead.
    package var egressProxy: Destination?
    package var location = SourceLocation()

    package init() {}
}
