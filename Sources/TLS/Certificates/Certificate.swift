import COpenSSL

/// A certificate. It owns one reference to OpenSSL's object.
final class Certificate {
    let pointer: OpaquePointer

    /// Takes over the caller's reference.
    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { outrider_tls_certificate_free(pointer) }

    var notBefore: Int64 { outrider_tls_certificate_not_before(pointer) }
    var notAfter: Int64 { outrider_tls_certificate_not_after(pointer) }
    var subject: String { Self.subject(of: pointer) }
    var serial: String { Self.text(capacity: 128) { outrider_tls_certificate_serial(self.pointer, $0, $1) } }
    /// SHA-256 of the DER form, as hexadecimal digits.
    var hash: String { Self.hash(of: pointer).hexadecimal }

    /// Every certificate of a PEM text, in order. Nil where a block is broken.
    static func all(in bytes: [UInt8]) -> [Certificate]? {
        bytes.withUnsafeBytes { bytes -> [Certificate]? in
            guard let pem = outrider_tls_pem_open(bytes.baseAddress, bytes.count) else { return nil }
            defer { outrider_tls_pem_close(pem) }
            var certificates: [Certificate] = []
            var isBroken = false
            while let next = outrider_tls_pem_next(pem, &isBroken) { certificates.append(Certificate(owning: next)) }
            return isBroken ? nil : certificates
        }
    }

    // MARK: Pointers that others own

    static func subject(of pointer: OpaquePointer) -> String {
        text(capacity: 2048) { outrider_tls_certificate_subject(pointer, $0, $1) }
    }

    static func hash(of pointer: OpaquePointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { bytes, count in
            count = bytes.baseAddress.map { outrider_tls_certificate_hash(pointer, $0) } == true ? 32 : 0
        }
    }

    static func keyHash(of pointer: OpaquePointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { bytes, count in
            count = bytes.baseAddress.map { outrider_tls_certificate_key_hash(pointer, $0) } == true ? 32 : 0
        }
    }

    /// Calls `body` with each name until it answers true; answers whether one did. The bytes live during the call.
    static func names(
        of pointer: OpaquePointer, _ body: (outrider_tls_name_kind, UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        guard let names = outrider_tls_names_of(pointer) else { return false }
        defer { outrider_tls_names_free(names) }
        for index in 0..<outrider_tls_names_count(names) {
            var bytes: UnsafePointer<UInt8>?
            var count = 0
            let kind = outrider_tls_names_at(names, index, &bytes, &count)
            if kind != OUTRIDER_TLS_NAME_OTHER, body(kind, UnsafeRawBufferPointer(start: bytes, count: count)) {
                return true
            }
        }
        return false
    }

    private static func text(capacity: Int, _ fill: (UnsafeMutablePointer<CChar>, Int) -> Int) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            let count = fill(base, capacity)
            return String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self)
        }
    }
}

extension Sequence where Element == UInt8 {
    /// The bytes as lower-case hexadecimal digits.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
