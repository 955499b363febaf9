import Testing
import Wire

@testable import Clusters

/// Connections that carry several requests, variants, ages, and connections outside any pool.
@Suite("Pools of connections with streams")
struct PoolStreamsTests {
    /// One worker, one endpoint, connections that are expected to take `streamsMax` requests.
    private func model(streamsMax: Int, connectionsMax: Int = Limits.unlimited, workers: Int = 1) -> PoolModel {
        PoolModel(
            endpoints: 1, workers: workers, limits: ClusterLimits(connectionsMax: connectionsMax),
            streamsMax: streamsMax)
    }

    // MARK: - Variants

    @Test("A connection serves only requests of its variant, the last used first")
    func variants() {
        var model = PoolModel(endpoints: 1, workers: 1)
        for variant: UInt32 in [0, 7, 7] { model.lease(worker: 0, variant: variant) }
        #expect(model.connecting.map(\.variant) == [0, 7, 7])
        for _ in 0..<3 { model.connect(0) }
        let connections = model.connections
        model.finish(connections[2])
        model.finish(connections[1])
        model.finish(connections[0])
        model.lease(worker: 0, variant: 7)
        #expect(Array(model.inUse.keys) == [connections[1]])
        model.lease(worker: 0, variant: 9)
        #expect(model.connecting.map(\.variant) == [9])
        model.settle()
        model.closeAll()
    }

    @Test("A failed attempt to connect fails only those who wait for its variant")
    func variantFailure() {
        var model = PoolModel(endpoints: 1, workers: 1)
        model.lease(worker: 0, variant: 1)
        let other = model.lease(worker: 0, variant: 2)
        model.connect(0, succeeds: false)
        #expect(model.failed.map(\.variant) == [1])
        #expect(model.waiting == [other])
        model.settle()
        model.closeAll()
    }

    @Test("With maxConnections 1, an idle connection of one variant gives way to another variant's request")
    func variantHandover() {
        var model = PoolModel(endpoints: 1, workers: 1, limits: ClusterLimits(connectionsMax: 1))
        for variant: UInt32 in 0..<3 {
            model.lease(worker: 0, variant: variant)
            model.settle()
        }
        #expect(model.served.map(\.variant) == [0, 1, 2])
        model.closeAll()
    }

    // MARK: - Capacity

    @Test("A connection with room is leased again, the last used first; a full one when it has room again")
    func capacity() {
        var model = model(streamsMax: 2)
        for _ in 0..<4 { model.lease(worker: 0) }
        model.connect(0)
        model.connect(0)
        let connections = model.connections
        #expect(connections.map { model.inUse[$0]?.count } == [2, 2])
        model.finish(connections[1])
        model.finish(connections[0])
        model.lease(worker: 0)
        #expect(connections.map { model.inUse[$0]?.count } == [2, 1])
        model.lease(worker: 0)
        #expect(connections.map { model.inUse[$0]?.count } == [2, 2])
        #expect(model.connecting.isEmpty)
        model.settle()
        model.closeAll()
    }

    @Test("When every connection is full, another is opened, or the request waits if there may be no more")
    func full() {
        var model = model(streamsMax: 2, connectionsMax: 2)
        for _ in 0..<2 { model.lease(worker: 0) }
        model.connect(0)
        model.lease(worker: 0)
        #expect(model.connecting.count == 1)
        model.connect(0)
        model.lease(worker: 0)
        let last = model.lease(worker: 0)
        #expect(model.waiting == [last])
        #expect(model.connecting.isEmpty)
        model.finish(model.connections[0])
        #expect(model.waiting.isEmpty && model.open.count == 2)
        model.settle()
        model.closeAll()
    }

    @Test("A connection on its way counts for as many requests as it is expected to take")
    func expectedCapacity() {
        var model = model(streamsMax: 3)
        for _ in 0..<3 { model.lease(worker: 0) }
        #expect(model.connecting.count == 1)
        model.lease(worker: 0)
        #expect(model.connecting.count == 2)
        model.settle()
        model.closeAll()
    }

    @Test("If a connection takes fewer requests than expected, more are opened for those who wait")
    func disappointment() {
        var model = model(streamsMax: 100)
        for _ in 0..<5 { model.lease(worker: 0) }
        #expect(model.connecting.count == 1)
        model.connect(0, capacity: 1)
        #expect(model.active == 1)
        #expect(model.connecting.count == 4)
        while !model.connecting.isEmpty { model.connect(0, capacity: 1) }
        #expect(model.active == 5)
        model.settle()
        model.closeAll()
    }

    @Test(
        "A capacity lowered below what is active allows no new requests until there is room; a raised one serves who waits"
    )
    func capacityChange() {
        var model = model(streamsMax: 4, connectionsMax: 1)
        for _ in 0..<3 { model.lease(worker: 0) }
        model.connect(0)
        let connection = model.connections[0]
        model.changeCapacity(connection, to: 2)
        model.lease(worker: 0)
        #expect(model.waiting.count == 1)
        model.finish(connection)
        #expect(model.waiting.count == 1)
        model.finish(connection)
        #expect(model.waiting.isEmpty && model.active == 2)
        model.lease(worker: 0)
        model.changeCapacity(connection, to: 3)
        #expect(model.waiting.isEmpty && model.active == 3)
        model.settle()
        model.closeAll()
    }

    @Test("A peer that takes no requests for now is waited for, not connected to over and over")
    func paused() {
        var model = model(streamsMax: 4)
        for _ in 0..<2 { model.lease(worker: 0) }
        model.connect(0, capacity: 0)
        #expect(model.connecting.isEmpty && model.waiting.count == 2)
        model.changeCapacity(model.connections[0], to: 4)
        #expect(model.active == 2)
        model.settle()
        model.closeAll()
    }

    // MARK: - Ends

    @Test("A connection that drains takes no new requests and closes when the last on it ends")
    func drain() {
        var model = model(streamsMax: 4)
        for _ in 0..<2 { model.lease(worker: 0) }
        model.connect(0)
        let connection = model.connections[0]
        model.drain(connection)
        model.lease(worker: 0)
        #expect(model.connecting.count == 1)
        model.finish(connection)
        #expect(model.open[connection] != nil)
        model.finish(connection)
        #expect(model.open[connection] == nil)
        model.connect(0)
        let idle = model.connections[0]
        model.finish(idle)
        model.drain(idle)
        #expect(model.open.isEmpty)
        model.closeAll()
    }

    @Test("maxRequestsPerConnection counts streams: the connection that reached it drains")
    func streamsPerConnection() {
        var model = PoolModel(endpoints: 1, workers: 1, requestsPerConnection: 2, streamsMax: 10)
        for _ in 0..<3 { model.lease(worker: 0) }
        model.connect(0)
        let connection = model.connections[0]
        #expect(model.inUse[connection]?.count == 2)
        #expect(model.connecting.count == 1, "the third needs another")
        model.finish(connection)
        model.finish(connection)
        #expect(model.open.isEmpty)
        model.settle()
        model.closeAll()
    }

    @Test("A connection older than maxConnectionDuration closes when its request ends, or when the sweep finds it idle")
    func age() {
        var model = PoolModel(endpoints: 1, workers: 1, durationMaxMilliseconds: 1000)
        model.lease(worker: 0)
        model.connect(0)
        model.now = 999
        model.finish(model.connections[0])
        #expect(model.pools[0].expire(now: 999) == 1000)
        model.lease(worker: 0)
        model.now = 1000
        model.finish(model.connections[0])
        #expect(model.open.isEmpty)
        model.lease(worker: 0)
        model.settle()
        model.now = 2000
        model.expire(worker: 0)
        #expect(model.open.isEmpty)
        model.closeAll()
    }

    @Test("A connection past its age takes no more requests while those on it go on")
    func ageWithStreams() {
        var model = PoolModel(endpoints: 1, workers: 1, streamsMax: 10, durationMaxMilliseconds: 1000)
        model.lease(worker: 0)
        model.connect(0)
        let connection = model.connections[0]
        model.now = 1000
        model.expire(worker: 0)
        #expect(model.inUse[connection]?.count == 1)
        model.lease(worker: 0)
        #expect(model.connecting.count == 1)
        model.finish(connection)
        #expect(model.open[connection] == nil)
        model.settle()
        model.closeAll()
    }

    @Test("The idle timeout runs only while a connection carries no request")
    func idleTimeout() {
        var model = model(streamsMax: 10)
        for _ in 0..<2 { model.lease(worker: 0) }
        model.connect(0)
        let connection = model.connections[0]
        let timeout = Limits.upstreamIdleTimeoutMilliseconds
        model.now = 10
        model.finish(connection)
        model.now = timeout * 2
        #expect(model.pools[0].expire(now: model.now) == nil)
        model.finish(connection)
        #expect(model.pools[0].expire(now: model.now) == timeout * 3)
        model.now = timeout * 3
        model.expire(worker: 0)
        #expect(model.open.isEmpty)
        model.closeAll()
    }

    @Test("A broken connection settles the account of each request with the generation that it began with")
    func accounts() {
        let limited = cluster(endpoints(1), limits: ClusterLimits(requestsMax: 5))
        let house = House([limited])
        let pools = WorkerPools(worker: 0, board: house.board)
        pools.install(house.table)
        let old = house.table.cluster(0)
        let table = ClusterTable(specs: [cluster(endpoints(1))], registry: house.registry)
        let (endpoint, new) = (table.endpoint(0), table.cluster(0))
        #expect(pools.lease(request: 1, endpoint: endpoint, cluster: old, isMultiplexed: true) == .connect)
        pools.connected(connection: 0, endpoint: endpoint.slot, capacity: 10, now: 0)
        #expect(pools.next() == .assign(request: 1, connection: 0, endpoint: endpoint.slot))
        pools.install(table)
        #expect(pools.lease(request: 2, endpoint: endpoint, cluster: new, isMultiplexed: true) == .use(connection: 0))
        #expect(pools.counts(endpoint: endpoint.slot).active == 2)
        #expect(house.board.count(.requests, old.slot) == 1)
        pools.lost(connection: 0, cluster: new)
        #expect(pools.lease(request: 3, endpoint: endpoint, cluster: new, isMultiplexed: true) == .connect)
        pools.lost(connection: 0, cluster: old)
        pools.closed(connection: 0)
        #expect(house.board.count(.requests, old.slot) == 0)
        #expect(pools.counts(endpoint: endpoint.slot) == (0, 0, 1, 1, 0))
        #expect(pools.next() == nil)
    }

    @Test("Requests assigned to a connection that breaks before they hear of it wait again, before all others")
    func untold() {
        let house = House([cluster(endpoints(1))])
        let pools = WorkerPools(worker: 0, board: house.board)
        pools.install(house.table)
        let (endpoint, record) = (house.table.endpoint(0), house.table.cluster(0))
        for request: UInt32 in 1...3 {
            _ = pools.lease(request: request, endpoint: endpoint, cluster: record, isMultiplexed: true)
        }
        pools.connected(connection: 0, endpoint: endpoint.slot, capacity: 3, now: 0)
        #expect(pools.next() == .assign(request: 1, connection: 0, endpoint: endpoint.slot))
        #expect(pools.cancel(request: 2, endpoint: endpoint.slot), "who is not told yet can still be cancelled")
        pools.closed(connection: 0, ending: record)
        #expect(pools.next() == .connect(endpoint: endpoint.slot, variant: 0, request: 3))
        #expect(pools.next() == nil)
        #expect(pools.counts(endpoint: endpoint.slot) == (0, 0, 1, 1, 0))
        #expect(pools.firstFault == nil)
    }

    @Test("A close that is queued does not hit a newer connection of the same number")
    func staleClose() {
        let house = House([cluster(endpoints(1))])
        let pools = WorkerPools(worker: 0, board: house.board)
        pools.install(house.table)
        let (endpoint, record) = (house.table.endpoint(0), house.table.cluster(0))
        _ = pools.lease(request: 1, endpoint: endpoint, cluster: record)
        pools.connected(connection: 0, endpoint: endpoint.slot, capacity: 1, now: 0)
        #expect(pools.next() == .assign(request: 1, connection: 0, endpoint: endpoint.slot))
        pools.released(connection: 0, cluster: record, isReusable: false, now: 0)
        pools.closed(connection: 0)
        #expect(pools.lease(request: 2, endpoint: endpoint, cluster: record) == .connect)
        pools.connected(connection: 0, endpoint: endpoint.slot, capacity: 1, now: 0)
        #expect(pools.next() == .assign(request: 2, connection: 0, endpoint: endpoint.slot))
        #expect(pools.next() == nil)
    }

    @Test("A connection is not opened for requests that were all cancelled before the action came")
    func cancelledConnect() {
        let house = House([cluster(endpoints(1))])
        let pools = WorkerPools(worker: 0, board: house.board)
        pools.install(house.table)
        let (endpoint, record) = (house.table.endpoint(0), house.table.cluster(0))
        for request: UInt32 in 1...2 {
            _ = pools.lease(request: request, endpoint: endpoint, cluster: record, isMultiplexed: true)
        }
        pools.connected(connection: 0, endpoint: endpoint.slot, capacity: 1, now: 0)
        #expect(pools.next() == .assign(request: 1, connection: 0, endpoint: endpoint.slot))
        pools.cancel(request: 2, endpoint: endpoint.slot)
        #expect(pools.next() == nil)
        #expect(house.board.count(.connections, record.slot) == 1)
    }

    // MARK: - Sharing between workers

    @Test(
        "With maxConnections 1, a connection without streams gives way at once, one with streams when they have ended")
    func handover() {
        var model = model(streamsMax: 10, connectionsMax: 1, workers: 2)
        for _ in 0..<3 { model.lease(worker: 0) }
        model.connect(0)
        let connection = model.connections[0]
        let request = model.lease(worker: 1)
        model.deliverAll()
        model.finish(connection)
        let late = model.lease(worker: 0)
        #expect(model.waiting == [request, late], "no new request on a connection that gives way")
        model.finish(connection)
        model.finish(connection)
        #expect(model.open.isEmpty)
        model.deliverAll()
        #expect(model.connecting.map(\.worker) == [1])
        model.settle()
        #expect(model.served.suffix(2) == [request, late])
        model.closeAll()
    }

    @Test("A connection that gives way takes requests again when nobody wants its slot any more")
    func resumption() {
        var model = model(streamsMax: 10, connectionsMax: 1, workers: 2)
        for _ in 0..<3 { model.lease(worker: 0) }
        model.connect(0)
        let connection = model.connections[0]
        model.lease(worker: 1)
        model.deliverAll()
        model.finish(connection)
        let early = model.lease(worker: 0)
        #expect(model.waiting.contains(early))
        model.cancel(model.waiting.firstIndex { $0.worker == 1 } ?? 0)
        model.lease(worker: 0)
        #expect(model.waiting.isEmpty && model.inUse[connection]?.count == 4)
        model.settle()
        model.closeAll()
    }

    @Test("With maxConnections 1, a worker whose streams overlap without end lets the other have its turn")
    func overlap() {
        var model = model(streamsMax: 10, connectionsMax: 1, workers: 2)
        model.lease(worker: 0)
        model.connect(0)
        model.lease(worker: 0)
        let request = model.lease(worker: 1)
        for _ in 0..<50 where !model.served.contains(request) {
            model.deliverAll()
            while !model.connecting.isEmpty { model.connect(0) }
            model.lease(worker: 0)
            if let connection = model.inUse.keys.first { model.finish(connection) }
        }
        #expect(model.served.contains(request))
        model.settle()
        model.closeAll()
    }

    // MARK: - Generations, connections outside

    @Test("Connections with streams to endpoints that a new generation lacks close when the last stream ends")
    func retirement() {
        let house = House([cluster(endpoints(2))])
        let pools = WorkerPools(worker: 0, board: house.board)
        pools.install(house.table)
        let (endpoint, record) = (house.table.endpoint(1), house.table.cluster(0))
        for request: UInt32 in 1...2 {
            _ = pools.lease(request: request, endpoint: endpoint, cluster: record, variant: 3, isMultiplexed: true)
        }
        pools.connected(connection: 0, endpoint: endpoint.slot, variant: 3, capacity: 9, now: 0)
        #expect(pools.next() == .assign(request: 1, connection: 0, endpoint: endpoint.slot))
        #expect(pools.next() == .assign(request: 2, connection: 0, endpoint: endpoint.slot))
        pools.install(ClusterTable(specs: [cluster(endpoints(1))], registry: house.registry))
        pools.released(connection: 0, cluster: record, isReusable: true, now: 0)
        #expect(pools.next() == nil)
        #expect(pools.hasRetiredConnections)
        pools.released(connection: 0, cluster: record, isReusable: true, now: 0)
        #expect(pools.next() == .close(connection: 0, endpoint: endpoint.slot))
        pools.closed(connection: 0)
        #expect(!pools.hasRetiredConnections)
        #expect(pools.firstFault == nil)
    }

    @Test(
        "A connection outside any pool counts against maxConnections and in the loads, and is refused when all are taken"
    )
    func outside() {
        let house = House([cluster(endpoints(1), limits: ClusterLimits(connectionsMax: 1))], workers: 2)
        let pools = (0..<2).map { WorkerPools(worker: $0, board: house.board) }
        for pool in pools { pool.install(house.table) }
        let (endpoint, record) = (house.table.endpoint(0), house.table.cluster(0))
        #expect(pools[0].acquireConnection(endpoint: endpoint.slot, cluster: record))
        #expect(!pools[1].acquireConnection(endpoint: endpoint.slot, cluster: record))
        #expect(pools[0].loads.active(endpoint: endpoint.slot) == 1)
        #expect(pools[0].counts(endpoint: endpoint.slot) == (0, 1, 0, 0, 1))
        #expect(house.board.count(.connections, endpoint: endpoint.slot) == 1)
        #expect(pools[1].lease(request: 1, endpoint: endpoint, cluster: record) == .wait)
        while pools[1].next() != nil {}
        pools[0].releaseConnection(endpoint: endpoint.slot, cluster: record)
        #expect(pools[0].next() == .poke(workers: 2, cluster: record.slot), "its slot passes on")
        #expect(!pools[0].acquireConnection(endpoint: endpoint.slot, cluster: record), "to who waits, nobody else")
        pools[1].poked(cluster: record.slot)
        #expect(pools[1].next() == .connect(endpoint: endpoint.slot, variant: 0, request: 1))
        #expect(pools[0].loads.active(endpoint: endpoint.slot) == 0)
    }
}
