import HTTP1
import HTTP2
import Loop
import Telemetry
import Wire

/// A client that speaks HTTP/2: streams, each an exchange. What exchanges say in a turn is framed and sent at its end.
///
/// A request's bytes are credited to the client when its exchange took them; an exchange that pauses keeps the credit back, so a slow
/// endpoint slows its own stream only.
final class HTTP2ServerConnection: ServerConnection {
    /// A request under way.
    struct Stream {
        /// Nil: its exchange is over, and the rest of the request is of no use.
        var exchange: Exchange?
        /// Bytes that the client has no credit for yet.
        var uncredited = 0
        var isPaused = false
        /// An extended CONNECT: 200 opens a tunnel.
        var isConnect = false
        var isTunnel = false
        /// Its client ended its half before there was a tunnel.
        var endsTunnel = false
        /// Bytes that came after the exchange's end, and when that was.
        var swallowedBytes = 0
        var answeredAt: UInt64 = 0
    }

    let session: HTTP2Session
    var streams = StreamMap<Stream>()
    /// The request that changed the protocol (`Upgrade: h2c`): stream 1, complete.
    var upgraded: Exchange?
    /// When the last stream ended.
    private var idleSince: UInt64 = 0
    private var hasServed = false
    private var isDraining = false
    /// When the last GOAWAY is due, after the first.
    private var goodbyeAt = UInt64.max
    /// When to look for streams that were answered and that the client does not end.
    private var unfinishedUntil = UInt64.max
    /// The connection ends as soon as nothing is pending.
    private var closesWhenEmpty = false
    /// The last word was sent: what still comes is swallowed, so that the client can read it.
    private var lingersUntil: UInt64 = 0
    private var lingeredBytes = 0
    /// Tunnels that opened after their client had ended its half.
    var endedTunnels: [UInt32] = []

    override init(worker: Worker, fd: Int32, client: Client) {
        session = HTTP2Session(
            role: .server,
            settings: HTTP2Settings(
                concurrentStreamsMax: UInt32(Limits.http2StreamsMax),
                streamWindowBytes: UInt32(Limits.http2StreamWindowBytes),
                connectionWindowBytes: UInt32(Limits.http2ConnectionWindowBytes)),
            pools: worker.http2, now: worker.loop.now)
        super.init(worker: worker, fd: fd, client: client)
    }

    override func begin() {
        idleSince = worker.loop.now
        worker.metrics.add(.downstreamHTTP2Connections)
        armDeadline()
        scheduleWrite()
        worker.loop.makeReady(self)
        if let running = upgraded {
            upgraded = nil
            begin(running, stream: 1, end: true, length: nil)
        }
        if worker.isDraining { drain() }
    }

    // MARK: - Events

    override func onEvents(_ events: Events) {
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
        guard !isClosed else { return }
        consumeInput()
        readTurn()
        if !isClosed { worker.flush() }
    }

    private func readTurn() {
        var budget = Limits.turnBytesMax
        while isReadable, !isFull, !isClosed, !closesWhenEmpty {
            if lingersUntil != 0 { return swallowInput() }
            if budget <= 0 { return worker.loop.makeReady(self) }
            let target = readTarget()
            let count = receive(into: target)
            if count <= 0 {
                isReadable = false
                if count != -Int(Errno.again) { abort(.disconnected) }
                return
            }
            budget -= count
            received(target, count)
        }
    }

    /// Reads and forgets, within bounds.
    private func swallowInput() {
        while isReadable, !isClosed {
            let count = receive(into: worker.readScratch)
            if count <= 0 {
                isReadable = false
                if count != -Int(Errno.again) { end() }
                return
            }
            lingeredBytes += count
            if lingeredBytes > Limits.lingerBytesMax { return end() }
        }
    }

    override func consume(_ bytes: UnsafeRawBufferPointer) -> Int {
        if lingersUntil != 0 || closesWhenEmpty { return bytes.count }
        _ = session.receive(bytes, now: worker.loop.now)
        takeEvents()
        if !isClosed { scheduleWrite() }
        return bytes.count
    }

    // MARK: - Writing

    /// Has what the session wants to say framed and sent when this turn ends.
    func scheduleWrite() { worker.loop.callAtBatchEnd(self) }

    override func onBatchEnd() {
        guard !isClosed, lingersUntil == 0 else { return }
        session.now = worker.loop.now
        while let id = endedTunnels.popLast() { streams[id]?.exchange?.requestEnd(trailers: nil) }
        while !isFull {
            let out = claimOutput()
            let hasMore = session.write(to: out)
            flush()
            if isClosed { return }
            if !hasMore { break }
        }
        takeEvents()
        guard !isClosed else { return }
        if let fault = session.fault {
            worker.metrics.add(.http2Fault, fault)
            resetAll(.malformed)
            endWhenEmpty()
        } else if !session.wantsRead, !session.wantsWrite {
            endWhenEmpty()
        } else {
            armDeadline()
        }
    }

    override func drained() { scheduleWrite() }

    override func emptied() {
        if closesWhenEmpty { linger() } else { scheduleWrite() }
    }

    override func flushStream() {}

    // MARK: - Time

    override func onDeadline() {
        guard !isClosed else { return }
        let now = worker.loop.now
        if lingersUntil != 0 {
            return now >= lingersUntil ? end() : worker.loop.arm(self, deadline: lingersUntil)
        }
        if stalledSince != 0, now >= stalledSince + UInt64(Limits.writeStallTimeoutMilliseconds) {
            worker.metrics.add(.downstreamWriteStalls)
            return abort(.timedOut)
        }
        if now >= goodbyeAt {
            goodbyeAt = .max
            session.goAway()
            scheduleWrite()
        }
        resetStalledStreams(now)
        if now >= unfinishedUntil { resetUnfinishedStreams(now) }
        if streams.count == 0, now >= idleDeadline {
            worker.metrics.add(.downstreamIdleTimeouts)
            // Not even a head that was begun holds it open.
            session.terminate(.noError)
            goodbyeAt = .max
            scheduleWrite()
            idleSince = now
        }
        armDeadline()
    }

    /// Ends streams whose client grants no credit for their answers.
    private func resetStalledStreams(_ now: UInt64) {
        while let (id, since) = session.oldestStalled(), now >= since + UInt64(Limits.writeStallTimeoutMilliseconds) {
            worker.metrics.add(.downstreamWriteStalls)
            let running = streams[id]?.exchange
            streams.update(id) { $0.exchange = nil }
            session.reset(id, .cancel)
            running?.requestReset(.timedOut)
            scheduleWrite()
        }
    }

    /// Notes that a stream was answered. What the client still sends on it is swallowed for a moment, and then the stream ends.
    func answered(_ id: UInt32) {
        let now = worker.loop.now
        streams.update(id) { $0.answeredAt = now }
        guard unfinishedUntil == .max, session.isUnfinished(id) else { return }
        unfinishedUntil = now + UInt64(Limits.lingerTimeoutMilliseconds)
        armDeadline()
    }

    private func resetUnfinishedStreams(_ now: UInt64) {
        unfinishedUntil = .max
        for id in streams.all {
            guard let stream = streams[id], stream.exchange == nil, session.isUnfinished(id) else { continue }
            let end = stream.answeredAt + UInt64(Limits.lingerTimeoutMilliseconds)
            if now >= end, session.hasSentAll(id) {
                session.reset(id, .noError)
                scheduleWrite()
            } else {
                unfinishedUntil = min(unfinishedUntil, max(end, now + UInt64(Limits.lingerTimeoutMilliseconds)))
            }
        }
    }

    private var idleDeadline: UInt64 {
        if closesWhenEmpty { return idleSince + UInt64(Limits.lingerTimeoutMilliseconds) }
        return idleSince
            + UInt64(hasServed ? Limits.downstreamIdleTimeoutMilliseconds : Limits.headTimeoutMilliseconds)
    }

    private func armDeadline() {
        var next = min(min(goodbyeAt, unfinishedUntil), streams.count == 0 ? idleDeadline : .max)
        if stalledSince != 0 { next = min(next, stalledSince + UInt64(Limits.writeStallTimeoutMilliseconds)) }
        if session.hasStalledOutput {
            next = min(next, worker.loop.now + UInt64(Limits.writeStallTimeoutMilliseconds))
        }
        worker.loop.arm(self, deadline: next)
    }

    /// A stream is over.
    func streamEnded() {
        hasServed = true
        if streams.count == 0 { idleSince = worker.loop.now }
    }

    // MARK: - Commands

    override func sendInformational(_ stream: UInt32, _ head: Head) {
        // One more or less is no loss; a flood of them to a client that reads none would be.
        guard !isFull else { return }
        session.submitInformational(stream, head)
        scheduleWrite()
    }

    override func sendHead(_ stream: UInt32, _ head: Head, framing: BodyFraming, end: Bool) {
        submitHead(stream, head, framing: framing, end: end)
    }

    override func sendData(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer, end: Bool) -> Bool {
        scheduleWrite()
        return session.submitData(stream, bytes, end: end) || end
    }

    override func sendEnd(_ stream: UInt32, trailers: Head?) {
        session.submitEnd(stream, trailers: trailers)
        scheduleWrite()
    }

    override func reset(_ stream: UInt32, _ reason: ResetReason) {
        streams.update(stream) { $0.exchange = nil }
        session.reset(stream, reason == .timedOut ? .cancel : .internalError)
        scheduleWrite()
    }

    override func pause(_ stream: UInt32) { streams.update(stream) { $0.isPaused = true } }

    override func resume(_ stream: UInt32) {
        streams.update(stream) { $0.isPaused = false }
        credit(stream)
    }

    override func exchangeEnded(_ stream: UInt32) {
        streams.update(stream) {
            $0.exchange = nil
            $0.isPaused = false
        }
        credit(stream)
        answered(stream)
    }

    // MARK: - Ending

    /// Says goodbye in two steps: what the client sent before it heard is still served.
    override func drain() {
        guard !isDraining, !isClosed else { return }
        isDraining = true
        session.shutdownNotice()
        goodbyeAt = worker.loop.now + UInt64(Limits.drainGraceMilliseconds)
        armDeadline()
        scheduleWrite()
    }

    override func abandon() { abort(.aborted) }

    /// Ends at once, telling the exchanges.
    func abort(_ reason: ResetReason) {
        resetAll(reason)
        end()
    }

    private func resetAll(_ reason: ResetReason) {
        for id in streams.all {
            guard let running = streams[id]?.exchange else { continue }
            streams.update(id) { $0.exchange = nil }
            running.requestReset(reason)
        }
    }

    private func end() {
        guard !isClosed else { return }
        closeSocket()
        worker.remove(self)
    }

    private func endWhenEmpty() {
        if writeFailed || isHungUp { return end() }
        if pending.isEmpty { linger() } else { closesWhenEmpty = true }
    }

    /// Ends our half, and waits a moment for the client to end its own.
    private func linger() {
        guard lingersUntil == 0, !isClosed else { return }
        closesWhenEmpty = false
        endSending()
        lingersUntil = worker.loop.now + UInt64(Limits.lingerTimeoutMilliseconds)
        worker.loop.arm(self, deadline: lingersUntil)
        isReadable = true
        worker.loop.makeReady(self)
    }
}
