/// What a listener presents to TLS clients, and what it asks of them. Plain values: equal settings and equal files give equal
/// contexts.
package struct TLSServerSettings: Hashable, Sendable {
    package enum ClientCertificates: String, Hashable, Sendable {
        /// Not asked for.
        case none
        /// Asked for; one that is sent must verify.
        case optional
        /// Without one that verifies the handshake fails.
        case required
    }

    /// One for each kind of key; at least one.
    package var certificates: [CertificateSource]
    package var clientCertificates: ClientCertificates
    /// The authorities of client certificates.
    package var authorities: [PEMSource]
    package var revocations: PEMSource?
    /// A client's certificate must carry one of them as URI, DNS or IP name; empty: any.
    package var subjectAltNames: [String]
    /// Base64 SHA-256 of the client's public key; empty: any. With `certificateHashes`, one of both lists suffices.
    package var publicKeyHashes: [String]
    /// Hexadecimal SHA-256 of the client's certificate, colons allowed; empty: any.
    package var certificateHashes: [String]
    /// A client's SPIFFE URI must be of one of these trust domains; empty: any name.
    package var trustDomains: [String]
    /// `automatic`: TLS 1.2.
    package var minVersion: TLSVersion
    /// `automatic`: TLS 1.3.
    package var maxVersion: TLSVersion
    /// OpenSSL's or Envoy's names, for TLS 1.2 and below; empty: a safe default.
    package var cipherSuites: [String]
    /// Spoken protocols, the preferred first; empty: ALPN is not answered.
    package var alpn: [String]
    /// What it belongs to, for messages: `Gateway ns/name, server https`.
    package var name: String
    /// `file:line`.
    package var origin: String

    package init(
        certificates: [CertificateSource], clientCertificates: ClientCertificates = .none,
        authorities: [PEMSource] = [], revocations: PEMSource? = nil, subjectAltNames: [String] = [],
        publicKeyHashes: [String] = [], certificateHashes: [String] = [], trustDomains: [String] = [],
        minVersion: TLSVersion = .automatic, maxVersion: TLSVersion = .automatic, cipherSuites: [String] = [],
        alpn: [String] = [], name: String = "", origin: String = ""
    ) {
        self.certificates = certificates
        self.clientCertificates = clientCertificates
        self.authorities = authorities
        self.revocations = revocations
        self.subjectAltNames = subjectAltNames
        self.publicKeyHashes = publicKeyHashes
        self.certificateHashes = certificateHashes
        self.trustDomains = trustDomains
        self.minVersion = minVersion
        self.maxVersion = maxVersion
        self.cipherSuites = cipherSuites
        self.alpn = alpn
        self.name = name
        self.origin = origin
    }

    /// Whether a client that was let in under `other` may stay under these settings: they ask for no certificate, or for the same.
    package func accepts(clientsOf other: TLSServerSettings?) -> Bool {
        if clientCertificates == .none { return true }
        guard let other else { return false }
        return clientCertificates == other.clientCertificates && authorities == other.authorities
            && revocations == other.revocations && subjectAltNames == other.subjectAltNames
            && publicKeyHashes == other.publicKeyHashes && certificateHashes == other.certificateHashes
            && trustDomains == other.trustDomains
    }
}
