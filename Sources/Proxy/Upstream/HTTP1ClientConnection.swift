import HTTP1
import Loop
import Telemetry
import Wire

/// An HTTP/1.1 connection to an endpoint: idle in its pool, or busy with one call.
final class HTTP1ClientConnection: ClientConnection {
    enum Phase: UInt8 {
        case idle, head, body
        /// The protocol was changed: bytes pass both ways until both sides ended.
        case tunnel
    }

    var phase = Phase.idle
    /// The call under way. The worker's table of calls keeps it alive.
    unowned(unsafe) var call: UpstreamCall?

    // MARK: The request under way

    var requestFraming = BodyFraming.none
    var requestEnded = false
    /// The request asks to change the protocol.
    var asksUpgrade = false
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
    /// In a tunnel: the endpoint ended its half.
    var answerEnded = false

    override func serve() {
        if isHeadTooLarge, call != nil { return fail(.headTooLarge) }
        // In a tunnel whose endpoint has ended its half no read will tell.
        if phase == .tunnel, answerEnded, writeFailed { return fail(.closedMidAnswer) }
        consumeInput()
        readTurn()
    }

    override func drained() {
        call?.writable()
    }

    override func emptied() {
        if phase == .tunnel, requestEnded { tunnelRequestLeft() }
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
    override func fail(_ kind: CallFailure.Kind, errno: Int32 = 0) {
        guard !isClosed else { return }
        let failed = call
        call = nil
        let failure = CallFailure(
            kind: kind, errno: errno, wasReused: served > 0, sentBytes: bytesAccepted)
        close()
        // The call tells the pools, with the cluster that it was counted in.
        if let failed { failed.failed(failure, connection: self) } else { upstreams?.closed(self, ending: nil) }
    }

    override func cancel(_ stream: UInt32) -> Bool {
        call = nil
        if !isClosed { close() }
        return false
    }

    override func pause(_ stream: UInt32) { isPaused = true }

    override func resume(_ stream: UInt32) {
        guard isPaused else { return }
        isPaused = false
        worker.loop.makeReady(self)
    }
}
