/// Where a PEM text comes from.
package enum PEMSource: Hashable, Sendable, CustomStringConvertible {
    /// A path; it is read again when the file changes.
    case file(String)
    /// A text that a resource carries; `name` says which, for messages (`Secret ns/name tls.crt`).
    case text(name: String, String)

    package var description: String {
        switch self {
        case .file(let path): path
        case .text(let name, _): name
        }
    }
}

extension PEMSource: CustomReflectable {
    /// Nothing: dumps, of this or of what holds it, show the description and never key material.
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}

/// A certificate with its chain, and its key.
package struct CertificateSource: Hashable, Sendable {
    package var chain: PEMSource
    package var key: PEMSource

    package init(chain: PEMSource, key: PEMSource) {
        self.chain = chain
        self.key = key
    }
}

/// The versions that are spoken; `automatic` is the default of its place.
package enum TLSVersion: String, Hashable, Sendable {
    case automatic = "TLS_AUTO"
    case tls10 = "TLSV1_0"
    case tls11 = "TLSV1_1"
    case tls12 = "TLSV1_2"
    case tls13 = "TLSV1_3"
}
