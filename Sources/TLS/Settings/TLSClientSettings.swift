/// How TLS is spoken towards endpoints.
package struct TLSClientSettings: Hashable, Sendable {
    package enum Authorities: Hashable, Sendable {
        /// The operating system's bundle.
        case system
        case sources([PEMSource])
        /// Nothing is verified (`insecureSkipVerify`).
        case unverified
    }

    package enum ServerName: Hashable, Sendable {
        /// Always this name.
        case fixed(String)
        /// The authority of the request that a connection is opened for; none where it is an address.
        case ofRequest
        case none
    }

    /// What is shown to endpoints that ask.
    package var certificate: CertificateSource?
    package var authorities: Authorities
    package var revocations: PEMSource?
    package var serverName: ServerName
    /// The endpoint's certificate must carry one of them as URI, DNS or IP name; empty: see `verifiesServerName`.
    package var subjectAltNames: [String]
    /// The certificate must be valid for the server name that was sent (or, for an address, for that address).
    package var verifiesServerName: Bool
    /// Offered protocols, the preferred first; empty: no ALPN.
    package var alpn: [String]
    package var minVersion: TLSVersion
    package var maxVersion: TLSVersion
    /// Mutual TLS of the mesh: the peer's identity counts as a principal.
    package var isMesh: Bool
    /// What it belongs to, for messages: `DestinationRule ns/name`.
    package var name: String
    /// `file:line`.
    package var origin: String

    package init(
        certificate: CertificateSource? = nil, authorities: Authorities = .system, revocations: PEMSource? = nil,
        serverName: ServerName = .ofRequest, subjectAltNames: [String] = [], verifiesServerName: Bool = false,
        alpn: [String] = [], minVersion: TLSVersion = .automatic, maxVersion: TLSVersion = .automatic,
        isMesh: Bool = false, name: String = "", origin: String = ""
    ) {
        self.certificate = certificate
        self.authorities = authorities
        self.revocations = revocations
        self.serverName = serverName
        self.subjectAltNames = subjectAltNames
        self.verifiesServerName = verifiesServerName
        self.alpn = alpn
        self.minVersion = minVersion
        self.maxVersion = maxVersion
        self.isMesh = isMesh
        self.name = name
        self.origin = origin
    }
}
