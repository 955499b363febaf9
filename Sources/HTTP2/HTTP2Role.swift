/// Which side of a connection a session is.
package enum HTTP2Role: UInt8, Sendable { case server, client }

/// What a head that is sent says of its body's length.
package enum HTTP2Length: Equatable, Sendable {
    /// The head's own Content-Length fields.
    case asInHead
    /// No Content-Length.
    case unknown
    /// So many bytes, whatever the head says.
    case exactly(UInt64)
}
