import Wire

/// All upstream pools of one worker: leases connections, queues requests, keeps connections for reuse and holds the
/// clusters' limits together with the other workers (see `WorkerPools+Sharing` for the hand-over).
///
/// A pool is an endpoint and a **variant**: connections of different variants cannot stand in for each other (HTTP/1 and
/// HTTP/2 in a cluster that speaks what the client speaks, TLS server names taken from requests). The caller chooses the
/// numbers, 0 being the usual one. A connection takes as many requests at once as its **capacity** says: 1 for HTTP/1, for
/// HTTP/2 what cluster and peer allow. Ready connections, those with room, are leased the last used first.
///
/// Inputs are methods; what they entail beyond their result stands in a queue that the runner empties after each input with
/// `while let action = pools.next()`. Inputs may be given while an action is performed: their actions queue behind. A lease
/// of an idle connection and its release leave that queue empty and allocate nothing.
///
/// Every lease that is not refused ends with one of `cancel` (answering true), an action `refuse` or `fail`, or, once it has
/// a connection, `released` or `lost`. Every attempt to connect ends with `connected` or `connectFailed`, every connection
/// with one `closed`, when no request is on it.
///
/// Worker-owned, not thread-safe. Endpoints and clusters are named by slot, connections by small numbers that may be used
/// again after `closed`: a table is indexed with them.
package final class WorkerPools {
    /// What the pools of one cluster share in this worker.
    struct Share {
        var connectionsMax = UInt32.max
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
    /// The pool of variant 0, by endpoint.
    var heads: [Int32] = []
    var freePools: [Int32] = []
    /// By their numbers.
    var connections: [PooledConnection] = []
    var shares: [Share] = []
    var actions = Ring<PoolAction>()
    /// The requests of the queue's `assign` actions, in the same order.
    var untold = Ring<EndpointPool.Waiter>()

    package init(worker: Int, board: Board) {
        self.worker = worker
        self.board = board
        loads = board.loads(worker: worker)
    }

    /// The next thing to do, nil when all is done.
    package func next() -> PoolAction? {
        while let action = actions.popFirst() {
            switch action {
            case .assign: _ = untold.popFirst()
            case .close(let connection, _):
                // It was closed otherwise meanwhile, and another may have its number.
                guard connections[Int(connection)].flags.contains(.closes) else { continue }
            case .connect(let endpoint, let variant, _):
                guard let renamed = stillWanted(endpoint, variant) else { continue }
                return renamed
            case .refuse, .fail, .poke: break
            }
            return action
        }
        return nil
    }

    /// A queued `connect`, in the name of a request that waits now; nil, and given up, if none does any more.
    private func stillWanted(_ endpoint: Int32, _ variant: UInt32) -> PoolAction? {
        let index = pool(endpoint, variant)
        if let waiter = pools[index].waiters.last {
            return .connect(endpoint: endpoint, variant: variant, request: waiter.request)
        }
        let cluster = pools[index].clusterSlot
        pools[index].connecting -= 1
        board.release(.connections, cluster)
        settle(cluster)
        dropIfUnused(index)
        return nil
    }

    // MARK: - Requests

    /// Asks for a connection for a request. The answer `use` leaves the queue as it was; after any other it may hold actions.
    /// - Parameters:
    ///   - cluster: the record of the generation the request began with; the same is given to `released` or `lost`.
    ///   - variant: only connections of this variant serve it.
    ///   - isMultiplexed: a new connection is expected to take `cluster.streamsMax` requests at once, otherwise one.
    package func lease(
        request: UInt32, endpoint: EndpointRecord, cluster: ClusterRecord, variant: UInt32 = 0,
        isMultiplexed: Bool = false
    ) -> LeaseAction {
        let index = pool(endpoint.slot, variant)
        if index >= 0, pools[index].newest >= 0 { return use(index, cluster) }
        return wait(
            .init(request: request, requestsMax: cluster.requestsMax), index, endpoint, cluster, variant, isMultiplexed)
    }

    @inline(__always)
    private func use(_ index: Int, _ cluster: ClusterRecord) -> LeaseAction {
        guard attach(requestsMax: cluster.requestsMax, pools[index].endpoint, cluster.slot) else {
            return .refuse(.requests)
        }
        return .use(connection: takeNewest(index))
    }

    @inline(never)
    private func wait(
        _ waiter: EndpointPool.Waiter, _ found: Int, _ endpoint: EndpointRecord, _ cluster: ClusterRecord,
        _ variant: UInt32, _ isMultiplexed: Bool
    ) -> LeaseAction {
        if found >= 0 { resumeYielding(found) }
        guard board.tryAcquire(.pending, cluster.slot, max: Int(cluster.pendingMax)) else { return .refuse(.pending) }
        let index = found >= 0 ? found : addPool(endpoint.slot, variant)
        pools[index].streamsMax = isMultiplexed ? cluster.streamsMax : 1
        pools[index].waiters.append(waiter)
        // A connection that resumed serves it by an action, behind those who waited before.
        if pools[index].newest >= 0 {
            match(index)
            return .wait
        }
        guard pools[index].needsConnection, acquireOrEnlist(index) else { return .wait }
        connectAsNeeded(index)
        return .connect
    }

    /// A request ended and left its connection whole. The connection goes on, drains or is closed, as the case may be.
    /// - Parameters:
    ///   - cluster: the record given to `lease`.
    ///   - isReusable: false if the connection takes no more requests (`Connection: close`, an answer before the request's
    ///     end…): it is closed when the others on it have ended.
    package func released(connection: UInt32, cluster: ClusterRecord, isReusable: Bool, now: Int) {
        let old = connections[Int(connection)]
        let index = Int(old.pool)
        detach(isCounted: cluster.flags.contains(.countsRequests), pools[index].endpoint, cluster.slot)
        let drains = !isReusable || now &- old.connectedAt >= pools[index].durationMaxMilliseconds
        // Once it yields, requests of its own queue do not hold it back.
        let yields =
            !drains && isLimited(index)
            && (old.flags.contains(.yields) ? isWantedElsewhere(index) : mustHandOver(index))
        if !drains, !yields, old.flags.isEmpty, old.active == old.capacity {
            giveFull(connection, index, now: now)
        } else {
            change(connection) {
                $0.active -= 1
                $0.usedAt = now
                if drains { $0.flags.insert(.drains) }
                if yields { $0.flags.insert(.yields) } else { $0.flags.remove(.yields) }
            }
        }
        goOn(connection, index)
    }

    /// A request ended because its connection broke: called for each request on it, before `closed`. The connection takes no more
    /// requests from now on, and no action closes it.
    package func lost(connection: UInt32, cluster: ClusterRecord) {
        let index = Int(connections[Int(connection)].pool)
        detach(isCounted: cluster.flags.contains(.countsRequests), pools[index].endpoint, cluster.slot)
        change(connection) {
            $0.active -= 1
            $0.flags.insert(.drains)
        }
    }

    /// A request that waits is no longer interested, also if an action that gives it a connection is queued: none will
    /// come. False: it did not wait (any more), or the action that says how that ended is still to come.
    @discardableResult
    package func cancel(request: UInt32, endpoint: Int32, variant: UInt32 = 0) -> Bool {
        let index = pool(endpoint, variant)
        guard index >= 0 else { return false }
        if pools[index].waiters.remove(where: { $0.request == request }) {
            board.release(.pending, pools[index].clusterSlot)
            delistIfSatisfied(index)
            dropIfUnused(index)
            return true
        }
        guard !untold.isEmpty, let taken = takeBack(request: request).first else { return false }
        goOn(taken.connection, index)
        return true
    }

    /// Counts a request that gets a connection; false: the cluster has as many as it may.
    @inline(__always)
    func attach(requestsMax: UInt32, _ endpoint: Int32, _ cluster: Int32) -> Bool {
        if requestsMax < UInt32.max {
            guard board.tryAcquire(.requests, cluster, max: Int(requestsMax)) else { return false }
            board.add(1, to: .requests, endpoint: endpoint)
        }
        loads.begin(endpoint: endpoint, cluster: cluster)
        return true
    }

    @inline(__always)
    func detach(isCounted: Bool, _ endpoint: Int32, _ cluster: Int32) {
        if isCounted {
            board.release(.requests, cluster)
            board.add(-1, to: .requests, endpoint: endpoint)
        }
        loads.end(endpoint: endpoint, cluster: cluster)
    }

    // MARK: - Connections

    /// A connection was established (TLS included).
    /// - Parameter capacity: requests it takes at once; 0 is legal, `capacityChanged` will tell.
    package func connected(connection: UInt32, endpoint: Int32, variant: UInt32 = 0, capacity: UInt32, now: Int) {
        let index = pool(endpoint, variant)
        while connections.count <= Int(connection) { connections.append(PooledConnection()) }
        precondition(connections[Int(connection)].pool < 0, "The number of a new connection is free")
        connections[Int(connection)] = PooledConnection(pool: Int32(index), connectedAt: now, usedAt: now)
        pools[index].connecting -= 1
        pools[index].established += 1
        if capacity > 0 { pools[index].streamsSeen = capacity }
        board.add(1, to: .connections, endpoint: endpoint)
        let yields = isLimited(index) && mustHandOver(index)
        change(connection) {
            $0.capacity = capacity
            $0.flags = yields ? .yields : []
        }
        goOn(connection, index)
    }

    /// The peer allows another number of requests at once. Below what is active: no new ones until there is room again.
    package func capacityChanged(connection: UInt32, to capacity: UInt32) {
        let index = Int(connections[Int(connection)].pool)
        if capacity > 0 { pools[index].streamsSeen = capacity }
        change(connection) { $0.capacity = capacity }
        match(index)
    }

    /// The connection takes no new requests (GOAWAY) and is closed, by action, when the last on it has ended.
    package func drain(connection: UInt32) {
        let index = Int(connections[Int(connection)].pool)
        guard !connections[Int(connection)].flags.contains(.closes) else { return }
        change(connection) { $0.flags.insert(.drains) }
        goOn(connection, index)
    }

    /// An attempt to connect failed or timed out: all who wait for this variant at this endpoint fail with it.
    package func connectFailed(endpoint: Int32, variant: UInt32 = 0) {
        let index = pool(endpoint, variant)
        let cluster = pools[index].clusterSlot
        pools[index].connecting -= 1
        board.release(.connections, cluster)
        while let waiter = pools[index].waiters.popFirst() {
            board.release(.pending, cluster)
            actions.append(.fail(request: waiter.request))
        }
        delistIfSatisfied(index)
        settle(cluster)
        dropIfUnused(index)
    }

    /// An established connection is closed, by whomever. Requests on it were told of by `lost`; those that the runner has
    /// not heard of yet wait again, before all others.
    /// - Parameter cluster: the record of the one request that was on it: saves a call of `lost`.
    package func closed(connection: UInt32, ending cluster: ClusterRecord? = nil) {
        if let cluster { lost(connection: connection, cluster: cluster) }
        let index = Int(connections[Int(connection)].pool)
        change(connection) { $0.flags.insert(.closes) }
        if connections[Int(connection)].active > 0 {
            putBack(takeBack(connection: connection).map(\.waiter), index)
        }
        precondition(connections[Int(connection)].active == 0, "Requests are lost before their connection is closed")
        connections[Int(connection)] = PooledConnection()
        let slot = pools[index].clusterSlot
        pools[index].established -= 1
        board.add(-1, to: .connections, endpoint: pools[index].endpoint)
        board.release(.connections, slot)
        match(index)
        settle(slot)
        dropIfUnused(index)
    }

    /// Closes connections idle for too long, and drains those that are too old. Returns when to look again, nil if there is
    /// no need. A scan of all connections.
    package func expire(now: Int) -> Int? {
        var next = Int.max
        for number in connections.indices where connections[number].pool >= 0 {
            let connection = connections[number]
            guard connection.flags.isSubset(of: .yields) else { continue }
            let index = Int(connection.pool)
            if connection.yields { resumeYielding(index) }
            let duration = pools[index].durationMaxMilliseconds
            let timeout = shares[Int(pools[index].clusterSlot)].idleTimeoutMilliseconds
            let isTimed = timeout > 0 && connections[number].active == 0
            let end = duration == .max ? Int.max : connection.connectedAt &+ duration
            let deadline = isTimed ? min(end, connection.usedAt &+ timeout) : end
            if deadline <= now { drain(connection: UInt32(number)) } else { next = min(next, deadline) }
        }
        return next == .max ? nil : next
    }

    /// After a change: a connection with room goes to who waits, one without requests is kept or closed.
    @inline(__always)
    private func goOn(_ connection: UInt32, _ index: Int) {
        if !pools[index].waiters.isEmpty { match(index) }
        guard connections[Int(connection)].active == 0 else { return }
        if !connections[Int(connection)].flags.isEmpty || pools[index].isRetired
            || pools[index].idle > Limits.idleConnectionsPerEndpointMax
        {
            close(connection)
        }
    }

    /// Gives ready connections to who waits, in order, and opens more for who is left.
    func match(_ index: Int) {
        let cluster = pools[index].clusterSlot
        while pools[index].newest >= 0, let waiter = pools[index].waiters.popFirst() {
            board.release(.pending, cluster)
            let endpoint = pools[index].endpoint
            if attach(requestsMax: waiter.requestsMax, endpoint, cluster) {
                let connection = takeNewest(index)
                actions.append(.assign(request: waiter.request, connection: connection, endpoint: endpoint))
                untold.append(waiter)
            } else {
                actions.append(.refuse(request: waiter.request, .requests))
            }
        }
        delistIfSatisfied(index)
        connectAsNeeded(index)
    }

    /// Opens as many connections as the pool needs, or enlists it.
    private func connectAsNeeded(_ index: Int) {
        while pools[index].needsConnection, acquireOrEnlist(index) { connect(index) }
    }

    func connect(_ index: Int) {
        guard let waiter = pools[index].waiters.last else { return }
        actions.append(
            .connect(endpoint: pools[index].endpoint, variant: pools[index].variant, request: waiter.request))
    }
}
