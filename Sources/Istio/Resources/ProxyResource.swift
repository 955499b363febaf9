/// Outrider's own kind: `outrider.dev/v1alpha1` Proxy says who this process is. Its `metadata` gives the namespace and the
/// labels that selectors see.
package struct ProxyResource: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable {
        case sidecar, gateway
    }

    /// `listen[]`: where a port that resources speak of is really listened on.
    package struct Listen: Hashable, Sendable {
        package var port = 0
        /// `IP:port`.
        package var address = ""
        package var location = SourceLocation()

        package init() {}
    }

    /// `identity`: the workload certificate, whose URI name is its SPIFFE identity. Paths are complete.
    package struct Identity: Hashable, Sendable {
        package var certificateChain = ""
        package var privateKey = ""
        package var rootCertificates = ""
        package var location = SourceLocation()

        package init() {}

        package var isComplete: Bool {
            !certificateChain.isEmpty && !privateKey.isEmpty && !rootCertificates.isEmpty
        }
    }

    package var metadata: Metadata
    package var mode: Mode = .sidecar
    package var serviceAccount = ""
    /// `region/zone/subzone`.
    package var locality = ""
    /// 0: one a core.
    package var workers = 0
    /// `admin.address`: `IP:port`; nil: the default of the command line.
    package var adminAddress: String?
    package var listen: [Listen] = []
    package var meshConfig = MeshConfig()
    /// nil: this workload has no certificate, and takes no part in mutual TLS.
    package var identity: Identity?
    /// How long connections may take to end; nil: the default.
    package var drainDurationMilliseconds: Int?
    /// The cluster's DNS suffix.
    package var clusterDomain = "cluster.local"

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}

/// `meshConfig` of a Proxy, in Istio's field names.
package struct MeshConfig: Hashable, Sendable {
    package enum Normalization: String, Hashable, Sendable {
        case `default` = "DEFAULT"
        case none = "NONE"
        case base = "BASE"
        case mergeSlashes = "MERGE_SLASHES"
        case decodeAndMergeSlashes = "DECODE_AND_MERGE_SLASHES"
    }

    /// 0: no explicit proxy port.
    package var proxyHttpPort = 0
    package var outboundTrafficPolicy: OutboundTrafficPolicy.Mode = .allowAny
    /// `pathNormalization.normalization`.
    package var pathNormalization: Normalization = .default
    /// Empty: no access log.
    package var accessLogFile = ""
    /// `TEXT` or `JSON`.
    package var accessLogEncoding = "TEXT"
    /// nil: Istio's own default of two attempts.
    package var defaultHttpRetryPolicy: Retries?
    /// nil: 10 s.
    package var connectTimeoutMilliseconds: Int?
    package var tcpKeepalive: ConnectionPool.Keepalive?
    package var rootNamespace = "istio-system"
    package var trustDomain = "cluster.local"
    /// Other trust domains, whose identities count as this one's.
    package var trustDomainAliases: [String] = []
    package var enableAutoMtls = true
    /// `h2UpgradePolicy` is `UPGRADE`.
    package var upgradesToHTTP2 = false
    /// 0: listeners wait for the first bytes as long as it takes.
    package var protocolDetectionTimeoutMilliseconds = 0
    /// `meshMTLS.minProtocolVersion`; empty or `TLS_AUTO`: TLS 1.2.
    package var meshMTLSMinProtocolVersion = ""
    package var tlsDefaultsMinProtocolVersion = ""
    package var tlsDefaultsCipherSuites: [String] = []
    /// Where a DestinationRule names no authorities the system's verify; false: nothing is verified there.
    package var verifyCertificateAtClient = true
    /// Empty: everywhere.
    package var defaultServiceExportTo: [String] = []
    package var defaultVirtualServiceExportTo: [String] = []
    package var defaultDestinationRuleExportTo: [String] = []
    /// `defaultConfig.gatewayTopology.numTrustedProxies`.
    package var trustedProxies = 0
    package var location = SourceLocation()

    package init() {}
}
