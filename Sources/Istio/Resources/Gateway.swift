/// Istio's Gateway: `networking.istio.io`, `v1`, `v1beta1` or `v1alpha3`.
package struct Gateway: Hashable, Sendable {
    package var metadata: Metadata
    package var servers: [Server] = []
    /// Labels of the gateway workloads that serve it; empty: all.
    package var selector: [String: String] = [:]

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}

/// `servers[]`.
package struct Server: Hashable, Sendable {
    package var name = ""
    package var port = Port()
    package var bind = ""
    /// As written: `[namespace/]name`.
    package var hosts: [String] = []
    package var tls: ServerTLS?
    package var defaultEndpoint = ""
    package var location = SourceLocation()

    package init() {}
}

/// `port` of a Gateway's server, a ServiceEntry or a Sidecar's listener.
package struct Port: Hashable, Sendable {
    package var number = 0
    package var name = ""
    /// As written; `portProtocol` reads it.
    package var `protocol` = ""
    package var targetPort: Int?
    package var location = SourceLocation()

    package init() {}

    /// nil: a word that Istio does not know, or none at all.
    package var portProtocol: PortProtocol? { PortProtocol(token: `protocol`) }
}

/// `servers[].tls`, and `tls` of a Sidecar's ingress. Paths are complete: those that were relative have the directory of their file
/// before them.
package struct ServerTLS: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable {
        case passthrough = "PASSTHROUGH"
        case simple = "SIMPLE"
        case mutual = "MUTUAL"
        case autoPassthrough = "AUTO_PASSTHROUGH"
        case istioMutual = "ISTIO_MUTUAL"
        case optionalMutual = "OPTIONAL_MUTUAL"
    }

    package struct Certificate: Hashable, Sendable {
        package var serverCertificate = ""
        package var privateKey = ""
        package var caCertificates = ""

        package init() {}
    }

    package var httpsRedirect = false
    package var mode: Mode = .passthrough
    package var serverCertificate = ""
    package var privateKey = ""
    package var caCertificates = ""
    package var caCrl = ""
    package var credentialName = ""
    package var credentialNames: [String] = []
    package var caCertCredentialName = ""
    package var tlsCertificates: [Certificate] = []
    package var subjectAltNames: [String] = []
    package var verifyCertificateSpki: [String] = []
    package var verifyCertificateHash: [String] = []
    package var insecureSkipVerify = false
    package var minProtocolVersion = ""
    package var maxProtocolVersion = ""
    package var cipherSuites: [String] = []
    package var location = SourceLocation()

    package init() {}
}
