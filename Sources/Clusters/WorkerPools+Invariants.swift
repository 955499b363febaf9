// What holds between two inputs, once the actions are done. For tests: everything is walked.
extension WorkerPools {
    /// The first invariant that is broken, in words; nil: all hold.
    var firstFault: String? {
        for index in pools.indices where pools[index].endpoint >= 0 {
            if let fault = faultOfCounts(index) ?? faultOfList(index) ?? faultOfQueue(index) {
                return "endpoint \(pools[index].endpoint), variant \(pools[index].variant): \(fault)"
            }
        }
        for connection in connections where connection.pool >= 0 {
            if connection.flags.contains(.isNew) { return "a connection was never offered" }
            if connection.active == 0, !connection.flags.isEmpty { return "a connection at its end is not closed" }
        }
        return untold.isEmpty && actions.isEmpty ? nil : "the queue was not emptied"
    }

    private func faultOfCounts(_ index: Int) -> String? {
        let pool = pools[index]
        let own = connections.filter { Int($0.pool) == index }
        if own.count != pool.established { return "established is \(pool.established), not \(own.count)" }
        if own.count(where: \.isIdle) != pool.idle { return "idle is \(pool.idle)" }
        if own.count(where: \.isPaused) != pool.paused { return "paused is \(pool.paused)" }
        if own.count(where: \.yields) != pool.yielding { return "yielding is \(pool.yielding)" }
        if pool.isRetired, pool.idle + pool.paused > 0 { return "a retired pool keeps connections" }
        if pool.connecting < 0 || pool.outside < 0 { return "a count is negative" }
        return nil
    }

    /// The ready list holds the ready connections.
    private func faultOfList(_ index: Int) -> String? {
        var (listed, after) = (0, Int32(-1))
        var number = pools[index].newest
        while number >= 0 {
            let connection = connections[Int(number)]
            if !connection.isReady || Int(connection.pool) != index { return "\(number) is listed, but not ready" }
            if after >= 0, connection.newer != after { return "\(number) has another neighbour than the list" }
            listed += 1
            after = number
            number = connection.older
        }
        if after != pools[index].oldest { return "the list does not end with the oldest" }
        let ready = connections.count { Int($0.pool) == index && $0.isReady }
        return ready == listed ? nil : "\(listed) of \(ready) ready connections are listed"
    }

    private func faultOfQueue(_ index: Int) -> String? {
        let pool = pools[index]
        if !pool.waiters.isEmpty, pool.newest >= 0 { return "a request waits beside a ready connection" }
        if pool.needsConnection, !pool.isEnlisted { return "a request waits for nothing" }
        if pool.isEnlisted, !pool.needsConnection { return "it is enlisted without need" }
        if pool.variant != 0, pool.isUnused { return "it should have been dropped" }
        guard pool.clusterSlot >= 0 else { return nil }
        let queue = shares[Int(pool.clusterSlot)].waiting
        let places = (0..<queue.count).count { Int(queue[$0]) == index }
        return places == (pool.isEnlisted ? 1 : 0) ? nil : "it stands \(places) times in the cluster's queue"
    }
}
