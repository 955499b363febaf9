import Wire

// New tables, connections outside any pool, and what gauges show.
extension WorkerPools {
    /// Makes a table the newest: its limits count from now on, and connections to endpoints it lacks close when no request
    /// is on them.
    package func install(_ table: ClusterTable) {
        while shares.count < Int(table.clusterSlotsEnd) { shares.append(Share()) }
        while heads.count < Int(table.endpointSlotsEnd) {
            pools.append(EndpointPool(endpoint: Int32(heads.count), variant: 0))
            heads.append(Int32(pools.count - 1))
        }
        for index in shares.indices { shares[index].members.removeAll(keepingCapacity: true) }
        for index in pools.indices { pools[index].isRetired = true }
        for index in 0..<table.clusterCount {
            let cluster = table.cluster(index)
            shares[Int(cluster.slot)].connectionsMax = cluster.connectionsMax
            shares[Int(cluster.slot)].idleTimeoutMilliseconds = cluster.idleTimeoutMilliseconds
            for endpoint in table.endpointRange(of: index) { adopt(table.endpoint(endpoint).slot, cluster) }
        }
        for number in connections.indices where connections[number].pool >= 0 {
            let connection = connections[number]
            guard connection.isIdle || connection.isPaused, pools[Int(connection.pool)].isRetired else { continue }
            close(UInt32(number))
        }
        // A limit may have been raised, or set.
        for index in 0..<table.clusterCount { settle(table.cluster(index).slot) }
    }

    private func adopt(_ endpoint: Int32, _ cluster: ClusterRecord) {
        shares[Int(cluster.slot)].members.append(endpoint)
        let requestsMax = cluster.requestsPerConnectionMax
        let duration = cluster.connectionDurationMaxMilliseconds
        var index = Int(heads[Int(endpoint)])
        while index >= 0 {
            pools[index].clusterSlot = cluster.slot
            pools[index].isRetired = false
            pools[index].requestsPerConnectionMax = requestsMax > 0 ? UInt32(clamping: requestsMax) : .max
            pools[index].durationMaxMilliseconds = duration > 0 ? duration : .max
            index = Int(pools[index].nextVariant)
        }
    }

    /// Whether connections to endpoints of past generations are left. A worker hands a generation back only without them: their
    /// slots may be given to others then. A scan of all pools.
    package var hasRetiredConnections: Bool {
        pools.contains { $0.isRetired && $0.connecting + $0.established + $0.outside > 0 }
    }

    /// For gauges: this worker's connections, waiting and active requests of an endpoint, all variants together.
    package func counts(
        endpoint: Int32
    ) -> (idle: Int, established: Int, connecting: Int, waiting: Int, active: Int) {
        var counts = (idle: 0, established: 0, connecting: 0, waiting: 0, active: loads.active(endpoint: endpoint))
        var index = Int(heads[Int(endpoint)])
        while index >= 0 {
            counts.idle += pools[index].idle
            counts.established += pools[index].established + pools[index].outside
            counts.connecting += pools[index].connecting
            counts.waiting += pools[index].waiters.count
            index = Int(pools[index].nextVariant)
        }
        return counts
    }

    // MARK: - Connections outside any pool

    /// Counts a connection that no pool keeps (TCP proxying) against `maxConnections` and, as a request under way, against
    /// `http2MaxRequests` and in the loads. False: a limit is met, or others wait for a slot; nothing is counted.
    package func acquireConnection(endpoint: Int32, cluster: ClusterRecord) -> Bool {
        let limit = shares[Int(cluster.slot)].connectionsMax
        guard limit == .max || board.wanted(cluster.slot) == 0,
            board.tryAcquire(.connections, cluster.slot, max: Int(limit))
        else { return false }
        guard attach(requestsMax: cluster.requestsMax, endpoint, cluster.slot) else {
            board.release(.connections, cluster.slot)
            settle(cluster.slot)
            return false
        }
        board.add(1, to: .connections, endpoint: endpoint)
        pools[Int(heads[Int(endpoint)])].outside += 1
        return true
    }

    /// Such a connection is closed, or was never made. `cluster` is the record given to `acquireConnection`.
    package func releaseConnection(endpoint: Int32, cluster: ClusterRecord) {
        detach(isCounted: cluster.flags.contains(.countsRequests), endpoint, cluster.slot)
        board.add(-1, to: .connections, endpoint: endpoint)
        board.release(.connections, cluster.slot)
        pools[Int(heads[Int(endpoint)])].outside -= 1
        settle(cluster.slot)
    }
}
