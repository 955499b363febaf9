import Clusters
import HTTP1
import Loop
import Telemetry
import Wire

/// One request to a cluster: chooses an endpoint, leases a connection, sends, and tells its owner of the answer. It needs no
/// downstream: exchanges, mirror copies and whoever else wants an answer use the same.
///
/// A call is reused: after its end or failure it may be started again (a retry), keeping the list of hosts tried.
package final class UpstreamCall {
    package enum State: UInt8 { case idle, waiting, active }

    unowned(unsafe) let worker: Worker
    unowned(unsafe) var owner: CallOwner
    /// Its place in the worker's table of calls: the name that pools know it by.
    let id: UInt32
    private(set) var state = State.idle

    unowned(unsafe) private(set) var use: GenerationUse?
    private(set) var cluster = ClusterRecord()
    /// Position of the cluster and of the chosen endpoint in the generation's table; -1: none.
    private(set) var clusterIndex = -1
    private(set) var endpointIndex = -1
    private(set) var endpointSlot = -1
    private var connection: ClientConnection?
    private var stream: UInt32 = 0
    /// The request, held by the owner.
    unowned(unsafe) private var head: Head?
    private var framing = BodyFraming.none
    private var endsWithHead = false
    /// Endpoints that this request was sent to.
    var tried = TriedHosts()
    /// Its failures count against the endpoint (a mirror's do not).
    var isObserved = true
    private var holdsRequestSlot = false

    init(worker: Worker, owner: CallOwner, id: UInt32) {
        self.worker = worker
        self.owner = owner
        self.id = id
    }

    // MARK: - Starting

    /// Starts an attempt. Returns a failure that is known at once; otherwise the owner hears of everything later, or has heard of
    /// `callReady` already.
    func start(
        cluster index: Int, of use: GenerationUse, head: Head, framing: BodyFraming, end: Bool, avoidTried: Bool
    ) -> CallFailure? {
        assert(state == .idle, "a call makes one attempt at a time")
        self.use = use
        clusterIndex = index
        cluster = use.clusters.cluster(index)
        self.head = head
        self.framing = framing
        endsWithHead = end
        let picked = worker.pick(cluster, use.clusters, tried: avoidTried ? tried : TriedHosts())
        guard picked >= 0 else { return CallFailure(kind: .noHealthyUpstream) }
        endpointIndex = picked
        let endpoint = use.clusters.endpoint(picked)
        endpointSlot = Int(endpoint.slot)
        tried.insert(endpoint.slot)
        guard worker.acquireRequest(cluster) else { return CallFailure(kind: .overflow) }
        holdsRequestSlot = true
        worker.loads.increment(endpointSlot)
        state = .waiting
        switch worker.pool(for: endpoint, cluster, table: use.clusters, endpointIndex: picked).lease(self) {
        case .connection(let connection):
            attach(connection)
            return nil
        case .waiting:
            return nil
        case .refused(let failure):
            conclude()
            return failure
        }
    }

    /// Starts an attempt to an address outside any cluster, on a connection of its own.
    func start(address: SocketAddress, head: Head, framing: BodyFraming, end: Bool) -> CallFailure? {
        self.head = head
        self.framing = framing
        endsWithHead = end
        clusterIndex = -1
        endpointIndex = -1
        endpointSlot = -1
        if worker.isOwnListener(address) { return CallFailure(kind: .loop) }
        let isConnected: Bool
        let fd: Int32
        switch Socket.connect(address) {
        case .connected(let socket): (fd, isConnected) = (socket, true)
        case .inProgress(let socket): (fd, isConnected) = (socket, false)
        case .failure(let errno): return CallFailure(kind: .connectFailure, errno: errno)
        }
        worker.metrics.add(.upstreamConnects)
        let own = HTTP1ClientConnection(worker: worker, fd: fd, pool: nil)
        guard own.start(isConnected: isConnected, timeoutMilliseconds: Limits.connectTimeoutMilliseconds) else {
            _ = Socket.close(fd)
            return CallFailure(kind: .connectFailure)
        }
        state = .waiting
        if isConnected {
            attach(own)
        } else {
            own.awaiting = self
            connection = own
        }
        return nil
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
        owner.callAttempt(self, head)
        stream = connection.begin(self, head, framing: framing, end: endsWithHead)
        owner.callReady(self)
    }

    /// The connection that this call waited for could not be made.
    func connectFailed(_ failure: CallFailure) {
        guard state == .waiting else { return }
        connection = nil
        failed(failure)
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
        if isObserved { worker.observe(self, status: head.status) }
        owner.callHead(self, head, framing: framing, end: end)
    }

    func ended(trailers: Head?, connection: ClientConnection, isReusable: Bool) {
        let pool = connection.pool
        conclude()
        if isReusable { pool?.released(connection) } else { pool?.closed(connection) }
        owner.callEnd(self, trailers: trailers)
    }

    func failed(_ failure: CallFailure) {
        if isObserved { worker.observe(self, failure: failure) }
        conclude()
        owner.callFailed(self, failure)
    }

    // MARK: - Ending

    /// Gives the attempt up, whatever its state. The owner hears nothing more of it.
    func cancel() {
        switch state {
        case .idle: return
        case .waiting:
            if let own = connection as? HTTP1ClientConnection {
                own.awaiting = nil
                own.retire()
            } else {
                worker.existingPool(endpointSlot)?.cancel(self)
            }
        case .active: connection?.cancel(stream)
        }
        conclude()
    }

    /// Gives back what the attempt held.
    private func conclude() {
        if endpointSlot >= 0 { worker.loads.decrement(endpointSlot) }
        if holdsRequestSlot { worker.releaseRequest(cluster) }
        holdsRequestSlot = false
        endpointSlot = -1
        connection = nil
        state = .idle
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
