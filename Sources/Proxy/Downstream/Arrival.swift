import Loop
import Plan
import TLS
import Telemetry
import Wire

/// A client's connection until it is known what it speaks: its first bytes are looked at where the listener's chains ask for that,
/// TLS is agreed on where the chain ends it, and then the connection that its protocol needs takes over. What is only looked at
/// stays in the socket.
final class Arrival: ServerConnection {
    private enum Phase { case hello, bytes, handshake }

    private var phase = Phase.hello
    private var until: UInt64 = 0
    /// What the handshake is made under.
    private var settings: TLSServerSettings?
    /// Gone: another connection has the socket.
    private var isPassedOn = false

    /// Starts to look: called once, when it was accepted.
    func begin(_ inspection: Inspection) {
        waitForFirstByte(inspection)
        if !inspection.clientHello { phase = .bytes }
        if inspection.isNothing { choose() }
    }

    /// A client that may be waiting for the server to speak first has as long as the mesh says (`protocolDetectionTimeout`); else the
    /// first bytes have to come as soon as a handshake.
    private func waitForFirstByte(_ inspection: Inspection) {
        var limit = Limits.handshakeTimeoutMilliseconds
        if inspection.plainBytes {
            let detection = worker.protocolDetectionTimeoutMilliseconds
            limit = detection > 0 ? detection : Limits.downstreamIdleTimeoutMilliseconds
        }
        until = worker.loop.now + UInt64(limit)
        worker.loop.arm(self, deadline: until)
    }

    /// From the first byte on, everything that decides has to come soon.
    private func hurry() {
        let limit = worker.loop.now + UInt64(Limits.handshakeTimeoutMilliseconds)
        guard limit < until else { return }
        until = limit
        worker.loop.arm(self, deadline: until)
    }

    // MARK: - Events

    override func onEvents(_ events: Events) {
        if events.contains(.readable) { isReadable = true }
        if events.contains(.hangup) || events.contains(.error) {
            isHungUp = true
            isReadable = true
        }
        if events.contains(.writable), !pending.isEmpty { sendPending() }
        proceed()
    }

    override func onReady() { proceed() }

    private func proceed() {
        guard !isClosed, !isPassedOn else { return }
        switch phase {
        case .hello, .bytes: look()
        case .handshake: shakeHands()
        }
        if !isClosed, !isPassedOn { worker.flush() }
    }

    override func onDeadline() {
        guard !isClosed, !isPassedOn else { return }
        guard worker.loop.now >= until else { return worker.loop.arm(self, deadline: until) }
        if phase == .handshake { return refuse(.timedOut) }
        guard isWaitingForServer else { return end() }
        client.facts.application = .other
        choose()
    }

    /// Nothing came yet on a port that takes any protocol: the server is to speak first.
    private var isWaitingForServer: Bool {
        let position = worker.listenerPosition(client.listenerID)
        return position >= 0 && worker.listeners.listeners[position].inspection.plainBytes
    }

    override func drain() { if phase != .handshake { end() } }
    override func abandon() { end() }

    // MARK: - Looking

    private func look() {
        guard isReadable else { return }
        let count = Socket.peek(fd, into: worker.readScratch)
        if count == -Int(Errno.again) {
            isReadable = false
            return
        }
        guard count > 0 else { return end() }
        let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(worker.readScratch)[..<count])
        // More bytes are a new event; what was seen stays.
        isReadable = false
        hurry()
        if phase == .hello, !seesHello(bytes) { return }
        if phase == .bytes, !seesBytes(bytes) { return }
        isReadable = true
        choose()
    }

    /// Whether it is known now what the ClientHello says, or that there is none.
    private func seesHello(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch ClientHello.inspect(bytes) {
        case .needMore:
            if isHungUp { end() }
            return false
        case .notTLS: phase = .bytes
        case .malformed:
            worker.metrics.add(.tlsFault, TLSFault.protocol)
            end()
            return false
        case .hello(let hello):
            client.facts.transport = .tls
            if !hello.serverName.isEmpty { client.facts.serverName = String(decoding: hello.serverName, as: UTF8.self) }
            client.facts.alpn = hello.protocols
            phase = .handshake
        }
        return true
    }

    private func seesBytes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let position = worker.listenerPosition(client.listenerID)
        guard position >= 0, worker.listeners.listeners[position].inspection.plainBytes else { return true }
        switch PlainBytes.inspect(bytes) {
        case .needMore:
            if isHungUp { end() }
            return false
        case .http1, .http2Preface: client.facts.application = .http
        case .other: client.facts.application = .other
        }
        return true
    }

    // MARK: - Choosing

    private func choose() {
        let chain = worker.chain(of: client)
        guard chain >= 0 else {
            worker.metrics.add(.downstreamUnmatched)
            worker.recordConnection(client, flags: .noRoute, details: "filter_chain_not_found")
            return end()
        }
        guard worker.listeners.chains[chain].isTLS else { return passOn(chain) }
        guard let context = worker.listeners.chains[chain].context, let session = TLSSession(server: context, fd: fd)
        else {
            worker.metrics.add(.tlsQuarantined)
            worker.recordConnection(client, flags: .noRoute, details: "tls_certificate_not_available")
            return end()
        }
        tls = session
        settings = context.settings
        phase = .handshake
        isReadable = true
        shakeHands()
    }

    private func shakeHands() {
        guard let tls else { return end() }
        guard worker.mayShakeHands() else { return worker.loop.makeReady(self) }
        while true {
            let step = tls.handshake(output: worker.ciphertext)
            sendCiphertext()
            switch step {
            case .complete:
                worker.metrics.add(.downstreamHandshakes)
                if tls.isResumed { worker.metrics.add(.downstreamResumptions) }
                client.secured(by: tls, under: settings)
                isReadable = true
                return secured()
            case .wantsRead:
                if writeFailed { return refuse(.closed) }
                return
            case .wantsRoom:
                if pending.count > Limits.pendingHighBytes { return refuse(.protocol) }
            case .failed(let fault): return refuse(fault)
            }
        }
    }

    /// The handshake is done, under a generation that may be gone by now.
    private func secured() {
        let chain = worker.servingChain(of: client)
        guard chain >= 0 else {
            worker.metrics.add(.downstreamUnmatched)
            worker.recordConnection(client, flags: .noRoute, details: "filter_chain_not_found")
            return end()
        }
        passOn(chain)
    }

    /// Ends a handshake that failed, and says why.
    private func refuse(_ fault: TLSFault) {
        worker.metrics.add(.tlsFault, fault)
        let position = worker.listenerPosition(client.listenerID)
        if position >= 0 { worker.recordHandshakeFault(client, fault, detail: tls?.detail ?? "") }
        end()
    }

    // MARK: - Passing on

    private func passOn(_ chain: Int) {
        isPassedOn = true
        if worker.listeners.chains[chain].tcpRoute >= 0 {
            worker.replace(self, with: TCPServerConnection(worker: worker, fd: fd, client: client))
        } else if tls?.negotiated == .h2 {
            worker.replace(self, with: HTTP2ServerConnection(worker: worker, fd: fd, client: client))
        } else {
            worker.replace(self, with: HTTP1ServerConnection(worker: worker, fd: fd, client: client))
        }
    }

    private func end() {
        guard !isClosed else { return }
        closeSocket()
        worker.remove(self)
    }
}
