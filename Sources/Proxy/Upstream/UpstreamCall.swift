import Clusters
import HTTP1
import Loop
import Plan
import TLS
import Telemetry
import Wire

/// One request to a cluster: chooses an endpoint, leases a connection, sends, and tells its owner of the answer. It needs no
/// downstream: exchanges, mirror copies and whoever else wants an answer use the same.
///
/// A call is reused: after its end or failure it may be started again (a retry), keeping the list of hosts tried.
package final class UpstreamCall {
    package enum State: UInt8 { case idle, waiting, active }

    let worker: Worker
    /// Set before it is started.
    unowned(unsafe) var owner: CallOwner!
    /// Its place in the worker's table of calls: the name that pools know it by.
    let id: UInt32
    private(set) var state = State.idle

    unowned(unsafe) private(set) var use: GenerationUse?
    /// The cluster of the attempt, set by `start`.
    private(set) var cluster: ClusterRecord?
    /// Position of the cluster and of the chosen endpoint in the generation's table; -1: none.
    private(set) var clusterIndex = -1
    private(set) var endpointIndex = -1
    private(set) var endpointSlot: Int32 = -1
    private var connection: ClientConnection?
    private var stream: UInt32 = 0
    /// The request, held by the owner.
    unowned(unsafe) private var head: Head?
    private var framing = BodyFraming.none
    private var endsWithHead = false
    /// What its connection has to speak.
    private(set) var speaks = CallProtocol.http1
    /// The number that pools tell its connections by; see `CallProtocol`.
    private(set) var variant: UInt32 = 0
    /// Endpoints that this request was sent to.
    var tried = TriedHosts()
    /// Its failures count against the endpoint (a mirror's do not).
    var isObserved = true

    init(worker: Worker, id: UInt32) {
        self.worker = worker
        self.id = id
    }

    // MARK: - Starting

    /// Starts an attempt. Returns a failure that is known at once; otherwise the owner hears of everything later, or has heard of
    /// `callReady` already.
    func start(
        cluster index: Int, of use: GenerationUse, head: Head, framing: BodyFraming, end: Bool, avoidTried: Bool,
        isRaw: Bool = false
    ) -> CallFailure? {
        assert(state == .idle, "a call makes one attempt at a time")
        self.use = use
        clusterIndex = index
        let cluster = use.clusters.cluster(index)
        self.cluster = cluster
        self.head = head
        self.framing = framing
        endsWithHead = end
        let picked = worker.pick(cluster, use.clusters, excluding: avoidTried ? tried : TriedHosts())
        guard picked >= 0 else { return CallFailure(kind: .noHealthyUpstream) }
        endpointIndex = picked
        let endpoint = use.clusters.endpoint(picked)
        endpointSlot = endpoint.slot
        tried.insert(endpoint.slot)
        speaks = isRaw ? .raw : CallProtocol(cluster: cluster, head: head)
        variant = speaks.variant(in: cluster, head: head)
        if needsTLS, use.clientContext(index) == nil {
            worker.metrics.add(.tlsQuarantined)
            endpointSlot = -1
            return CallFailure(kind: .tlsQuarantined)
        }
        if isRaw, cluster.flags.contains(.limitsConnections),
            worker.board.count(.connections, cluster.slot) >= Int(cluster.connectionsMax)
        {
            // Envoy's rule: bytes wait for no other connection's end, which may never come.
            worker.metrics.add(.upstreamOverflows)
            endpointSlot = -1
            return CallFailure(kind: .overflow)
        }
        worker.metrics.add(.upstreamRequests)
        state = .waiting
        worker.metrics.add(.upstreamRequestsActive)
        switch worker.upstreams.lease(self, endpoint: endpoint, cluster: cluster) {
        case .connection(let connection): attach(connection)
        case .waiting: break
        case .refused:
            conclude()
            return CallFailure(kind: .overflow)
        }
        return nil
    }

    /// Starts an attempt to an address outside any cluster, on a connection of its own.
    func start(
        address: SocketAddress, head: Head, framing: BodyFraming, end: Bool, isRaw: Bool = false
    ) -> CallFailure? {
        speaks = isRaw ? .raw : head.isHTTP2 ? .http2 : .http1
        variant = 0
        self.head = head
        self.framing = framing
        endsWithHead = end
        clusterIndex = -1
        endpointIndex = -1
        endpointSlot = -1
        if worker.isOwnListener(address) { return CallFailure(kind: .loop) }
        worker.metrics.add(.upstreamRequests)
        worker.metrics.add(.upstreamConnects)
        let fd: Int32
        switch Socket.connect(address) {
        case .connected(let socket), .inProgress(let socket): fd = socket
        case .failure(let errno): return CallFailure(kind: .connectFailure, errno: errno)
        }
        let own = makeConnection(fd, upstreams: nil)
        guard own.start(timeoutMilliseconds: Limits.connectTimeoutMilliseconds) else {
            _ = Socket.close(fd)
            return CallFailure(kind: .connectFailure)
        }
        state = .waiting
        worker.metrics.add(.upstreamRequestsActive)
        own.awaiting = self
        connection = own
        return nil
    }

    /// A connection of the kind that the call needs.
    func makeConnection(_ fd: Int32, upstreams: Upstreams?) -> ClientConnection {
        switch speaks {
        case .http1: HTTP1ClientConnection(worker: worker, fd: fd, upstreams: upstreams)
        case .http2:
            HTTP2ClientConnection(
                worker: worker, fd: fd, upstreams: upstreams,
                streamsMax: cluster?.streamsMax ?? UInt32(Limits.http2UpstreamStreamsMax),
                keepalive: use.flatMap { $0.clusters.specs[clusterIndex].http2Keepalive })
        case .raw: RawClientConnection(worker: worker, fd: fd, upstreams: upstreams)
        }
    }

    /// Whether nothing may be sent to the endpoint but in TLS.
    var needsTLS: Bool {
        guard let cluster, cluster.flags.contains(.usesTLS), endpointIndex >= 0, let use else { return false }
        return !use.clusters.endpoint(endpointIndex).flags.contains(.isPlain)
    }

    /// TLS as the cluster asks for it; nil: it cannot be had.
    func makeTLS(_ fd: Int32) -> TLSSession? {
        guard let use, let context = use.clientContext(clusterIndex) else { return nil }
        var name: String?
        switch context.settings.serverName {
        case .fixed(let fixed): name = fixed
        case .ofRequest:
            if let head {
                let authority = head.bytes(head.authority)
                let host = UnsafeRawBufferPointer(rebasing: authority[..<Authority.hostLength(authority)])
                name = String(decoding: host, as: UTF8.self).trimmingBrackets
            }
        case .none: break
        }
        let session = TLSSession(client: context, fd: fd, serverName: name, sessionCache: worker.tlsSessions)
        // A settings' list is that of the cluster's usual protocol; a connection offers what it will carry.
        let isUsual = cluster.map { $0.speaks == .http2 } ?? false
        switch speaks {
        case .raw: if context.settings.isMesh { _ = session?.offer(MeshALPN.tcp) }
        case .http2 where !isUsual: _ = session?.offer(context.settings.isMesh ? MeshALPN.http2 : ["h2"])
        case .http1, .http2: break
        }
        return session
    }

    /// A connection outside any pool is ready.
    func connected(_ connection: ClientConnection) { attach(connection) }

    /// A pool gives the connection that this call waited for.
    func leased(_ connection: ClientConnection) {
        guard state == .waiting else { return }
        attach(connection)
    }

    private func attach(_ connection: ClientConnection) {
        guard let head else { return }
        state = .active
        self.connection = connection
        stream = connection.begin(self, head, framing: framing, end: endsWithHead)
        owner.callReady(self)
    }

    /// The connection that this call waited for could not be made.
    func connectFailed(_ failure: CallFailure) {
        guard state == .waiting else { return }
        if failure.kind == .connectFailure { tell(.connectFailed) }
        if failure.kind == .connectTimeout { tell(.connectTimedOut) }
        conclude()
        owner.callFailed(self, failure)
    }

    // MARK: - The request's body

    /// Whether the head left and the body may follow.
    var isActive: Bool { state == .active }

    /// Sends a part of the body. False: pause until `callWritable`.
    func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let connection else { return true }
        return connection.send(stream, bytes)
    }

    func sendEnd(trailers: Head?) { connection?.sendEnd(stream, trailers: trailers) }

    func writable() { owner.callWritable(self) }

    /// Sends what gathered.
    func flush() { connection?.flush() }

    // MARK: - The answer

    func pauseAnswer() { connection?.pause(stream) }
    func resumeAnswer() { connection?.resume(stream) }

    func received(_ head: Head, framing: BodyFraming, end: Bool) {
        tell(.answered(status: Int(head.status)))
        owner.callHead(self, head, framing: framing, end: end)
    }

    /// The answer is complete; `connection` is idle, or closed when it cannot be used again.
    func ended(trailers: Head?, connection: ClientConnection, isReusable: Bool) {
        let cluster = cluster
        conclude()
        if let cluster { connection.upstreams?.released(connection, cluster: cluster, isReusable: isReusable) }
        owner.callEnd(self, trailers: trailers)
    }

    /// What a failed call left of its connection.
    enum Remains {
        /// It is closed, and this was its only call.
        case closed
        /// It goes on without this call.
        case alive
        /// It is closed, and will say so when all of its calls have heard.
        case closing
    }

    /// The connection broke, or this call's part of it.
    func failed(_ failure: CallFailure, connection: ClientConnection, remains: Remains = .closed) {
        if failure.kind != .headTooLarge, failure.kind != .refusedStream { tell(.reset) }
        let cluster = cluster
        conclude()
        switch remains {
        case .closed: connection.upstreams?.closed(connection, ending: cluster)
        case .alive:
            if let cluster { connection.upstreams?.released(connection, cluster: cluster, isReusable: true) }
        case .closing:
            if let cluster { connection.upstreams?.pools.lost(connection: connection.handle, cluster: cluster) }
        }
        owner.callFailed(self, failure)
    }

    /// Whether it is under way on this connection.
    func isOn(_ connection: ClientConnection) -> Bool { state == .active && self.connection === connection }

    /// The owner's time is up: the endpoint is charged with it.
    func timedOut() {
        tell(.timedOut)
        cancel()
    }

    /// Counts how the attempt went, and tells the outlier detector unless the call is a copy's.
    private func tell(_ event: OutlierSignal.Event) {
        guard endpointSlot >= 0 else { return }
        var isError = true
        if case .answered(let status) = event { isError = status >= 500 }
        worker.metrics.countAttempt(endpoint: endpointSlot, isError: isError)
        if isObserved { worker.observe(event, endpoint: endpointSlot, cluster: cluster) }
    }

    // MARK: - Ending

    /// Gives the attempt up, whatever its state. The owner hears nothing more of it.
    func cancel() {
        let was = state
        let cluster = cluster
        let slot = endpointSlot
        let leased = connection
        conclude()
        switch was {
        case .idle: break
        case .waiting:
            if let own = leased {
                own.awaiting = nil
                own.retire()
            } else {
                worker.upstreams.cancel(self, endpoint: slot)
            }
        case .active:
            guard let leased else { break }
            if leased.cancel(stream), let cluster {
                leased.upstreams?.released(leased, cluster: cluster, isReusable: true)
            } else {
                leased.upstreams?.closed(leased, ending: cluster)
            }
        }
    }

    private func conclude() {
        if state != .idle { worker.metrics.subtract(.upstreamRequestsActive) }
        endpointSlot = -1
        connection = nil
        state = .idle
    }

    /// Where the chosen endpoint is. Not for the hot path.
    var endpointAddress: SocketAddress? {
        guard let use, endpointIndex >= 0 else { return nil }
        return use.clusters.address(of: endpointIndex)
    }

    /// TCP keep-alive as the cluster asks for it.
    var keepalive: TCPKeepalive? {
        guard let use, let cluster, clusterIndex >= 0, cluster.flags.contains(.keepsAlive) else { return nil }
        return use.clusters.keepalive(of: clusterIndex)
    }

    /// Forgets the request it was used for.
    func reset() {
        assert(state == .idle, "a call under way is cancelled before it is reset")
        tried = TriedHosts()
        head = nil
        use = nil
        clusterIndex = -1
        endpointIndex = -1
        isObserved = true
    }
}

extension String {
    /// An IPv6 address without its brackets.
    fileprivate var trimmingBrackets: String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}
