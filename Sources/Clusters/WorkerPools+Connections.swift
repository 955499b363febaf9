import Wire

// The table of connections, the pools' ready lists, and the pools of an endpoint's variants.
extension WorkerPools {
    // MARK: - Pools by endpoint and variant

    /// The pool of a variant, -1 if there is none. O(variants of the endpoint); the first is variant 0.
    @inline(__always)
    func pool(_ endpoint: Int32, _ variant: UInt32) -> Int {
        var index = Int(heads[Int(endpoint)])
        while index >= 0, pools[index].variant != variant { index = Int(pools[index].nextVariant) }
        return index
    }

    /// A new pool for a variant, with the cluster and limits of its endpoint.
    func addPool(_ endpoint: Int32, _ variant: UInt32) -> Int {
        let head = Int(heads[Int(endpoint)])
        var pool = EndpointPool(endpoint: endpoint, variant: variant)
        pool.clusterSlot = pools[head].clusterSlot
        pool.requestsPerConnectionMax = pools[head].requestsPerConnectionMax
        pool.durationMaxMilliseconds = pools[head].durationMaxMilliseconds
        pool.isRetired = pools[head].isRetired
        pool.nextVariant = pools[head].nextVariant
        let index = freePools.popLast().map(Int.init) ?? pools.count
        if index == pools.count { pools.append(pool) } else { pools[index] = pool }
        pools[head].nextVariant = Int32(index)
        return index
    }

    /// Gives up the pool of a variant other than 0 that is not used any more.
    func dropIfUnused(_ index: Int) {
        guard pools[index].variant != 0, pools[index].isUnused else { return }
        var before = Int(heads[Int(pools[index].endpoint)])
        while Int(pools[before].nextVariant) != index { before = Int(pools[before].nextVariant) }
        pools[before].nextVariant = pools[index].nextVariant
        pools[index] = EndpointPool(endpoint: -1, variant: pools[index].variant)
        freePools.append(Int32(index))
    }

    // MARK: - Connections

    /// Changes a connection and keeps its pool's counts and ready list in step. The only ways that one changes are this and, for
    /// the hot path, `take` and `giveFull`.
    func change(_ connection: UInt32, _ body: (inout PooledConnection) -> Void) {
        let old = connections[Int(connection)]
        var new = old
        body(&new)
        connections[Int(connection)] = new
        let index = Int(new.pool)
        if old.isIdle != new.isIdle { pools[index].idle += new.isIdle ? 1 : -1 }
        if old.isReady != new.isReady {
            if new.isReady { append(Int32(connection), index) } else { remove(Int32(connection), index) }
        } else if new.isIdle, !old.isIdle, pools[index].newest != Int32(connection) {
            // Idle connections stand in the order in which they became so.
            remove(Int32(connection), index)
            append(Int32(connection), index)
        }
        if old.isPaused != new.isPaused { pools[index].paused += new.isPaused ? 1 : -1 }
        if old.yields != new.yields { pools[index].yielding += new.yields ? 1 : -1 }
    }

    private func append(_ connection: Int32, _ index: Int) {
        let before = pools[index].newest
        connections[Int(connection)].older = before
        if before >= 0 { connections[Int(before)].newer = connection }
        pools[index].append(connection)
    }

    private func remove(_ connection: Int32, _ index: Int) {
        let (older, newer) = (connections[Int(connection)].older, connections[Int(connection)].newer)
        let isOldest = pools[index].oldest == connection
        let isNewest = pools[index].newest == connection
        if isNewest { pools[index].newest = older } else { connections[Int(newer)].older = older }
        if isOldest {
            pools[index].oldest = isNewest ? -1 : newer
        } else if !isNewest {
            connections[Int(older)].newer = newer
        }
    }

    // `lease` and `released` with one request a connection cost 416 instructions a pair with these two, 684 by `change`
    // (callgrind; the pool of idle connections that was here before: 400).

    /// Counts a request onto the pool's newest connection.
    @inline(__always)
    func takeNewest(_ index: Int) -> UInt32 {
        let number = Int(pools[index].newest)
        let wasIdle = connections[number].active == 0
        connections[number].take(requestsMax: pools[index].requestsPerConnectionMax)
        let connection = connections[number]
        pools[index].tookNewest(wasIdle: wasIdle, isReady: connection.isReady, older: connection.older)
        return UInt32(number)
    }

    /// Takes a request off a full connection, which is ready then.
    @inline(__always)
    func giveFull(_ connection: UInt32, _ index: Int, now: Int) {
        let before = pools[index].newest
        connections[Int(connection)].give(now: now, older: before)
        if before >= 0 { connections[Int(before)].newer = Int32(connection) }
        pools[index].append(Int32(connection))
        if connections[Int(connection)].active == 0 { pools[index].idle += 1 }
    }

    /// Asks for a connection without requests to be closed.
    func close(_ connection: UInt32) {
        change(connection) { $0.flags.insert(.closes) }
        let endpoint = pools[Int(connections[Int(connection)].pool)].endpoint
        actions.append(.close(connection: connection, endpoint: endpoint))
    }

    /// The pool's connection that was idle for longest, or one that is paused while another pool waits; nil: none.
    func spare(_ index: Int) -> UInt32? {
        if pools[index].idle > 0 {
            var connection = pools[index].oldest
            while connections[Int(connection)].active > 0 { connection = connections[Int(connection)].newer }
            return UInt32(connection)
        }
        guard pools[index].paused > 0, isWantedElsewhere(index) else { return nil }
        return connections.firstIndex { Int($0.pool) == index && $0.isPaused }.map(UInt32.init)
    }

    /// Lets connections that gave way take requests again when nobody wants their slots any more.
    func resumeYielding(_ index: Int) {
        guard pools[index].yielding > 0, !isWantedElsewhere(index) else { return }
        for connection in connections.indices
        where Int(connections[connection].pool) == index && connections[connection].yields {
            change(UInt32(connection)) { $0.flags.remove(.yields) }
        }
        match(index)
    }

    // MARK: - Requests assigned but not told yet

    /// Takes requests that the queue assigns, and the runner has not heard of, off their connection. Of all those on
    /// `connection`, or of the one `request`. In order.
    func takeBack(connection: UInt32? = nil, request: UInt32? = nil) -> [(
        waiter: EndpointPool.Waiter, connection: UInt32
    )] {
        var taken: [(waiter: EndpointPool.Waiter, connection: UInt32)] = []
        for _ in 0..<actions.count {
            guard let action = actions.popFirst() else { break }
            if case .assign(_, let holder, let endpoint) = action, let waiter = untold.popFirst() {
                if holder == connection || waiter.request == request {
                    let cluster = pools[Int(connections[Int(holder)].pool)].clusterSlot
                    detach(isCounted: waiter.requestsMax < .max, endpoint, cluster)
                    change(holder) { $0.active -= 1 }
                    taken.append((waiter, holder))
                    continue
                }
                untold.append(waiter)
            }
            actions.append(action)
        }
        return taken
    }

    /// Puts requests before all others who wait: they were admitted and had their turn already.
    func putBack(_ waiters: [EndpointPool.Waiter], _ index: Int) {
        let behind = pools[index].waiters.count
        for waiter in waiters {
            _ = board.tryAcquire(.pending, pools[index].clusterSlot, max: Limits.unlimited)
            pools[index].waiters.append(waiter)
        }
        for _ in 0..<behind {
            if let waiter = pools[index].waiters.popFirst() { pools[index].waiters.append(waiter) }
        }
    }
}
