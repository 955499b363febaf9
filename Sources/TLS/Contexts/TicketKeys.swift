import COpenSSL

/// The keys of session tickets, one object for all server contexts of the process: sessions can be resumed at every
/// worker and after every rebuild. Keys are random at the start; the newest encrypts, the last three decrypt.
///
/// Sendable: handshakes read a published set of keys without waiting. `rotate` is for one thread at a time.
package final class TicketKeys: @unchecked Sendable {
    /// The length of a key that is given.
    package static let keyBytes = Int(OUTRIDER_TLS_KEY_BYTES)

    let pointer: OpaquePointer

    /// Nil when the system has no randomness or no memory.
    package init?() {
        guard let pointer = outrider_tls_keys_new() else { return nil }
        self.pointer = pointer
    }

    deinit { outrider_tls_keys_free(pointer) }

    /// Puts a new random key in front and forgets the oldest of three; false when there is no randomness. Each rotation
    /// keeps 256 bytes until the object goes: meant for hours, not for requests.
    @discardableResult
    package func rotate() -> Bool { outrider_tls_keys_rotate(pointer, nil) }

    /// The same with a key that several proxies share; false unless it has `keyBytes`.
    @discardableResult
    package func rotate(to key: [UInt8]) -> Bool {
        key.count == Self.keyBytes && outrider_tls_keys_rotate(pointer, key)
    }
}
