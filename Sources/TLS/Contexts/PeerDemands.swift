import COpenSSL

/// What a peer's certificate must be besides trusted. Immutable; asked in handshakes of all workers.
final class PeerDemands: Sendable {
    /// Exact names: URIs and DNS names as bytes, addresses in network order.
    private let names: [[UInt8]]
    private let addresses: [[UInt8]]
    /// `spiffe://DOMAIN/`.
    private let trustPrefixes: [[UInt8]]
    private let publicKeyHashes: [String]
    private let certificateHashes: [String]

    init(
        names: [String], trustDomains: [String] = [], publicKeyHashes: [String] = [], certificateHashes: [String] = []
    ) {
        self.names = names.map { Array($0.utf8) }
        addresses = names.compactMap { name in
            var bytes = [UInt8](repeating: 0, count: 16)
            let count = outrider_tls_parse_address(name, &bytes)
            return count > 0 ? Array(bytes.prefix(count)) : nil
        }
        trustPrefixes = trustDomains.map { Array("spiffe://\($0)/".utf8) }
        self.publicKeyHashes = publicKeyHashes
        self.certificateHashes = certificateHashes.map { $0.lowercased().filter { $0 != ":" } }
    }

    var isEmpty: Bool {
        names.isEmpty && trustPrefixes.isEmpty && publicKeyHashes.isEmpty && certificateHashes.isEmpty
    }

    /// The verdict on a certificate that was verified against the authorities.
    func judge(_ certificate: OpaquePointer) -> outrider_tls_verdict {
        guard isPinned(certificate) else { return OUTRIDER_TLS_NOT_PINNED }
        if !names.isEmpty, !Certificate.names(of: certificate, isNamed) { return OUTRIDER_TLS_WRONG_NAME }
        if !trustPrefixes.isEmpty, !Certificate.names(of: certificate, isOfTrustDomain) {
            return OUTRIDER_TLS_WRONG_NAME
        }
        return OUTRIDER_TLS_ACCEPTED
    }

    private func isPinned(_ certificate: OpaquePointer) -> Bool {
        if publicKeyHashes.isEmpty && certificateHashes.isEmpty { return true }
        return publicKeyHashes.contains(Base64.encode(Certificate.keyHash(of: certificate)))
            || certificateHashes.contains(Certificate.hash(of: certificate).hexadecimal)
    }

    private func isNamed(_ kind: outrider_tls_name_kind, _ bytes: UnsafeRawBufferPointer) -> Bool {
        switch kind {
        case OUTRIDER_TLS_NAME_URI: names.contains { $0.elementsEqual(bytes) }
        case OUTRIDER_TLS_NAME_DNS: names.contains { Self.matches(bytes, name: $0) }
        case OUTRIDER_TLS_NAME_IP: addresses.contains { $0.elementsEqual(bytes) }
        default: false
        }
    }

    private func isOfTrustDomain(_ kind: outrider_tls_name_kind, _ bytes: UnsafeRawBufferPointer) -> Bool {
        kind == OUTRIDER_TLS_NAME_URI
            && trustPrefixes.contains { bytes.count > $0.count && bytes.starts(with: $0) }
    }

    /// DNS names match without regard to case; `*.` in the certificate stands for one label, as in Envoy's exact
    /// matcher.
    private static func matches(_ bytes: UnsafeRawBufferPointer, name: [UInt8]) -> Bool {
        guard bytes.starts(with: "*.".utf8) else { return equal(bytes[...], name[...]) }
        guard let dot = name.firstIndex(of: UInt8(ascii: ".")), dot > 0, bytes.count > 2 else { return false }
        return equal(bytes[1...], name[dot...])
    }

    private static func equal(_ bytes: Slice<UnsafeRawBufferPointer>, _ name: ArraySlice<UInt8>) -> Bool {
        bytes.count == name.count && zip(bytes, name).allSatisfy { $0.lowercasedASCII == $1.lowercasedASCII }
    }
}

/// The C side's way to `PeerDemands.judge`.
func judgePeer(_ certificate: OpaquePointer, _ argument: UnsafeRawPointer) -> outrider_tls_verdict {
    Unmanaged<PeerDemands>.fromOpaque(argument)._withUnsafeGuaranteedRef { $0.judge(certificate) }
}

extension UInt8 {
    /// The lower-case form of an ASCII letter; any other byte is itself.
    var lowercasedASCII: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}

/// Base64 as Istio writes public key hashes.
enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).reduce(0) { $0 << 8 | (start + $1 < bytes.count ? Int(bytes[start + $1]) : 0) }
            for digit in 0..<4 {
                let isPadding = start + digit > bytes.count
                text.append(isPadding ? UInt8(ascii: "=") : alphabet[group >> (18 - 6 * digit) & 63])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
