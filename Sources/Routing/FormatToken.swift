import Wire

/// One piece of a compiled header value.
struct FormatToken: BitwiseCopyable {
    enum Kind: UInt8 {
        case literal, requestHeader, responseHeader, trailer, pathWithoutQuery, queryParameter, startTime
        case protocolName, responseCode, responseFlags, responseCodeDetails, duration, bytesReceived, bytesSent
        case streamID, connectionID, requestedServerName, upstreamCluster, attemptCount, peerURISAN, peerSubject
        case tlsVersion, tlsCipher
        case remoteAddress, remoteHost, remotePort, directRemoteAddress, directRemoteHost
        case localAddress, localHost, localPort, upstreamAddress, upstreamHost, upstreamPort
        // Known when the table is built, so they become literals.
        case routeName, hostName, environment, path
    }

    var kind: Kind
    /// The text, the header's name, the parameter's name, the time format.
    var text: Slice
    var id: FieldName
    /// The header to take where the first one is missing; empty: none.
    var alternative: Slice
    var alternativeID: FieldName
    /// Longer header values and parameters are cut; -1: never.
    var bytesMax: Int32
}

/// An address in a form without references, for formats.
package struct PeerAddress: BitwiseCopyable, Sendable {
    package enum Family: UInt8, BitwiseCopyable, Sendable { case none, ipv4, ipv6 }

    package var family: Family
    package var high: UInt64
    /// All of an IPv4 address is in here.
    package var low: UInt64
    package var port: UInt16

    /// No address: formats give nothing.
    package static let none = PeerAddress(family: .none, high: 0, low: 0, port: 0)

    package init(family: Family, high: UInt64, low: UInt64, port: UInt16) {
        self.family = family
        self.high = high
        self.low = low
        self.port = port
    }

    /// A Unix socket counts as no address.
    package init(_ address: SocketAddress) {
        switch address {
        case .ipv4(let host, let port): self.init(family: .ipv4, high: 0, low: UInt64(host), port: port)
        case .ipv6(let high, let low, let port, _): self.init(family: .ipv6, high: high, low: low, port: port)
        case .unix: self = .none
        }
    }
}

/// The facts of one request that formats may ask for. Whatever is unknown stays as it is here and formats as nothing.
/// Texts must outlive the call that the context is given to.
package struct FormatContext: BitwiseCopyable {
    package enum ProtocolVersion: UInt8, BitwiseCopyable, Sendable { case http10, http11, http2 }

    package var protocolVersion = ProtocolVersion.http11
    /// The client as x-forwarded-for tells it.
    package var downstreamRemote = PeerAddress.none
    /// The peer of the connection.
    package var downstreamDirectRemote = PeerAddress.none
    package var downstreamLocal = PeerAddress.none
    /// Known for responses only, as are all facts below up to the next blank line.
    package var upstream = PeerAddress.none
    package var upstreamCluster = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Attempts so far; 0: none.
    package var attemptCount = 0
    package var responseFlags = UnsafeRawBufferPointer(start: nil, count: 0)
    package var responseCodeDetails = UnsafeRawBufferPointer(start: nil, count: 0)
    package var bytesSent: Int64 = 0

    package var bytesReceived: Int64 = 0
    /// When the request began: microseconds since 1970, UTC.
    package var startTimeMicroseconds: Int64 = 0
    package var durationMilliseconds: Int64 = 0
    package var connectionID: UInt64 = 0
    package var streamID = UnsafeRawBufferPointer(start: nil, count: 0)
    package var requestedServerName = UnsafeRawBufferPointer(start: nil, count: 0)
    package var peerURISAN = UnsafeRawBufferPointer(start: nil, count: 0)
    package var peerSubject = UnsafeRawBufferPointer(start: nil, count: 0)
    package var tlsVersion = UnsafeRawBufferPointer(start: nil, count: 0)
    package var tlsCipher = UnsafeRawBufferPointer(start: nil, count: 0)

    package init() {}
}
