/// A request's method. Unknown methods are legal and forwarded; their bytes are in `Head.methodSlice`.
@frozen @usableFromInline
package enum Method: UInt8, Sendable {
    case get, head, post, put, delete, connect, options, trace, patch, other

    /// The method that these bytes spell (methods are case-sensitive, RFC 9110 section 9.1).
    @inlinable package init(_ bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 3: self = Self.matches(bytes, "GET") ? .get : Self.matches(bytes, "PUT") ? .put : .other
        case 4: self = Self.matches(bytes, "POST") ? .post : Self.matches(bytes, "HEAD") ? .head : .other
        case 5: self = Self.matches(bytes, "PATCH") ? .patch : Self.matches(bytes, "TRACE") ? .trace : .other
        case 6: self = Self.matches(bytes, "DELETE") ? .delete : .other
        case 7: self = Self.matches(bytes, "OPTIONS") ? .options : Self.matches(bytes, "CONNECT") ? .connect : .other
        default: self = .other
        }
    }

    /// Safe methods and PUT and DELETE may be sent twice (RFC 9110 section 9.2.2).
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }

    /// Whether `bytes`, which are as many as `spelling` has, are those of `spelling`.
    @inlinable @inline(__always)
    static func matches(_ bytes: UnsafeRawBufferPointer, _ spelling: StaticString) -> Bool {
        var index = 0
        while index < spelling.utf8CodeUnitCount {
            if bytes[index] != spelling.utf8Start[index] { return false }
            index += 1
        }
        return true
    }
}
