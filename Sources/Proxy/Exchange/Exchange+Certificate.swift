import Plan
import TLS
import Wire

// `x-forwarded-client-cert`: whom the client's certificate names, as Envoy tells it.
extension Exchange {
    /// Taken off where the client showed no certificate, and on the way out. A gateway sets its own; inbound, what a verified peer
    /// passed on stays before it.
    func forwardCertificate(_ client: Client) {
        let head = requestHead
        guard client.peer != nil, role == .gateway || role == .inbound else {
            return head.removeAll(.xForwardedClientCert)
        }
        if role == .gateway { head.removeAll(.xForwardedClientCert) }
        let own = client.forwardedCertificate ?? client.describeCertificate(isGateway: role == .gateway)
        client.forwardedCertificate = own
        own.withUnsafeBytes { bytes in
            guard let before = head.value(of: .xForwardedClientCert), !before.isEmpty else {
                return head.setField(.xForwardedClientCert, value: head.append(bytes))
            }
            head.reserve(before.count + 1 + bytes.count)
            let start = head.storageUsed
            _ = head.append(head.bytes(before))
            _ = head.append(",")
            _ = head.append(bytes)
            head.setField(
                .xForwardedClientCert, value: Slice(offset: start, length: head.storageUsed - start))
        }
    }
}

extension Client {
    /// `By=…;Hash=…;Subject="…";URI=…;DNS=…`, for a gateway with the certificate itself. Made once a connection.
    func describeCertificate(isGateway: Bool) -> [UInt8] {
        guard let peer else { return [] }
        var parts: [String] = []
        if let ownIdentity { parts.append("By=\(ownIdentity)") }
        parts.append("Hash=\(peer.hash)")
        if isGateway, let certificate = peerCertificate { parts.append("Cert=\"\(certificate)\"") }
        parts.append("Subject=\"\(Self.quoted(peer.subject))\"")
        parts += peer.uris.isEmpty ? ["URI="] : peer.uris.map { "URI=\($0)" }
        parts += peer.dns.map { "DNS=\($0)" }
        return Array(parts.joined(separator: ";").utf8)
    }

    private static func quoted(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            if character == "\"" || character == "\\" { result += "\\" }
            result.unicodeScalars.append(character.value < 0x20 || character.value == 0x7F ? " " : character)
        }
        return result
    }
}
