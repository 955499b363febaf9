import CNghttp2
import Wire

/// One side of an HTTP/2 connection, without its socket: bytes in, events out; commands in, bytes out. nghttp2 frames, compresses
/// and counts credit; this type turns its callbacks into values, judges heads and holds the peer to the abuse meter.
///
/// A turn: `receive`, take events with `next` until nil, give commands, `write` until it says that nothing is left, take events
/// again. nghttp2 is never called from its own callbacks: they only note things, which are acted upon afterwards.
///
/// One worker's, not thread-safe. After a `fault`, write what is queued (the GOAWAY) and close; all exchanges end then.
package final class HTTP2Session {
    package let role: HTTP2Role
    let settings: HTTP2Settings
    let pools: HTTP2Pools
    private(set) var handle: OpaquePointer

    var events = EventQueue()
    private var eventHead: Head?
    var streams = StreamTable()
    var assembler: HeadAssembler
    var scanner: FrameScanner
    var meter: AbuseMeter
    var history = StreamHistory()
    /// The stream that the peer reset last in the bytes at hand; 0: none.
    var resetInBatch: UInt32 = 0

    /// The clock in milliseconds, as last passed in. Set it before commands too when time has gone by.
    package var now: UInt64
    /// Why the session is over, if it is for the peer's fault. May be set by `receive` and by `write`.
    package internal(set) var fault: HTTP2Fault?
    /// A GOAWAY came, or a last one went out: no requests can be submitted.
    package internal(set) var isClosing = false
    /// The owner ended the session with an error code.
    var isTerminated = false

    /// What the peer lets us do (its SETTINGS, or the defaults before).
    package private(set) var peerConcurrentStreamsMax: UInt32 = 100
    package private(set) var peerStreamWindowBytes: UInt32 = 65_535
    package private(set) var peerEnablesConnectProtocol = false
    var peerSettingsChanged = false

    /// Body bytes from the peer that the owner has not given back, of all streams.
    package internal(set) var heldBytes = 0
    /// Body bytes that wait for the peer, of all streams.
    package internal(set) var queuedBytes = 0
    /// Connection credit that came in and was not given back yet.
    var credit = 0
    var isCreditWithheld = false
    /// Some stream was told to pause since all streams together hold too much.
    var hasPausedForTotal = false
    /// Streams whose reset by us has not left yet: to the peer they will be gone before any new one.
    var leavingStreams = 0
    /// What a callback found to end the session for.
    var pendingFault: HTTP2Fault?
    /// Resets that callbacks asked for.
    var pendingResets: ContiguousArray<UInt32> = []
    var pendingInternalResets: ContiguousArray<UInt32> = []
    /// Streams whose trailers follow now.
    var pendingTrailers: ContiguousArray<UInt32> = []
    /// Where `write` writes, while it does; and whether DATA did not fit.
    var target: Buffer?
    var isBlocked = false

    package init(role: HTTP2Role, settings: HTTP2Settings, pools: HTTP2Pools, now: UInt64) {
        self.role = role
        self.settings = settings
        self.pools = pools
        self.now = now
        assembler = HeadAssembler(pools)
        scanner = FrameScanner(preface: role == .server ? Int(NGHTTP2_CLIENT_MAGIC_LEN) : 0)
        meter = AbuseMeter(role: role)
        handle = OpaquePointer(bitPattern: 1)!
        var created: OpaquePointer?
        let owner = Unmanaged.passUnretained(self).toOpaque()
        let library = Nghttp2.shared
        var memory = Nghttp2.memory(of: pools.blocks)
        let result =
            role == .server
            ? nghttp2_session_server_new3(&created, library.callbacks, owner, library.options, &memory)
            : nghttp2_session_client_new3(&created, library.callbacks, owner, library.options, &memory)
        guard result == 0, let created else { fatalError("nghttp2 has no memory for a session") }
        handle = created
        announce()
    }

    deinit {
        nghttp2_session_del(handle)
        let pools = pools
        streams.forEach { pools.give($0) }
        while let (_, head) = events.next() {
            if let head { pools.give(head) }
        }
        if let eventHead { pools.give(eventHead) }
        assembler.clear(pools)
    }

    /// Queues our SETTINGS and the connection's window.
    private func announce() {
        var entries: [nghttp2_settings_entry] = []
        func add(_ id: nghttp2_settings_id, _ value: UInt32) {
            entries.append(nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: value))
        }
        add(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.streamWindowBytes)
        add(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(Limits.headBytesMax))
        if role == .server {
            add(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.concurrentStreamsMax)
            // The tree of priorities costs more than it gives (RFC 9113 section 5.3.2).
            add(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1)
            if settings.enablesConnectProtocol { add(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1) }
        } else {
            add(NGHTTP2_SETTINGS_ENABLE_PUSH, 0)
        }
        nghttp2_submit_settings(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
        nghttp2_session_set_local_window_size(
            handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(clamping: settings.connectionWindowBytes))
    }

    // MARK: - Events

    /// The next event. The head of the one before goes back to the pool unless it was swapped out.
    package func next() -> HTTP2Event? {
        guard let (event, head) = events.next() else { return nil }
        if let old = eventHead { pools.give(old) }
        eventHead = head
        return event
    }

    /// Hands over the head of the event that `next` gave last, for another one.
    package func swapHead(_ other: inout Head) {
        guard let head = eventHead else { preconditionFailure("the last event brought a head that was not taken yet") }
        eventHead = other
        other = head
    }

    // MARK: - State

    /// Streams that are not closed.
    package var activeStreams: Int { streams.count }
    /// Whether bytes from the peer still mean something.
    package var wantsRead: Bool { nghttp2_session_want_read(handle) != 0 }
    /// Whether `write` would write something now. DATA that waits for credit does not count.
    package var wantsWrite: Bool { nghttp2_session_want_write(handle) != 0 }
    /// Whether body bytes wait for the peer's credit (or for `write`).
    package var hasStalledOutput: Bool { queuedBytes > 0 }

    /// The stream whose bytes have waited longest, and since when (milliseconds). Cost: the number of streams; for timers.
    package func oldestStalled() -> (stream: UInt32, since: UInt64)? {
        var oldest: (stream: UInt32, since: UInt64)?
        streams.forEach { stream in
            // One that is reset already only waits for its frame to leave.
            guard !stream.queue.isEmpty, !stream.isResetByUs, !stream.isResetByPeer else { return }
            if let found = oldest, found.since <= stream.progressAt { return }
            oldest = (stream.id, stream.progressAt)
        }
        return oldest
    }

    /// Whether the peer's message on a stream goes on.
    package func isUnfinished(_ id: UInt32) -> Bool {
        guard let stream = streams[id] else { return false }
        return !stream.hasEnded && !stream.isResetByUs && !stream.isResetByPeer
    }

    /// Whether all of our message on a stream was taken for sending.
    package func hasSentAll(_ id: UInt32) -> Bool {
        guard let stream = streams[id] else { return true }
        return stream.isEnding && stream.queue.isEmpty && stream.trailers == nil
    }

    /// Takes the peer's SETTINGS over, after the callbacks.
    func readPeerSettings() {
        peerSettingsChanged = false
        peerConcurrentStreamsMax = nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        peerStreamWindowBytes = nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
        peerEnablesConnectProtocol =
            nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1
    }

    /// Ends the session for the peer's fault.
    func end(_ reason: HTTP2Fault) {
        guard fault == nil else { return }
        fault = reason
        isClosing = true
        nghttp2_session_terminate_session(handle, reason.code.rawValue)
    }

    /// Forgets a stream that nghttp2 has closed.
    func forget(_ stream: HTTP2Stream) {
        guard streams.remove(stream.id) != nil else { return }
        events.append(.streamClosed(stream: stream.id))
        if stream.isResetByUs { leavingStreams -= 1 }
        heldBytes -= stream.unconsumed
        queuedBytes -= stream.queue.count
        pools.give(stream)
        resumeAfterTotal()
    }

    /// Lets streams go on that paused for the sake of all, once half is gone.
    func resumeAfterTotal() {
        guard hasPausedForTotal, queuedBytes <= Limits.http2HeldBytesMax / 2 else { return }
        hasPausedForTotal = false
        streams.forEach { resume($0) }
    }

    func resume(_ stream: HTTP2Stream) {
        guard stream.isPaused, !hasPausedForTotal, stream.queue.count <= Limits.pendingLowBytes else { return }
        stream.isPaused = false
        events.append(.drained(stream: stream.id))
    }
}
