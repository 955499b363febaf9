import COpenSSL

/// Names of ciphers for TLS 1.2 and below: OpenSSL's, which are BoringSSL's and Envoy's too, and IANA's.
enum CipherNames {
    /// OpenSSL's list of the names that it knows, in their order, and a warning for each of the others. Envoy's groups
    /// of equal preference (`[A|B]`) are taken in order.
    static func resolve(_ names: [String], in context: ContextHandle) -> (list: String, warnings: [String]) {
        var known: [String] = []
        var warnings: [String] = []
        for entry in names {
            for name in entry.split(whereSeparator: { "[|]:, ".contains($0) }).map(String.init) {
                guard let found = outrider_tls_context_find_cipher(context.pointer, name) else {
                    warnings.append("cipher suite \(name) is not known for TLS 1.2 or below and is left out")
                    continue
                }
                let cipher = String(cString: found)
                if known.contains(cipher) {
                    warnings.append("cipher suite \(name) is named twice")
                } else {
                    known.append(cipher)
                }
            }
        }
        return (known.joined(separator: ":"), warnings)
    }
}
