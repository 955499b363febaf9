/// Who a verified peer is. Read once a connection, not for each request.
package struct PeerIdentity: Hashable, Sendable {
    package let names: CertificateNames
    /// As RFC 2253 writes it.
    package let subject: String
    /// Hexadecimal SHA-256 of the certificate's DER form.
    package let hash: String
    /// Unix seconds.
    package let notAfter: Int64

    package var uris: [String] { names.uris }
    package var dns: [String] { names.dns }
    /// The principal of the mesh: the first SPIFFE URI.
    package var spiffe: String? { names.uris.first { $0.utf8.starts(with: "spiffe://".utf8) } }

    init(_ certificate: Certificate) {
        names = CertificateNames(of: certificate.pointer)
        subject = certificate.subject
        hash = certificate.hash
        notAfter = certificate.notAfter
    }
}
