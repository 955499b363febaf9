import COpenSSL

/// What admin shows of a certificate, and what metrics and rotation need.
package struct CertificateFacts: Hashable, Sendable {
    /// As RFC 2253 writes it.
    package let subject: String
    package let names: CertificateNames
    /// Hexadecimal digits.
    package let serial: String
    /// Unix seconds.
    package let notBefore: Int64
    package let notAfter: Int64
    /// Hexadecimal SHA-256 of its DER form.
    package let hash: String
    /// Where it came from.
    package let chain: PEMSource
    package let key: PEMSource?

    init(_ certificate: Certificate, chain: PEMSource, key: PEMSource?) {
        subject = certificate.subject
        names = CertificateNames(of: certificate.pointer)
        serial = certificate.serial
        notBefore = certificate.notBefore
        notAfter = certificate.notAfter
        hash = certificate.hash
        self.chain = chain
        self.key = key
    }
}

/// The subject alternative names of a certificate.
package struct CertificateNames: Hashable, Sendable {
    package private(set) var uris: [String] = []
    package private(set) var dns: [String] = []
    package private(set) var addresses: [String] = []

    /// Names with control bytes in them are left out: they would be taken for others in headers and logs.
    init(of pointer: OpaquePointer) {
        var (uris, dns, addresses): ([String], [String], [String]) = ([], [], [])
        _ = Certificate.names(of: pointer) { kind, bytes in
            if kind == OUTRIDER_TLS_NAME_IP {
                addresses.append(Self.address(bytes))
            } else if bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
                let name = String(decoding: bytes, as: UTF8.self)
                if kind == OUTRIDER_TLS_NAME_URI { uris.append(name) } else { dns.append(name) }
            }
            return false
        }
        (self.uris, self.dns, self.addresses) = (uris, dns, addresses)
    }

    private static func address(_ bytes: UnsafeRawBufferPointer) -> String {
        if bytes.count == 4 { return bytes.map { String($0) }.joined(separator: ".") }
        guard bytes.count == 16 else { return bytes.hexadecimal }
        return stride(from: 0, to: 16, by: 2)
            .map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }
}
