import HTTP1
import Loop
import Telemetry
import Wire

/// A client that speaks HTTP/1: requests one after another, each an exchange.
final class HTTP1ServerConnection: ServerConnection {
    enum Phase: UInt8 {
        /// Waiting for a request's head, or in the middle of it.
        case head
        /// The head went to the exchange, its body is being read.
        case body
        /// The request is complete, its answer is not.
        case answering
        /// The protocol was changed: bytes pass both ways.
        case tunnel
        /// An early answer was sent: swallow what still comes, then close.
        case lingering
    }

    var phase = Phase.head
    var exchange: Exchange?

    // MARK: The request under way

    var bodyFraming = BodyFraming.none
    var bodyLeft: UInt64 = 0
    var chunks = ChunkedReader()
    var isPaused = false
    /// When a byte of the request's body or of the answer last moved, monotonic milliseconds.
    var movedAt: UInt64 = 0
    /// In a tunnel: the client ended its half.
    var inputEnded = false
    /// When the first byte of a head that is not complete yet arrived; 0: none did.
    var headSince: UInt64 = 0

    // MARK: The answer under way

    var minorVersion: UInt8 = 1
    var method = Method.get
    var persists = true
    var answerFraming = BodyFraming.none
    var answerStarted = false
    var answerEnded = false
    var closesAfterAnswer = false
    /// The connection ends as soon as nothing is pending.
    var closesWhenEmpty = false
    /// Who serves the socket from now on, as the client speaks HTTP/2.
    var successor: HTTP2ServerConnection?
    /// The answer was cut short.
    var breaksAtEnd = false
    var isDraining = false
    /// Both halves are gone: nobody will read an answer.
    var isBroken = false
    var lingeredBytes = 0
    var lingerUntil: UInt64 = 0

    // MARK: - Events

    override func onEvents(_ events: Events) {
        if events.contains(.readable) { isReadable = true }
        if events.contains(.hangup) || events.contains(.error) {
            isHungUp = true
            isReadable = true
            // A tunnel's halves may both have ended in peace (EPOLLHUP).
            if events.contains(.error), Socket.pendingError(fd) != 0 { isBroken = true }
        }
        if events.contains(.writable), !pending.isEmpty { sendPending() }
        serve()
    }

    override func onReady() {
        if !pending.isEmpty { sendPending() }
        serve()
    }

    /// One turn: what waits is consumed, then the socket is read, within the turn's budget.
    func serve() {
        guard !isClosed else { return }
        consumeInput()
        readTurn()
        if !isClosed { worker.flush() }
        if successor != nil { handOver() }
    }

    override func onDeadline() {
        let now = worker.loop.now
        if stalledSince != 0, now >= stalledSince + UInt64(Limits.writeStallTimeoutMilliseconds) {
            worker.metrics.add(.downstreamWriteStalls)
            return abort(.timedOut)
        }
        if phase == .lingering {
            if now >= lingerUntil { return end() }
        } else if phase == .head, headSince != 0 {
            if now >= headSince + UInt64(Limits.headTimeoutMilliseconds) {
                worker.metrics.add(.downstreamHeadTimeouts)
                return refuse(status: 408, sentence: "request header timeout")
            }
        } else if phase == .head, now >= idleSince + idleTimeoutMilliseconds {
            return end()
        } else if now >= streamDeadline {
            return streamTimedOut()
        }
        armDeadline()
    }

    /// When the connection last became idle.
    var idleSince: UInt64 = 0
    /// It carried an answer.
    var hasAnswered = false

    private var idleTimeoutMilliseconds: UInt64 {
        UInt64(isDraining ? Limits.drainGraceMilliseconds : Limits.downstreamIdleTimeoutMilliseconds)
    }

    /// The one deadline that its state calls for.
    func armDeadline() {
        var next = UInt64.max
        switch phase {
        case .head:
            next =
                headSince != 0
                ? headSince + UInt64(Limits.headTimeoutMilliseconds)
                : idleSince + idleTimeoutMilliseconds
        case .lingering: next = lingerUntil
        case .body, .answering, .tunnel: next = streamDeadline
        }
        if stalledSince != 0 { next = min(next, stalledSince + UInt64(Limits.writeStallTimeoutMilliseconds)) }
        worker.loop.arm(self, deadline: next)
    }

    override func begin() {
        idleSince = worker.loop.now
        armDeadline()
        if isReadable || input != nil { worker.loop.makeReady(self) }
    }

    override func consume(_ bytes: UnsafeRawBufferPointer) -> Int { consumeRequest(bytes) }

    // MARK: - Commands

    override func sendInformational(_ stream: UInt32, _ head: Head) { writeInformational(head) }

    override func sendHead(_ stream: UInt32, _ head: Head, framing: BodyFraming, end: Bool) {
        writeHead(head, framing: framing, end: end)
    }

    override func sendData(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer, end: Bool) -> Bool {
        writeData(bytes, end: end)
    }

    override func sendEnd(_ stream: UInt32, trailers: Head?) { writeEnd(trailers: trailers) }

    override func reset(_ stream: UInt32, _ reason: ResetReason) {
        exchange = nil
        answerEnded = true
        // A body that ends early must not look complete: what was sent leaves, then the connection breaks.
        breaksAtEnd = true
        endWhenEmpty()
    }

    override func pause(_ stream: UInt32) { isPaused = true }

    override func resume(_ stream: UInt32) {
        guard isPaused else { return }
        isPaused = false
        // It was not the client's turn until now.
        moved()
        armDeadline()
        worker.loop.makeReady(self)
    }

    override func exchangeEnded(_ stream: UInt32) { finishExchange() }

    // MARK: - Ending

    /// Ends a connection that is idle between requests. One that has just come is about to send its first: it has a moment.
    override func drain() {
        isDraining = true
        guard phase == .head, headSince == 0, exchange == nil else { return }
        if hasAnswered { return endWhenEmpty() }
        idleSince = worker.loop.now
        armDeadline()
    }

    override func abandon() { abort(.aborted) }

    /// Ends at once, telling the exchange.
    func abort(_ reason: ResetReason) {
        if let running = exchange, !answerEnded || phase == .tunnel {
            exchange = nil
            running.requestReset(reason)
        }
        end()
    }

    func end() {
        guard !isClosed else { return }
        closeSocket(withReset: breaksAtEnd && answerFraming == .untilClose)
        worker.remove(self)
    }

    func endWhenEmpty() {
        flush()
        if pending.isEmpty || writeFailed { end() } else { closesWhenEmpty = true }
    }

    override func emptied() {
        if closesWhenEmpty {
            end()
        } else if phase == .lingering {
            beginLinger()
        } else if phase == .tunnel, answerEnded {
            endSending()
        }
    }

    override func drained() {
        exchange?.downstreamDrained()
    }
}
