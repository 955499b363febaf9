import Clusters
import HTTP1
import Loop
import TLS
import Telemetry
import Wire

/// A connection to an endpoint as calls see it: streams with commands. HTTP/1 has one stream at a time, HTTP/2 many, raw bytes one
/// for the connection's life. Connecting is the same for all and lives here.
package class ClientConnection: Connection {
    enum Link: UInt8 { case connecting, securing, greeting, open, closed }

    final var link = Link.connecting
    /// The worker's pools, nil for a connection outside any (passthrough).
    final let upstreams: Upstreams?
    /// The pools' number for this connection, its endpoint's slot, and the cluster that it was opened for.
    final var handle: UInt32 = 0
    final var endpointSlot: Int32 = -1
    final var cluster: ClusterRecord?
    /// The number that the pools tell connections of one endpoint by.
    final var variant: UInt32 = 0
    /// Requests that it carried.
    final var served = 0
    /// A connection outside any pool tells this call when it is connected.
    unowned(unsafe) final var awaiting: UpstreamCall?
    private final var connectDeadline: UInt64 = 0

    init(worker: Worker, fd: Int32, upstreams: Upstreams?) {
        self.upstreams = upstreams
        super.init(worker: worker, fd: fd)
        isUpstream = true
    }

    // MARK: - For subclasses

    /// Requests that it takes at once, asked when it is connected.
    var capacity: UInt32 { 1 }
    /// Whether the endpoint has to say something before the first request: HTTP/2's SETTINGS, which limit requests.
    var waitsForGreeting: Bool { false }
    /// The connection is established; called before anybody gets it.
    func opened() {}
    /// Reads and serves what the socket has.
    func serve() {}
    /// What was connected broke or has to end, with this failure for every call on it.
    func fail(_ kind: CallFailure.Kind, errno: Int32 = 0) {}
    /// A deadline of the protocol's own; the base has looked after connecting and stalls.
    func protocolDeadline() {}

    /// Sends a request's head; the answer goes to `call`. Returns the stream.
    func begin(_ call: UpstreamCall, _ head: Head, framing: BodyFraming, end: Bool) -> UInt32 { 0 }
    /// Sends a part of the body. False: pause until `CallOwner.callWritable`.
    func send(_ stream: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool { true }
    /// Ends the request.
    func sendEnd(_ stream: UInt32, trailers: Head?) {}
    /// The caller wants no more of the answer. True: the connection goes on without this stream.
    func cancel(_ stream: UInt32) -> Bool { false }
    /// No more of the answer's body until `resume`.
    func pause(_ stream: UInt32) {}
    func resume(_ stream: UInt32) {}

    // MARK: - Connecting

    /// Registers with the loop; whoever waits hears when the connect is through, or failed.
    final func start(timeoutMilliseconds: Int) -> Bool {
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
        guard events.contains(.writable), link == .connecting else { return }
        guard tls != nil else { return open() }
        link = .securing
        isReadable = true
        shakeHands()
    }

    /// Goes on with the TLS handshake, for which the connect's time counts as well.
    private func shakeHands() {
        guard let tls, link == .securing else { return }
        guard worker.mayShakeHands() else { return worker.loop.makeReady(self) }
        while true {
            let step = tls.handshake(output: worker.ciphertext)
            sendCiphertext()
            switch step {
            case .complete:
                worker.metrics.add(.upstreamHandshakes)
                if tls.isResumed { worker.metrics.add(.upstreamResumptions) }
                return open()
            case .wantsRead:
                if writeFailed { failSecuring(.closed) }
                return
            case .wantsRoom:
                if pending.count > Limits.pendingHighBytes { return failSecuring(.protocol) }
            case .failed(let fault): return failSecuring(fault)
            }
        }
    }

    private func failSecuring(_ fault: TLSFault) {
        worker.metrics.add(.upstreamTLSFault, fault)
        failConnecting(CallFailure(kind: .tlsFailure, tlsFault: fault))
    }

    private func open() {
        link = waitsForGreeting ? .greeting : .open
        isReadable = true
        opened()
        if link == .greeting { serve() } else { ready() }
    }

    /// The endpoint said its first word.
    final func greeted() {
        guard link == .greeting else { return }
        link = .open
        ready()
    }

    /// The endpoint ended the connection, or broke the protocol, before its first word.
    final func failGreeting(_ kind: CallFailure.Kind, errno: Int32) {
        failConnecting(CallFailure(kind: kind == .protocolError ? .protocolError : .connectFailure, errno: errno))
    }

    private func ready() {
        if let waiting = awaiting {
            awaiting = nil
            waiting.connected(self)
        } else {
            upstreams?.connected(self)
        }
    }

    private func failConnecting(_ failure: CallFailure) {
        close()
        worker.metrics.add(failure.kind == .connectTimeout ? .upstreamConnectTimeouts : .upstreamConnectFailures)
        if let waiting = awaiting {
            awaiting = nil
            waiting.connectFailed(failure)
        } else {
            upstreams?.connectFailed(self, failure)
        }
    }

    // MARK: - Events

    override package final func onEvents(_ events: Events) {
        if link == .connecting {
            finishConnecting(events)
            if isClosed { return }
        }
        if link == .securing {
            if !pending.isEmpty { sendPending() }
            shakeHands()
            if isClosed { return }
        }
        if events.contains(.readable) { isReadable = true }
        if events.contains(.hangup) || events.contains(.error) {
            isHungUp = true
            isReadable = true
        }
        if events.contains(.writable), !pending.isEmpty { sendPending() }
        serveTurn()
    }

    override package final func onReady() {
        if link == .connecting { finishConnecting(.writable) }
        if link == .securing { shakeHands() }
        if !pending.isEmpty { sendPending() }
        serveTurn()
    }

    private func serveTurn() {
        guard !isClosed, link == .open || link == .greeting else { return }
        serve()
        worker.flush()
    }

    override package final func onDeadline() {
        let now = worker.loop.now
        if link == .connecting || link == .securing || link == .greeting {
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
        protocolDeadline()
        if !isClosed { worker.flush() }
    }

    // MARK: - Ending

    /// Closes the socket; nobody is told.
    final func close() {
        link = .closed
        closeSocket()
    }

    /// Closes an idle connection.
    func retire() {
        guard !isClosed else { return }
        close()
    }
}
