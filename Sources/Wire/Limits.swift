/// Every limit of the data path, in one place, with its unit last in its name. Sources: Envoy's and Istio's
/// defaults unless a comment says otherwise.
package enum Limits {
    // MARK: Heads

    /// A request's or a response's head, its first line included. More is 431 (downstream) or 502 (upstream).
    package static let headBytesMax = 60 * 1024
    /// Fields in one head. More is 431 or 502.
    package static let headFieldsMax = 100
    /// Fields that the proxy itself may add to a head that was full already.
    package static let headFieldsAddedMax = 155
    /// Empty lines that may precede a request line (RFC 9112 section 2.2: at least one). More is 400.
    package static let leadingEmptyLinesMax = 4
    /// Trailers share the head's limits of fields; their bytes are capped apart.
    package static let trailerBytesMax = 8 * 1024
    /// A chunk's size line with its extensions. More is 400.
    package static let chunkLineBytesMax = 4 * 1024
    /// Hop-by-hop names that a `Connection` field may nominate. As many or more is 400.
    package static let connectionNominationsMax = 10

    // MARK: Buffers

    /// A pooled buffer.
    package static let bufferBytes = 16 * 1024
    /// The scratch buffer a worker reads into and writes heads in.
    package static let scratchBytes = 64 * 1024
    /// The buffer in which a worker's writes gather: a head that grew, and what goes with it.
    package static let outputBytes = 160 * 1024
    /// What may wait for a slow peer before the other side is no longer read.
    package static let pendingHighBytes = 64 * 1024
    /// What must be left waiting before the other side is read again.
    package static let pendingLowBytes = 16 * 1024
    /// What a request may hold for replay (retries).
    package static let replayBytesMax = 1024 * 1024
    /// Bytes in a worker's buffers above which only small bodies are held for replay: no more than its pool keeps, so that
    /// a flood of uploads is not slowed down by fresh memory.
    package static let replayWorkerBytesMax = pooledBuffersMax * bufferBytes
    /// A body that is held for replay whatever else is.
    package static let replaySmallBytesMax = 16 * 1024
    /// Empty buffers that a worker's pool keeps.
    package static let pooledBuffersMax = 256

    /// What TLS may make at once before it is sent: some records of 16 KiB.
    package static let ciphertextBytes = 80 * 1024

    // MARK: Loop

    /// Bytes that one connection may move in one turn before others get theirs.
    package static let turnBytesMax = 64 * 1024
    /// Events fetched by one `epoll_wait`.
    package static let eventsPerTurnMax = 256
    /// Connections accepted in one turn of one listener.
    package static let acceptsPerTurnMax = 32
    /// The backlog given to `listen`.
    package static let listenBacklogMax = 4096
    /// Client connections a process holds unless the file-descriptor limit is lower.
    package static let connectionsMax = 50_000

    // MARK: Time

    /// From a connection's (or the next request's) first byte to the end of its head.
    package static let headTimeoutMilliseconds = 60_000
    /// A peer that takes no byte for so long ends its stream.
    package static let writeStallTimeoutMilliseconds = 60_000
    /// A request's body, or an answer to a client that has ended its half, of which no byte moves: Envoy's stream idle timeout.
    package static let streamIdleTimeoutMilliseconds = 300_000
    /// A client connection without a request.
    package static let downstreamIdleTimeoutMilliseconds = 3_600_000
    /// A tunnel (WebSocket, CONNECT) or a TCP connection through which no byte passes.
    package static let tunnelIdleTimeoutMilliseconds = 3_600_000
    /// An upstream connection without a request.
    package static let upstreamIdleTimeoutMilliseconds = 3_600_000
    /// Connecting to an endpoint.
    package static let connectTimeoutMilliseconds = 10_000
    /// How long an early answer waits for the peer to read it before the socket is closed.
    package static let lingerTimeoutMilliseconds = 1_000
    /// Bytes that a lingering close swallows.
    package static let lingerBytesMax = 1024 * 1024
    /// While draining, a connection that has carried nothing yet may send its first request for so long.
    package static let drainGraceMilliseconds = 1_000
    /// From SIGTERM to the end, whatever is still open.
    package static let drainTimeoutMilliseconds = 45_000

    // MARK: Access log

    /// Log lines that may wait for the writer thread, for one worker.
    package static let logRingBytes = 256 * 1024
    /// A line; what is longer is cut.
    package static let logLineBytesMax = 8 * 1024

    // MARK: Upstream

    /// Idle connections kept by one worker for one endpoint.
    package static let idleConnectionsPerEndpointMax = 256
    /// Requests that a worker may still send on a connection which another worker waits for.
    package static let handoverRequestsMax = 8
    /// Workers of a process: a bit for each in the board's masks.
    package static let workersMax = 64
    /// Requests that wait for a connection to one cluster, and connections, without a DestinationRule: Envoy's 2^32 - 1.
    package static let unlimited = Int(UInt32.max)
    /// A mirror whose copy of the body is further behind is cut.
    package static let mirrorLagBytesMax = 256 * 1024
    /// A mirror copy of a route without a timeout ends after this.
    package static let mirrorTimeoutMilliseconds = 60_000
    /// How long after it became idle a connection is looked at for the first time.
    package static let idleSweepMilliseconds = 1_000
    /// How often metrics hear of connections of bytes and gRPC calls that last: Istio's `reportingInterval`.
    package static let metricsReportMilliseconds = 5_000
    /// Exchanges that a worker keeps for reuse.
    package static let pooledExchangesMax = 256
    /// Mirror copies under way in one worker.
    package static let mirrorsActiveMax = 256
    /// Retries a request may make, whatever its policy says.
    package static let retriesMax = 10

    // MARK: HTTP/2

    /// Streams that a client may have open on one connection.
    package static let http2StreamsMax = 1024
    /// Requests under way on one HTTP/2 connection to an endpoint, unless a rule says otherwise: Envoy's value.
    package static let http2UpstreamStreamsMax = 1024
    /// Bytes a stream may have under way towards us.
    package static let http2StreamWindowBytes = 256 * 1024
    /// Bytes a connection may have under way towards us.
    package static let http2ConnectionWindowBytes = 1024 * 1024
    /// Bytes of all its streams that a connection may hold for an endpoint or a client before its peer has to wait.
    package static let http2HeldBytesMax = 4 * 1024 * 1024
    /// Heads and stream records that a worker keeps for reuse.
    package static let http2PooledHeadsMax = 256
    package static let http2PooledStreamsMax = 1024
    /// Blocks that a worker keeps for nghttp2, in bytes.
    package static let http2KeptBlockBytesMax = 512 * 1024
    /// The SETTINGS in an `HTTP2-Settings` field: nghttp2 takes 32 entries of six bytes.
    package static let http2UpgradeSettingsBytesMax = 32 * 6
    /// A header block as it is written, before compression. A head of ours and what the proxy adds to it fit.
    package static let http2SentBlockBytesMax = 256 * 1024
    /// Room that writing wants in an output buffer: a frame of the default size, its header and a pad length.
    package static let http2FrameRoomBytes = 9 + 1 + 16 * 1024

    // What a peer may do to an HTTP/2 connection before it is told to calm down: a burst, what comes back each second, and
    // what honest work earns on top. nghttp2, Envoy and HAProxy were the measure; a browser that cancels a page, an outage
    // with a thousand time-outs and gRPC with an acknowledged ping for each message stay below.

    /// Streams that a client opened and cancelled within `http2YoungStreamMilliseconds`. A stream that completes earns one back.
    package static let http2ResetsBurstMax = 500
    package static let http2ResetsPerSecondMax = 50
    package static let http2YoungStreamMilliseconds = 1_000
    /// Streams that we had to reset since the peer broke a rule ("made you reset"), and heads too large.
    package static let http2ProvokedResetsBurstMax = 100
    package static let http2ProvokedResetsPerSecondMax = 10
    /// CONTINUATION frames of one header block (nghttp2's own limit), and its bytes as they arrive.
    package static let http2ContinuationsMax = 8
    package static let http2BlockBytesMax = 128 * 1024
    package static let http2SettingsBurstMax = 100
    package static let http2SettingsPerSecondMax = 10
    /// Pings. Each DATA or HEADERS frame, in either direction, earns one.
    package static let http2PingsBurstMax = 500
    package static let http2PingsPerSecondMax = 100
    /// WINDOW_UPDATE frames. Each DATA frame that we send earns ten (Envoy), each request two.
    package static let http2WindowUpdatesBurstMax = 1_000
    package static let http2WindowUpdatesPerSecondMax = 100
    /// PRIORITY frames. Each request earns four.
    package static let http2PrioritiesBurstMax = 200
    package static let http2PrioritiesPerSecondMax = 20
    /// DATA, HEADERS and CONTINUATION frames that carry nothing and end nothing.
    package static let http2EmptyFramesBurstMax = 100
    package static let http2EmptyFramesPerSecondMax = 10
    /// DATA frames of fewer bytes than a gRPC message has at least, which do not end a stream.
    package static let http2TinyDataBytes = 5
    package static let http2TinyDataBurstMax = 10_000
    package static let http2TinyDataPerSecondMax = 2_000
    /// Frames of types that nobody knows. Each request earns two.
    package static let http2UnknownFramesBurstMax = 200
    package static let http2UnknownFramesPerSecondMax = 20
    /// Acknowledgements of SETTINGS and PING that may wait for a peer that does not read.
    package static let http2AcknowledgementsMax = 1_000

    // MARK: TLS

    /// From a connection's beginning to the end of its handshake, or to the bytes that its chain is chosen by: Envoy's value.
    package static let handshakeTimeoutMilliseconds = 15_000
    /// Steps of handshakes that one worker takes in one turn, so that a storm of them leaves others served.
    package static let handshakesPerTurnMax = 8
    /// A file of certificates, keys or revocation lists.
    package static let pemBytesMax = 4 * 1024 * 1024
    /// The certificates that a peer may send.
    package static let tlsPeerChainBytesMax = 64 * 1024
    /// How long a session may be resumed: OpenSSL's default.
    package static let tlsTicketSeconds = 7200
    /// Servers whose sessions one worker keeps as a client, and sessions kept for each.
    package static let tlsCachedServersMax = 1024
    package static let tlsCachedSessionsPerServerMax = 2
    /// A ClientHello as far as it is looked at before OpenSSL has it: Envoy's tls_inspector's value.
    package static let clientHelloBytesMax = 16 * 1024
    /// A server name: a DNS name's length.
    package static let serverNameBytesMax = 255
    /// A method's token, where HTTP is told from other protocols by its first bytes.
    package static let detectedMethodBytesMax = 20

    // MARK: Names and files

    /// Threads that wait for name servers, so that one slow name does not hold up the others.
    package static let resolverThreads = 2
    /// Host names whose addresses are kept.
    package static let resolverNamesMax = 1024
    /// Requests for names that wait for an answer. More are refused.
    package static let resolverWaitersMax = 1024
    /// Addresses taken from one answer.
    package static let resolverAddressesMax = 64
    /// How long an answer is kept: mesh `dnsRefreshRate`'s default.
    package static let resolverPositiveMilliseconds = 60_000
    /// How long "no such name" is kept.
    package static let resolverNegativeMilliseconds = 2_000
    /// Directories and linked files that one watcher watches, and how deep they may lie.
    package static let watchedDirectoriesMax = 4096
    package static let watchedDepthMax = 32
}
