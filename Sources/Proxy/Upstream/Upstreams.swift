import Clusters
import Loop
import Telemetry
import Wire

/// The upstream connections of one worker: performs what the pools decide. Connections and calls are known to the pools by
/// number; here are the objects behind the numbers.
final class Upstreams: WorkerMember {
    let pools: WorkerPools
    private(set) var connections: [ClientConnection?] = []
    private var freeHandles: [UInt32] = []
    /// Calls by number. They live as long as the worker: exchanges and copies give them back for reuse.
    private var calls: [UpstreamCall?] = []
    private var freeCalls: [UpstreamCall] = []
    /// Calls given back while actions are performed: one that is still to come may name them.
    private var resting: [UpstreamCall] = []
    /// Endpoints whose connect failed before it was under way: told in a turn of its own.
    private var failedConnects: [(endpoint: Int32, variant: UInt32, failure: CallFailure)] = []
    /// Why the waiting calls of an endpoint fail, while they are told.
    private var failure = CallFailure(kind: .connectFailure)
    private var isPerforming = false

    init(worker: Worker, pools: WorkerPools) {
        self.pools = pools
        super.init(worker: worker)
    }

    // MARK: - Calls

    /// A call without an owner: whoever made it says who is told.
    func makeCall() -> UpstreamCall {
        if let free = freeCalls.popLast() { return free }
        let call = UpstreamCall(worker: worker, id: UInt32(calls.count))
        calls.append(call)
        return call
    }

    func giveCall(_ call: UpstreamCall) {
        call.reset()
        if isPerforming { resting.append(call) } else { freeCalls.append(call) }
    }

    // MARK: - Leases

    enum Lease {
        case connection(ClientConnection)
        case waiting
        case refused
    }

    /// Asks for a connection. A call that waits hears `leased` or `connectFailed`.
    func lease(_ call: UpstreamCall, endpoint: EndpointRecord, cluster: ClusterRecord) -> Lease {
        let answer = pools.lease(
            request: call.id, endpoint: endpoint, cluster: cluster, variant: call.variant,
            isMultiplexed: call.speaks == .http2)
        switch answer {
        case .use(let handle):
            guard let connection = connections[Int(handle)] else { return .refused }
            worker.metrics.add(.upstreamReuses)
            return .connection(connection)
        case .connect: open(endpoint.slot, for: call)
        case .wait: break
        case .refuse:
            worker.metrics.add(.upstreamOverflows)
            perform()
            return .refused
        }
        worker.metrics.add(.upstreamPending)
        perform()
        return .waiting
    }

    /// A waiting call gives up. If the pools have served or failed it already, the action that says so settles its accounts.
    func cancel(_ call: UpstreamCall, endpoint: Int32) {
        if pools.cancel(request: call.id, endpoint: endpoint, variant: call.variant) {
            worker.metrics.subtract(.upstreamPending)
        }
        perform()
    }

    // MARK: - What connections tell

    func connected(_ connection: ClientConnection) {
        pools.connected(
            connection: connection.handle, endpoint: connection.endpointSlot, variant: connection.variant,
            capacity: connection.capacity,
            now: now)
        worker.observe(.connected, endpoint: connection.endpointSlot, cluster: connection.cluster)
        perform()
        armExpiry()
    }

    func connectFailed(_ connection: ClientConnection, _ failure: CallFailure) {
        free(connection)
        worker.metrics.subtract(.upstreamConnections)
        fail(connection.endpointSlot, connection.variant, failure)
    }

    /// A call's answer is complete; its connection is idle, or closed already when it cannot be used again.
    func released(_ connection: ClientConnection, cluster: ClusterRecord, isReusable: Bool) {
        guard isReusable else { return closed(connection, ending: cluster) }
        pools.released(connection: connection.handle, cluster: cluster, isReusable: true, now: now)
        perform()
        armExpiry()
    }

    /// The endpoint takes no more requests on this connection.
    func draining(_ connection: ClientConnection) {
        guard connections[Int(connection.handle)] === connection else { return }
        pools.drain(connection: connection.handle)
        perform()
    }

    /// The endpoint takes another number of requests at once.
    func capacityChanged(_ connection: ClientConnection) {
        guard connections[Int(connection.handle)] === connection else { return }
        pools.capacityChanged(connection: connection.handle, to: connection.capacity)
        perform()
    }

    /// A connection's socket was closed.
    func closed(_ connection: ClientConnection, ending cluster: ClusterRecord?) {
        pools.closed(connection: connection.handle, ending: cluster)
        free(connection)
        worker.metrics.subtract(.upstreamConnections)
        perform()
        worker.handBackGenerations()
    }

    /// Another worker says that a connection slot is free or wanted.
    func poked(cluster: Int32) {
        pools.poked(cluster: cluster)
        perform()
    }

    func install(_ table: ClusterTable) {
        pools.install(table)
        perform()
    }

    private var now: Int { Int(worker.loop.now) }

    // MARK: - Actions

    /// Does what the pools ask for, in order. An action may lead to more inputs: they queue behind it.
    private func perform() {
        guard !isPerforming else { return }
        isPerforming = true
        while let action = pools.next() { perform(action) }
        isPerforming = false
        while let call = resting.popLast() { freeCalls.append(call) }
    }

    private func perform(_ action: PoolAction) {
        switch action {
        case .assign(let request, let handle, _):
            worker.metrics.subtract(.upstreamPending)
            guard let connection = connections[Int(handle)], let call = calls[Int(request)] else { return }
            if call.state == .waiting { return call.leased(connection) }
            // It was given up after the pool had chosen it: the connection goes back unused.
            guard let cluster = connection.cluster else { return }
            released(connection, cluster: cluster, isReusable: true)
        case .connect(let endpoint, let variant, let request):
            guard let call = calls[Int(request)], call.endpointSlot == endpoint else {
                return failLater(endpoint, variant, CallFailure(kind: .connectFailure))
            }
            open(endpoint, for: call)
        case .close(let handle, _):
            guard let connection = connections[Int(handle)] else { return }
            connection.retire()
            pools.closed(connection: handle)
            free(connection)
            worker.metrics.subtract(.upstreamConnections)
            worker.handBackGenerations()
        case .refuse(let request, _):
            worker.metrics.subtract(.upstreamPending)
            worker.metrics.add(.upstreamOverflows)
            calls[Int(request)]?.connectFailed(CallFailure(kind: .overflow))
        case .fail(let request):
            worker.metrics.subtract(.upstreamPending)
            calls[Int(request)]?.connectFailed(failure)
        case .poke(let workers, let cluster):
            worker.poke(workers, cluster: cluster)
        }
    }

    private func open(_ endpoint: Int32, for call: UpstreamCall) {
        guard let address = call.endpointAddress, let cluster = call.cluster else {
            return failLater(endpoint, call.variant, CallFailure(kind: .connectFailure))
        }
        worker.metrics.add(.upstreamConnects)
        let isConnected: Bool
        let fd: Int32
        switch Socket.connect(address) {
        case .connected(let socket): (fd, isConnected) = (socket, true)
        case .inProgress(let socket): (fd, isConnected) = (socket, false)
        case .failure(let errno):
            return failLater(endpoint, call.variant, CallFailure(kind: .connectFailure, errno: errno))
        }
        if let keepalive = call.keepalive {
            Socket.setKeepalive(
                fd, probes: keepalive.probes, time: keepalive.timeSeconds, interval: keepalive.intervalSeconds)
        }
        let connection = call.makeConnection(fd, upstreams: self)
        if call.needsTLS {
            guard let tls = call.makeTLS(fd) else {
                _ = Socket.close(fd)
                return failLater(endpoint, call.variant, CallFailure(kind: .tlsQuarantined))
            }
            connection.tls = tls
        }
        connection.variant = call.variant
        connection.endpointSlot = endpoint
        connection.cluster = cluster
        connection.handle = freeHandles.popLast() ?? UInt32(connections.count)
        if Int(connection.handle) == connections.count { connections.append(connection) }
        connections[Int(connection.handle)] = connection
        guard connection.start(timeoutMilliseconds: cluster.connectTimeoutMilliseconds) else {
            _ = Socket.close(fd)
            free(connection)
            return failLater(endpoint, call.variant, CallFailure(kind: .connectFailure))
        }
        worker.metrics.add(.upstreamConnections)
        // Connected at once (a Unix socket): told in a turn of its own as well.
        if isConnected { worker.loop.makeReady(connection) }
    }

    private func free(_ connection: ClientConnection) {
        guard connections[Int(connection.handle)] === connection else { return }
        connections[Int(connection.handle)] = nil
        freeHandles.append(connection.handle)
    }

    private func failLater(_ endpoint: Int32, _ variant: UInt32, _ failure: CallFailure) {
        worker.metrics.add(.upstreamConnectFailures)
        failedConnects.append((endpoint, variant, failure))
        worker.loop.makeReady(self)
    }

    private func fail(_ endpoint: Int32, _ variant: UInt32, _ failure: CallFailure) {
        self.failure = failure
        pools.connectFailed(endpoint: endpoint, variant: variant)
        perform()
        worker.handBackGenerations()
    }

    override func onReady() {
        let failed = failedConnects
        failedConnects.removeAll(keepingCapacity: true)
        for entry in failed { fail(entry.endpoint, entry.variant, entry.failure) }
        worker.flush()
    }

    // MARK: - Idle connections

    override func onDeadline() {
        let next = pools.expire(now: now)
        perform()
        if let next { worker.loop.arm(self, deadline: UInt64(next)) }
    }

    /// Looks for expired connections at the latest when the first could be.
    private func armExpiry() {
        let sweep = worker.loop.now + UInt64(Limits.idleSweepMilliseconds)
        if deadline > sweep { worker.loop.arm(self, deadline: sweep) }
    }

    /// Closes everything: the worker ends.
    func closeAll() {
        for index in connections.indices {
            connections[index]?.retire()
            connections[index] = nil
        }
    }
}
