import HTTP1
import Loop
import Telemetry
import Wire

/// An HTTP/1.1 connection to an endpoint: connecting, idle in its pool, or busy with one call.
final class HTTP1ClientConnection: ClientConnection {
    enum Phase: UInt8 { case connecting, idle, head, body, closed }

    var phase = Phase.connecting
    /// The call under way. The worker's table of calls keeps it alive.
    unowned(unsafe) var call: UpstreamCall?
    /// A connection outside any pool tells this call when it is connected.
    unowned(unsafe) var awaiting: UpstreamCall?

    // MARK: The request under way

    var requestFraming = BodyFraming.none
    var requestEnded = false
    var method = Method.get
    /// Bytes of the request may have reached the endpoint.
    var bytesAccepted = false
    /// The route's edits made the head larger than any that is sent: the call fails in a turn of its own.
    var isHeadTooLarge = false

    // MARK: The answer under way

    var answerFraming = BodyFraming.none
    var bodyLeft: UInt64 = 0
    var chunks = ChunkedReader()
    var persists = true
    var isPaused = false
    var answerBytesSeen = false

    var connectDeadline: UInt64 = 0

    // MARK: - Connecting

    /// Registers with the loop; whoever waits hears when the connect is through, or failed.
    func start(timeoutMilliseconds: Int) -> Bool {
        guard worker.loop.register(self, fd: fd) else { return false }
        connectDeadline = worker.loop.now + UInt64(max(timeoutMilliseconds, 1))
        worker.loop.arm(self, deadline: connectDeadline)
        return true
    }

    private func finishConnecting(_ events: Events) {
        let error = Socket.pendingError(fd)
        guard error == 0 else {
            return failConnecting(CallFailure(kind: .connectFailure, errno: Int32(truncatingIfNeeded: -error)))
        }
        guard events.contains(.writable), phase == .connecting else { return }
        phase = .idle
        if let waiting = awaiting {
            awaiting = nil
            waiting.connected(self)
        } else {
            upstreams?.connected(self)
        }
    }

    private func failConnecting(_ failure: CallFailure) {
        phase = .closed
        closeSocket()
        worker.metrics.add(failure.kind == .connectTimeout ? .upstreamConnectTimeouts : .upstreamConnectFailures)
        if let waiting = awaiting {
            awaiting = nil
            waiting.connectFailed(failure)
        } else {
            upstreams?.connectFailed(self, failure)
        }
    }

    // MARK: - Events

    override func onEvents(_ events: Events) {
        if phase == .connecting {
            finishConnecting(events)
            if isClosed { return }
        }
        if events.contains(.readable) { isReadable = true }
        if events.contains(.hangup) || events.contains(.error) {
            isHungUp = true
            isReadable = true
        }
        if events.contains(.writable), !pending.isEmpty { sendPending() }
        serve()
    }

    override func onReady() {
        if phase == .connecting { finishConnecting(.writable) }
        if isHeadTooLarge, call != nil { return fail(.headTooLarge) }
        if !pending.isEmpty { sendPending() }
        serve()
    }

    private func serve() {
        guard !isClosed, phase != .connecting else { return }
        consumeInput()
        readTurn()
        worker.flush()
    }

    override func onDeadline() {
        let now = worker.loop.now
        if phase == .connecting {
            if now >= connectDeadline { return failConnecting(CallFailure(kind: .connectTimeout, errno: 110)) }
            return worker.loop.arm(self, deadline: connectDeadline)
        }
        if stalledSince != 0 {
            let limit = stalledSince + UInt64(Limits.writeStallTimeoutMilliseconds)
            if now >= limit {
                worker.metrics.add(.upstreamWriteStalls)
                return fail(.writeStalled)
            }
            worker.loop.arm(self, deadline: limit)
        }
    }

    override func drained() {
        call?.writable()
    }

    override func consume(_ bytes: UnsafeRawBufferPointer) -> Int { consumeAnswer(bytes) }

    // MARK: - Commands

    override func begin(_ call: UpstreamCall, _ head: Head, framing: BodyFraming, end: Bool) -> UInt32 {
        writeHead(call, head, framing: framing, end: end)
        return 0
    }

    override func send(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool { writeData(bytes) }
    override func sendEnd(_ stream: UInt32, trailers: Head?) { writeEnd(trailers: trailers) }

    // MARK: - Ending

    /// Ends with a failure of the call under way, if there is one.
    func fail(_ kind: CallFailure.Kind, errno: Int32 = 0) {
        guard !isClosed else { return }
        let failed = call
        call = nil
        let failure = CallFailure(
            kind: kind, errno: errno, wasReused: served > 0, sentBytes: bytesAccepted)
        phase = .closed
        closeSocket()
        // The call tells the pools, with the cluster that it was counted in.
        if let failed { failed.failed(failure, connection: self) } else { upstreams?.closed(self, ending: nil) }
    }

    override func cancel(_ stream: UInt32) {
        call = nil
        guard !isClosed else { return }
        phase = .closed
        closeSocket()
    }

    override func retire() {
        guard !isClosed else { return }
        phase = .closed
        closeSocket()
    }

    override func pause(_ stream: UInt32) { isPaused = true }

    override func resume(_ stream: UInt32) {
        guard isPaused else { return }
        isPaused = false
        worker.loop.makeReady(self)
    }
}
