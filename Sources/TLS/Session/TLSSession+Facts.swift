import COpenSSL
import Glibc

extension TLSSession {
    /// What ALPN came to.
    package var negotiated: ApplicationProtocol { withNegotiatedBytes { ApplicationProtocol($0) } }

    /// The protocol's name, for the time of the call; empty when there is none.
    package func withNegotiatedBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        var count = 0
        let bytes = outrider_tls_session_alpn(pointer, &count)
        return body(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    /// The name that the client asked for, as it wrote it; on the client's side the one that was sent.
    package var serverName: String? { outrider_tls_session_server_name(pointer).map { String(cString: $0) } }

    /// `TLSv1.3`.
    package var version: String { String(cString: outrider_tls_session_version(pointer)) }

    /// OpenSSL's name: `TLS_AES_256_GCM_SHA384`, `ECDHE-RSA-AES128-GCM-SHA256`.
    package var cipher: String { String(cString: outrider_tls_session_cipher(pointer)) }

    package var isResumed: Bool { pointer.pointee.is_resumed }

    /// The alert's name after `peerAlert`: `handshake failure`, `unknown CA`, `certificate required`.
    package var alertName: String? { fault == .peerAlert ? detail : nil }

    /// OpenSSL's own words about the fault; empty when it has none.
    package var detail: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            let count = outrider_tls_session_detail(pointer, base, buffer.count)
            return String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self)
        }
    }

    /// The fault in a sentence for the log, with OpenSSL's words in brackets.
    package var faultDescription: String? {
        guard let fault else { return nil }
        let words = detail
        return words.isEmpty ? "\(fault.sentence)" : "\(fault.sentence) (\(words))"
    }

    /// The peer's certificate in PEM, URL-encoded as `x-forwarded-client-cert` wants its `Cert`.
    package var peerCertificateURLEncoded: String? { urlEncoded(0..<1) }

    /// The same for the whole chain, as far as the peer sent it in this connection (a resumed session knows its first).
    package var peerChainURLEncoded: String? { urlEncoded(0..<Int32.max) }

    /// Asks the peer for new keys with the next bytes; before TLS 1.3 that is a renegotiation, which we forbid. For
    /// tests.
    func requestNewKeys() -> Bool { outrider_tls_session_rekey(pointer) }

    private func urlEncoded(_ indices: Range<Int32>) -> String? {
        var text: [UInt8] = []
        for index in indices {
            guard let next = outrider_tls_session_peer(pointer, index) else { break }
            let certificate = Certificate(owning: next)
            var count = 0
            guard let pem = outrider_tls_certificate_pem(certificate.pointer, &count) else { return nil }
            defer { free(pem) }
            for byte in UnsafeRawBufferPointer(start: pem, count: count) { Self.append(byte, to: &text) }
        }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }

    /// As Envoy encodes PEM: letters, digits and `-_.~` stay.
    private static func append(_ byte: UInt8, to text: inout [UInt8]) {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "~"):
            text.append(byte)
        default:
            let digits = "0123456789ABCDEF".utf8
            text.append(UInt8(ascii: "%"))
            for nibble in [byte >> 4, byte & 15] {
                text.append(digits[digits.index(digits.startIndex, offsetBy: Int(nibble))])
            }
        }
    }
}
