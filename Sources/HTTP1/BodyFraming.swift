/// How the length of a message's body is known (RFC 9112 section 6.3).
package enum BodyFraming: Equatable, Sendable {
    /// There is no body: nothing in the head announces one, or the exchange allows none (HEAD, 1xx, 204, 304).
    case none
    /// So many bytes, at most `Int64.max`.
    case length(UInt64)
    /// Chunks up to the last one and its trailers.
    case chunked
    /// Everything up to the end of the connection. Responses only.
    case untilClose

    /// The framing to use towards a client of HTTP/1.`minorVersion`, which may not be the one the upstream used: HTTP/1.0
    /// knows no chunks, and for HTTP/1.1 chunks say where a body ended that came without a length.
    package func towardsClient(minorVersion: UInt8) -> BodyFraming {
        switch self {
        case .none, .length: self
        case .chunked, .untilClose: minorVersion == 0 ? .untilClose : .chunked
        }
    }
}
