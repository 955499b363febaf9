import Wire

/// What this side announces in its SETTINGS, and how much it takes.
package struct HTTP2Settings: Hashable, Sendable {
    /// Streams that the peer may have open.
    package var concurrentStreamsMax: UInt32
    /// Bytes a stream may have under way towards us.
    package var streamWindowBytes: UInt32
    /// Bytes a connection may have under way towards us.
    package var connectionWindowBytes: UInt32
    /// Server: extended CONNECT (RFC 8441) is understood.
    package var enablesConnectProtocol: Bool

    package init(
        concurrentStreamsMax: UInt32 = 1024, streamWindowBytes: UInt32 = 256 * 1024,
        connectionWindowBytes: UInt32 = 1024 * 1024, enablesConnectProtocol: Bool = true
    ) {
        self.concurrentStreamsMax = concurrentStreamsMax
        self.streamWindowBytes = streamWindowBytes
        self.connectionWindowBytes = connectionWindowBytes
        self.enablesConnectProtocol = enablesConnectProtocol
    }
}
