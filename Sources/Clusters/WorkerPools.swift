import Wire

/// All upstream pools of one worker: leases connections, queues requests, keeps connections for reuse and holds the
/// clusters' limits together with the other workers (see `WorkerPools+Sharing` for the hand-over).
///
/// Inputs are methods; what they entail beyond their result stands in a queue that the runner empties after each input with
/// `while let action = pools.next()`. A lease of an idle connection and its release leave that queue empty and allocate
/// nothing. Every lease that is not refused ends with one of `released`, `closed` (with its cluster) or `cancel`, or with an
/// action `refuse` or `fail`; every connection ends with one `closed` or `connectFailed`.
///
/// Worker-owned, not thread-safe. Endpoints and clusters are named by slot.
package final class WorkerPools {
    /// What the pools of one cluster share in this worker.
    struct Share {
        var connectionsMax = UInt32.max
        var requestsPerConnectionMax = 0
        var idleTimeoutMilliseconds = 0
        /// Endpoints of the newest generation.
        var members: [Int32] = []
        /// Pools that were refused a connection slot, in order.
        var waiting = Ring<Int32>()

        var isLimited: Bool { connectionsMax < UInt32.max }
    }

    package let worker: Int
    /// Requests attached to connections, for the balancers.
    package let loads: WorkerLoads
    let board: Board
    var pools: [EndpointPool] = []
    var shares: [Share] = []
    var actions = Ring<PoolAction>()

    package init(worker: Int, board: Board) {
        self.worker = worker
        self.board = board
        loads = board.loads(worker: worker)
    }

    /// The next thing to do, nil when all is done.
    package func next() -> PoolAction? { actions.popFirst() }

    // MARK: - Requests

    /// Asks for a connection for a request; `cluster` is the record of the generation the request began with.
    package func lease(request: UInt32, endpoint: EndpointRecord, cluster: ClusterRecord) -> LeaseAction {
        let index = Int(endpoint.slot)
        if let idle = pools[index].idle.last {
            guard attach(requestsMax: cluster.requestsMax, endpoint.slot, cluster.slot) else {
                return .refuse(.requests)
            }
            _ = pools[index].idle.popLast()
            return .use(connection: idle.connection)
        }
        guard board.tryAcquire(.pending, cluster.slot, max: Int(cluster.pendingMax)) else { return .refuse(.pending) }
        pools[index].waiters.append(.init(request: request, requestsMax: cluster.requestsMax))
        guard pools[index].needsConnection, acquireOrEnlist(endpoint.slot) else { return .wait }
        return .connect
    }

    /// A request ended and left its connection whole.
    /// - Parameters:
    ///   - cluster: the record given to `lease`.
    ///   - isReusable: false closes the connection (`Connection: close`, an answer before the request's end…).
    ///   - served: requests that the connection has carried, this one included.
    package func released(
        connection: UInt32, endpoint: Int32, cluster: ClusterRecord, isReusable: Bool, served: Int, now: Int
    ) {
        detach(endpoint, cluster)
        let servedMax = shares[Int(cluster.slot)].requestsPerConnectionMax
        if !isReusable || (servedMax > 0 && served >= servedMax) {
            actions.append(.close(connection: connection, endpoint: endpoint))
        } else {
            offer(connection, endpoint, now: now)
        }
    }

    /// A request that waits is no longer interested. False: it did not wait (any more).
    @discardableResult
    package func cancel(request: UInt32, endpoint: Int32) -> Bool {
        guard pools[Int(endpoint)].waiters.remove(where: { $0.request == request }) else { return false }
        board.release(.pending, pools[Int(endpoint)].clusterSlot)
        delistIfSatisfied(endpoint)
        return true
    }

    /// Counts a request that gets a connection; false: the cluster has as many as it may.
    private func attach(requestsMax: UInt32, _ endpoint: Int32, _ cluster: Int32) -> Bool {
        if requestsMax < UInt32.max {
            guard board.tryAcquire(.requests, cluster, max: Int(requestsMax)) else { return false }
            board.add(1, to: .requests, endpoint: endpoint)
        }
        loads.begin(endpoint: endpoint, cluster: cluster)
        return true
    }

    private func detach(_ endpoint: Int32, _ cluster: ClusterRecord) {
        if cluster.flags.contains(.countsRequests) {
            board.release(.requests, cluster.slot)
            board.add(-1, to: .requests, endpoint: endpoint)
        }
        loads.end(endpoint: endpoint, cluster: cluster.slot)
    }

    // MARK: - Connections

    /// A connection was established (TLS included).
    package func connected(connection: UInt32, endpoint: Int32, now: Int) {
        pools[Int(endpoint)].connecting -= 1
        pools[Int(endpoint)].established += 1
        board.add(1, to: .connections, endpoint: endpoint)
        offer(connection, endpoint, now: now)
    }

    /// An attempt to connect failed or timed out: all who wait at this endpoint fail with it.
    package func connectFailed(endpoint: Int32) {
        let cluster = pools[Int(endpoint)].clusterSlot
        pools[Int(endpoint)].connecting -= 1
        board.release(.connections, cluster)
        while let waiter = pools[Int(endpoint)].waiters.popFirst() {
            board.release(.pending, cluster)
            actions.append(.fail(request: waiter.request))
        }
        delistIfSatisfied(endpoint)
        settle(cluster)
    }

    /// An established connection is closed, by whomever, idle or not.
    /// - Parameter cluster: the record of the request that was on it, if one was.
    package func closed(connection: UInt32, endpoint: Int32, ending cluster: ClusterRecord? = nil) {
        if let cluster { detach(endpoint, cluster) }
        let slot = pools[Int(endpoint)].clusterSlot
        _ = pools[Int(endpoint)].idle.remove { $0.connection == connection }
        pools[Int(endpoint)].established -= 1
        board.add(-1, to: .connections, endpoint: endpoint)
        board.release(.connections, slot)
        if pools[Int(endpoint)].needsConnection, acquireOrEnlist(endpoint) { connect(endpoint) }
        settle(slot)
    }

    /// Closes connections idle for too long. Returns when to look again, nil if nothing is idle.
    package func expire(now: Int) -> Int? {
        var next = Int.max
        for index in pools.indices where !pools[index].idle.isEmpty {
            while let oldest = pools[index].idle.first {
                guard oldest.deadlineMilliseconds <= now else {
                    next = min(next, oldest.deadlineMilliseconds)
                    break
                }
                _ = pools[index].idle.popFirst()
                actions.append(.close(connection: oldest.connection, endpoint: Int32(index)))
            }
        }
        return next == .max ? nil : next
    }

    /// Gives a connection that is free to who waits first, to another pool, or keeps it.
    private func offer(_ connection: UInt32, _ endpoint: Int32, now: Int) {
        let index = Int(endpoint)
        if mustHandOver(endpoint) {
            actions.append(.close(connection: connection, endpoint: endpoint))
            return
        }
        let cluster = pools[index].clusterSlot
        while let waiter = pools[index].waiters.popFirst() {
            board.release(.pending, cluster)
            if attach(requestsMax: waiter.requestsMax, endpoint, cluster) {
                actions.append(.assign(request: waiter.request, connection: connection, endpoint: endpoint))
                delistIfSatisfied(endpoint)
                return
            }
            actions.append(.refuse(request: waiter.request, .requests))
        }
        delistIfSatisfied(endpoint)
        if pools[index].isRetired || pools[index].idle.count >= Limits.idleConnectionsPerEndpointMax {
            actions.append(.close(connection: connection, endpoint: endpoint))
            return
        }
        let timeout = shares[Int(cluster)].idleTimeoutMilliseconds
        pools[index].idle.append(
            .init(connection: connection, deadlineMilliseconds: timeout > 0 ? now &+ timeout : .max))
    }

    func connect(_ endpoint: Int32) {
        guard let waiter = pools[Int(endpoint)].waiters.last else { return }
        actions.append(.connect(endpoint: endpoint, request: waiter.request))
    }

    // MARK: - Generations

    /// Makes a table the newest: its limits count from now on, and connections to endpoints it lacks close when idle.
    package func install(_ table: ClusterTable) {
        while shares.count < Int(table.clusterSlotsEnd) { shares.append(Share()) }
        while pools.count < Int(table.endpointSlotsEnd) { pools.append(EndpointPool()) }
        for index in shares.indices { shares[index].members.removeAll(keepingCapacity: true) }
        for index in pools.indices { pools[index].isRetired = true }
        for index in 0..<table.clusterCount {
            let cluster = table.cluster(index)
            shares[Int(cluster.slot)].connectionsMax = cluster.connectionsMax
            shares[Int(cluster.slot)].requestsPerConnectionMax = cluster.requestsPerConnectionMax
            shares[Int(cluster.slot)].idleTimeoutMilliseconds = cluster.idleTimeoutMilliseconds
            for endpoint in table.endpointRange(of: index) {
                let slot = table.endpoint(endpoint).slot
                pools[Int(slot)].clusterSlot = cluster.slot
                pools[Int(slot)].isRetired = false
                shares[Int(cluster.slot)].members.append(slot)
            }
        }
        for index in pools.indices where pools[index].isRetired {
            while let idle = pools[index].idle.popFirst() {
                actions.append(.close(connection: idle.connection, endpoint: Int32(index)))
            }
        }
        // A limit may have been raised, or set.
        for index in 0..<table.clusterCount { settle(table.cluster(index).slot) }
    }

    /// Whether connections to endpoints of past generations are left. A worker hands a generation back only without them: their
    /// slots may be given to others then. A scan of all pools.
    package var hasRetiredConnections: Bool {
        pools.contains { $0.isRetired && $0.connecting + $0.established > 0 }
    }

    /// For gauges: this worker's connections and waiting requests of an endpoint.
    package func counts(endpoint: Int32) -> (idle: Int, established: Int, connecting: Int, waiting: Int) {
        let pool = pools[Int(endpoint)]
        return (pool.idle.count, pool.established, pool.connecting, pool.waiters.count)
    }
}
