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

    // MARK: The answer under way

    var answerFraming = BodyFraming.none
    var bodyLeft: UInt64 = 0
    var chunks = ChunkedReader()
    var persists = true
    var isPaused = false
    var answerBytesSeen = false

    /// Answers that it has carried.
    var answered = 0
    var connectDeadline: UInt64 = 0

    // MARK: - Connecting

    /// Registers with the loop. `isConnected` is false while the connect is in progress.
    func start(isConnected: Bool, timeoutMilliseconds: Int) -> Bool {
        guard worker.loop.register(self, fd: fd) else { return false }
        if isConnected {
            phase = .idle
        } else {
            connectDeadline = worker.loop.now + UInt64(timeoutMilliseconds)
            worker.loop.arm(self, deadline: connectDeadline)
        }
        return true
    }

    private func finishConnecting(_ events: Events) {
        let error = Socket.pendingError(fd)
        guard error == 0, !events.contains(.error) else {
            return failConnecting(CallFailure(kind: .connectFailure, errno: Int32(error)))
        }
        guard events.contains(.writable) else { return }
        phase = .idle
        if let waiting = awaiting {
            awaiting = nil
            waiting.connected(self)
        } else {
            pool?.connected(self)
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
            pool?.connectFailed(self, failure)
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
                worker.metrics.add(.writeStalls)
                return fail(.writeStalled)
            }
            worker.loop.arm(self, deadline: limit)
        }
    }

    override func drained() {
        call?.writable()
    }

    // MARK: - Ending

    /// Ends with a failure of the call under way, if there is one.
    func fail(_ kind: CallFailure.Kind, errno: Int32 = 0) {
        guard !isClosed else { return }
        let failed = call
        call = nil
        let failure = CallFailure(
            kind: kind, errno: errno, wasReused: answered > 0, sentBytes: requestBytesLeft)
        phase = .closed
        closeSocket()
        pool?.closed(self)
        failed?.failed(failure)
    }

    /// Whether bytes of the request under way may have reached the endpoint.
    private var requestBytesLeft: Bool { bytesAccepted }
    var bytesAccepted = false

    override func cancel(_ stream: UInt32) {
        call = nil
        guard !isClosed else { return }
        phase = .closed
        closeSocket()
        pool?.closed(self)
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
