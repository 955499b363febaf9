import Clusters
import HTTP1
import HTTP2
import Loop
import Telemetry
import Wire

/// An HTTP/2 connection to an endpoint: many calls at once, each on a stream of its own.
final class HTTP2ClientConnection: ClientConnection {
    /// A call under way. The worker's table of calls keeps it alive.
    struct Stream {
        // Never an Optional here: Swift 6.3 lays out an Optional around a struct with an `unowned(unsafe)` Optional in two
        // ways, the compiler's and the runtime's, and unoptimised code takes nil for a stream then.
        unowned(unsafe) var call: UpstreamCall
        var isPaused = false
        var uncredited = 0
        var requestEnded = false
        var hasHead = false
        /// An extended CONNECT; 200 opens a tunnel.
        var isConnect = false
        var isTunnel = false
        var answerEnded = false
    }

    let session: HTTP2Session
    var streams = StreamMap<Stream>()
    private let streamsMax: UInt32
    private let keepalive: HTTP2Keepalive?
    private var pingAt = UInt64.max
    private var pongUntil = UInt64.max
    /// Calls whose request could not be sent: told in a turn of their own.
    private var refused: [UpstreamCall] = []

    init(worker: Worker, fd: Int32, upstreams: Upstreams?, streamsMax: UInt32, keepalive: HTTP2Keepalive?) {
        self.streamsMax = streamsMax
        self.keepalive = keepalive
        session = HTTP2Session(
            role: .client,
            settings: HTTP2Settings(
                streamWindowBytes: UInt32(Limits.http2StreamWindowBytes),
                connectionWindowBytes: UInt32(Limits.http2ConnectionWindowBytes)),
            pools: worker.http2, now: worker.loop.now)
        super.init(worker: worker, fd: fd, upstreams: upstreams)
    }

    // MARK: - The base's questions

    override var capacity: UInt32 { min(streamsMax, session.peerConcurrentStreamsMax) }
    override var waitsForGreeting: Bool { true }

    override func opened() {
        scheduleWrite()
        armPing()
    }

    override func serve() {
        tellRefused()
        consumeInput()
        readTurn()
    }

    private func readTurn() {
        var budget = Limits.turnBytesMax
        while isReadable, !isClosed {
            if budget <= 0 { return worker.loop.makeReady(self) }
            let target = readTarget()
            let count = receive(into: target)
            if count <= 0 {
                isReadable = false
                if count != -Int(Errno.again) { ended(Int32(truncatingIfNeeded: -count)) }
                return
            }
            budget -= count
            received(target, count)
        }
    }

    override func consume(_ bytes: UnsafeRawBufferPointer) -> Int {
        _ = session.receive(bytes, now: worker.loop.now)
        takeEvents()
        if !isClosed { scheduleWrite() }
        return bytes.count
    }

    // MARK: - Writing

    func scheduleWrite() { worker.loop.callAtBatchEnd(self) }

    override func onBatchEnd() {
        guard !isClosed, link == .open || link == .greeting else { return }
        session.now = worker.loop.now
        while !isFull {
            let out = claimOutput()
            let hasMore = session.write(to: out)
            flush()
            if isClosed { return }
            if !hasMore { break }
        }
        takeEvents()
        guard !isClosed else { return }
        if session.fault != nil { return fail(.protocolError) }
        if streams.count == 0, session.isClosing, !session.wantsWrite { retireQuietly() }
    }

    override func drained() { scheduleWrite() }
    override func emptied() { scheduleWrite() }

    // MARK: - Time

    private func armPing() {
        guard let keepalive, keepalive.intervalMilliseconds > 0 else { return }
        pingAt = worker.loop.now + UInt64(keepalive.intervalMilliseconds)
        worker.loop.arm(self, deadline: min(deadline, pingAt))
    }

    override func protocolDeadline() {
        let now = worker.loop.now
        if now >= pongUntil {
            worker.metrics.add(.upstreamPingTimeouts)
            return fail(.writeStalled)
        }
        if now >= pingAt, let keepalive {
            session.ping(now)
            scheduleWrite()
            pingAt = .max
            pongUntil = now + UInt64(max(keepalive.timeoutMilliseconds, 1))
        }
        while let (id, since) = session.oldestStalled(), now >= since + UInt64(Limits.writeStallTimeoutMilliseconds) {
            worker.metrics.add(.upstreamWriteStalls)
            failStream(id, .writeStalled, code: .cancel)
        }
        armStalls()
    }

    /// Looks again when a stream's request may have waited for the endpoint's credit for too long.
    func armStalls() {
        var next = min(pingAt, pongUntil)
        if session.hasStalledOutput {
            next = min(next, worker.loop.now + UInt64(Limits.writeStallTimeoutMilliseconds))
        }
        if next < deadline { worker.loop.arm(self, deadline: next) }
    }

    /// Our ping came back.
    func pong() {
        pongUntil = .max
        armPing()
    }

    // MARK: - Commands

    override func begin(_ call: UpstreamCall, _ head: Head, framing: BodyFraming, end: Bool) -> UInt32 {
        served += 1
        let isConnect = head.has(.upgrade)
        guard !isConnect || session.peerEnablesConnectProtocol,
            let id = submit(head, framing: framing, end: end && !isConnect, isConnect: isConnect)
        else {
            refused.append(call)
            worker.loop.makeReady(self)
            return 0
        }
        var stream = Stream(call: call)
        stream.requestEnded = end && !isConnect
        stream.isConnect = isConnect
        streams[id] = stream
        scheduleWrite()
        return id
    }

    private func submit(_ head: Head, framing: BodyFraming, end: Bool, isConnect: Bool) -> UInt32? {
        let length: HTTP2Length =
            switch framing {
            case .none: .asInHead
            case .length(let count): .exactly(count)
            case .chunked, .untilClose: .unknown
            }
        guard isConnect, let asked = head.value(of: .upgrade) else {
            return session.submitRequest(head, length: length, end: end)
        }
        // An Upgrade in HTTP/2's words (RFC 8441); the exchange's head stays as it is, for another attempt.
        let (method, methodSlice) = (head.method, head.methodSlice)
        head.connectProtocol = asked
        head.method = .connect
        head.methodSlice = head.append("CONNECT")
        defer {
            head.connectProtocol = .empty
            head.method = method
            head.methodSlice = methodSlice
        }
        return session.submitRequest(head, length: .unknown, end: false)
    }

    override func send(_ id: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard id != 0 else { return true }
        scheduleWrite()
        let goesOn = session.submitData(id, bytes, end: false)
        if !goesOn { armStalls() }
        return goesOn
    }

    override func sendEnd(_ id: UInt32, trailers: Head?) {
        guard let stream = streams[id], !stream.requestEnded else { return }
        streams.update(id) { $0.requestEnded = true }
        session.submitEnd(id, trailers: trailers)
        scheduleWrite()
        if stream.isTunnel, stream.answerEnded { finish(id, trailers: nil) }
    }

    override func cancel(_ id: UInt32) -> Bool {
        if id == 0 { refused.removeAll { !$0.isOn(self) } }
        streams[id] = nil
        guard !isClosed else { return false }
        if id != 0 { session.reset(id, .cancel) }
        scheduleWrite()
        return true
    }

    override func pause(_ id: UInt32) { streams.update(id) { $0.isPaused = true } }

    override func resume(_ id: UInt32) {
        streams.update(id) { $0.isPaused = false }
        credit(id)
    }

    // MARK: - Ending

    private func tellRefused() {
        guard !refused.isEmpty else { return }
        let calls = refused
        refused.removeAll()
        for call in calls where call.isOn(self) {
            call.failed(CallFailure(kind: .refusedStream), connection: self, remains: .alive)
        }
    }

    /// The endpoint closed or broke the connection.
    private func ended(_ errno: Int32) {
        if streams.count == 0 { worker.metrics.add(.upstreamClosedIdle) }
        fail(.closedBeforeHead, errno: errno)
    }

    /// The connection is over: every call on it fails, and knows how far it had come.
    override func fail(_ kind: CallFailure.Kind, errno: Int32 = 0) {
        guard !isClosed else { return }
        if link == .greeting { return failGreeting(kind, errno: errno) }
        let lost = streams.all.compactMap { id in streams[id] }
        let told = refused
        streams = StreamMap()
        refused = []
        close()
        for stream in lost {
            let own = stream.hasHead && kind == .closedBeforeHead ? .closedMidAnswer : kind
            stream.call.failed(
                CallFailure(kind: own, errno: errno, wasReused: served > 1, sentBytes: true), connection: self,
                remains: .closing)
        }
        for call in told where call.isOn(self) {
            call.failed(CallFailure(kind: .refusedStream), connection: self, remains: .closing)
        }
        upstreams?.closed(self, ending: nil)
    }

    /// Closes an idle connection, with a word to the endpoint.
    override func retire() {
        guard !isClosed else { return }
        if link == .open {
            session.goAway()
            _ = session.write(to: claimOutput())
            flush()
        }
        super.retire()
    }

    /// Nobody needs it any more, and the session is over.
    private func retireQuietly() {
        close()
        upstreams?.closed(self, ending: nil)
    }
}
