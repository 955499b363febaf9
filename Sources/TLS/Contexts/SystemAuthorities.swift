import COpenSSL

/// The operating system's authorities: read once, since they are many, and shared by all contexts that do not add to
/// them.
final class SystemAuthorities: @unchecked Sendable {
    /// Debian's bundle.
    static let bundlePath = "/etc/ssl/certs/ca-certificates.crt"
    /// The bundle or, where there is none, OpenSSL's own places. Read at its first use: nil only without memory.
    static let shared = SystemAuthorities()

    let pointer: OpaquePointer

    private init?() {
        guard let pointer = outrider_tls_store_new(Self.bundlePath) ?? outrider_tls_store_new(nil) else { return nil }
        self.pointer = pointer
    }

    deinit { outrider_tls_store_free(pointer) }
}
