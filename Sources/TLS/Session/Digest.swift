import COpenSSL

/// Small digests that other rooms need, by OpenSSL. Not for the hot path.
package enum Digest {
    /// SHA-1, for what a protocol asks to be hashed with it (WebSocket), never for security.
    package static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        _ = outrider_tls_sha1(bytes, bytes.count, &digest)
        return digest
    }

    /// Base64 with padding.
    package static func base64(_ bytes: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = outrider_tls_base64(bytes, bytes.count, &text)
        return String(decoding: text[..<count], as: UTF8.self)
    }
}
