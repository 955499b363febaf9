/// A request's method. Unknown methods are legal and forwarded; their bytes are in `Head.methodSlice`.
@frozen @usableFromInline
package enum Method: UInt8, Sendable {
    case get, head, post, put, delete, connect, options, trace, patch, other

    /// The method that these bytes spell (methods are case-sensitive, RFC 9110 section 9.1).
    package init(_ bytes: UnsafeRawBufferPointer) {
        self = .other
        for (method, spelling) in Self.spellings where spelling.utf8CodeUnitCount == bytes.count {
            if bytes.elementsEqual(UnsafeBufferPointer(start: spelling.utf8Start, count: bytes.count)) {
                self = method
                return
            }
        }
    }

    /// Safe methods and PUT and DELETE may be sent twice (RFC 9110 section 9.2.2).
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }

    private static let spellings: [(Method, StaticString)] = [
        (.get, "GET"), (.head, "HEAD"), (.post, "POST"), (.put, "PUT"), (.delete, "DELETE"), (.connect, "CONNECT"),
        (.options, "OPTIONS"), (.trace, "TRACE"), (.patch, "PATCH"),
    ]
}
