import HTTP1
import Wire

/// gRPC's rules as far as a proxy keeps them: which requests are calls, and how its own answers read to their clients.
enum GRPC {
    private static let type: StaticString = "application/grpc"

    /// Whether a head's content-type is `application/grpc`, alone or with a suffix (`+proto`).
    static func isCall(_ head: Head) -> Bool {
        guard let value = head.value(of: .contentType), value.count >= type.utf8CodeUnitCount else { return false }
        let bytes = head.bytes(value)
        guard
            equalIgnoringCase(UnsafePointer(head.storage + value.start), type.utf8Start, count: type.utf8CodeUnitCount)
        else { return false }
        if bytes.count == type.utf8CodeUnitCount { return true }
        let next = bytes[type.utf8CodeUnitCount]
        return next == UInt8(ascii: "+") || next == UInt8(ascii: ";") || next == UInt8(ascii: " ")
    }

    /// The status of a call for an answer's HTTP status, as Envoy maps it.
    static func status(http: UInt16) -> UInt64 {
        switch http {
        case 400: 13
        case 401: 16
        case 403: 7
        case 404: 12
        case 429, 502, 503, 504: 14
        default: 2
        }
    }

    /// Makes an answer of the proxy's own one that a gRPC client reads: 200 without a body, status and message in the head.
    /// `isDeadline`: the call's own deadline passed.
    static func turn(_ head: Head, body: UnsafeRawBufferPointer, isDeadline: Bool) {
        let status = isDeadline ? 4 : status(http: head.status)
        head.status = 200
        head.reason = .empty
        head.removeAll(.contentLength)
        head.setField(.contentType, value: head.append(type))
        head.setField(.grpcStatus, value: LocalReply.appendNumber(status, to: head))
        guard !body.isEmpty else { return }
        head.reserve(body.count * 3)
        let start = head.storageUsed
        for byte in body { appendEncoded(byte, to: head) }
        head.setField(.grpcMessage, value: Slice(offset: start, length: head.storageUsed - start))
    }

    /// Percent-encoding of `grpc-message`: what is not visible ASCII, and `%`.
    private static func appendEncoded(_ byte: UInt8, to head: Head) {
        func put(_ byte: UInt8) { withUnsafeBytes(of: byte) { _ = head.append($0) } }
        if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "%") { return put(byte) }
        let digits: StaticString = "0123456789ABCDEF"
        put(UInt8(ascii: "%"))
        put(digits.utf8Start[Int(byte >> 4)])
        put(digits.utf8Start[Int(byte & 15)])
    }

    /// The milliseconds of a `grpc-timeout` (`100m`, `5S`); nil: none, or not one.
    static func timeout(_ head: Head) -> UInt64? {
        guard let value = head.value(of: .grpcTimeout) else { return nil }
        let bytes = head.bytes(value)
        guard bytes.count >= 2, bytes.count <= 9, let unit = bytes.last else { return nil }
        var number: UInt64 = 0
        for byte in bytes.dropLast() {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number * 10 + UInt64(byte - 0x30)
        }
        switch unit {
        case UInt8(ascii: "H"): return number * 3_600_000
        case UInt8(ascii: "M"): return number * 60_000
        case UInt8(ascii: "S"): return number * 1_000
        case UInt8(ascii: "m"): return number
        case UInt8(ascii: "u"): return (number + 999) / 1_000
        case UInt8(ascii: "n"): return (number + 999_999) / 1_000_000
        default: return nil
        }
    }
}
