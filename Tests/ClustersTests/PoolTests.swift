import Testing
import Wire

@testable import Clusters

@Suite("Pools")
struct PoolTests {
    @Test("A connection is used again, the last one first")
    func reuse() {
        var model = PoolModel(endpoints: 1, workers: 1, limits: ClusterLimits())
        model.lease(worker: 0)
        model.lease(worker: 0)
        #expect(model.connecting.count == 2)
        model.connect(0)
        model.connect(0)
        let connections = model.inUse.keys.sorted { $0.id < $1.id }
        model.finish(connections[1])
        model.finish(connections[0])
        model.lease(worker: 0)
        #expect(Array(model.inUse.keys) == [connections[0]])
        #expect(model.connecting.isEmpty)
        model.closeAll()
    }

    @Test("No more connections are opened than requests wait for")
    func coverage() {
        var model = PoolModel(endpoints: 1, workers: 1, limits: ClusterLimits())
        model.lease(worker: 0)
        model.cancel(0)
        model.lease(worker: 0)
        #expect(model.connecting.count == 1)
        model.connect(0)
        #expect(model.inUse.count == 1)
        model.closeAll()
    }

    @Test("Over http1MaxPendingRequests a request is refused")
    func pendingOverflow() {
        var model = PoolModel(endpoints: 1, workers: 2, limits: ClusterLimits(pendingMax: 1))
        model.lease(worker: 0)
        let request = model.lease(worker: 1)
        #expect(model.refused == [request])
        model.settle()
        model.closeAll()
    }

    @Test("Over http2MaxRequests a request is refused when it would be sent, at once or after its wait")
    func requestOverflow() {
        var model = PoolModel(endpoints: 1, workers: 1, limits: ClusterLimits(requestsMax: 1))
        model.lease(worker: 0)
        let second = model.lease(worker: 0)
        model.connect(0)
        #expect(model.refused.isEmpty)
        model.connect(0)
        #expect(model.refused == [second])
        let third = model.lease(worker: 0)
        #expect(model.refused == [second, third])
        model.closeAll()
    }

    @Test("A failed attempt to connect fails all who wait there")
    func connectFailure() {
        var model = PoolModel(endpoints: 2, workers: 1, limits: ClusterLimits())
        for _ in 0..<3 { model.lease(worker: 0) }
        model.lease(worker: 0, endpoint: 1)
        model.connect(0, succeeds: false)
        #expect(model.failed.count == 3)
        #expect(model.waiting.map(\.endpoint) == [1])
        model.settle()
        model.closeAll()
    }

    @Test("A connection closes after maxRequestsPerConnection, or when it may not be used again")
    func requestsPerConnection() {
        var model = PoolModel(endpoints: 1, workers: 1, limits: ClusterLimits(), requestsPerConnection: 2)
        for expected in [1, 0, 1] {
            model.lease(worker: 0)
            model.settle()
            #expect(model.open.count == expected)
        }
        model.lease(worker: 0)
        model.closeAll()
    }

    @Test("Idle connections close when their time is over, the oldest first")
    func expiry() {
        var model = PoolModel(endpoints: 1, workers: 1, limits: ClusterLimits())
        model.lease(worker: 0)
        model.lease(worker: 0)
        model.connect(0)
        model.connect(0)
        let connections = model.inUse.keys.sorted { $0.id < $1.id }
        model.finish(connections[0])
        model.now = 1000
        model.finish(connections[1])
        let timeout = Limits.upstreamIdleTimeoutMilliseconds
        model.now = timeout
        #expect(model.pools[0].expire(now: timeout - 1) == timeout)
        model.expire(worker: 0)
        #expect(Array(model.open.keys) == [connections[1]])
        #expect(model.pools[0].expire(now: timeout) == timeout + 1000)
        model.closeAll()
    }

    @Test("With two workers and maxConnections 1, an idle connection gives way to another worker's request")
    func idleHandover() {
        var model = PoolModel(endpoints: 1, workers: 2, limits: ClusterLimits(connectionsMax: 1))
        model.lease(worker: 0)
        model.settle()
        #expect(model.open.count == 1)
        let request = model.lease(worker: 1)
        #expect(model.waiting == [request])
        model.settle()
        #expect(model.served.last == request)
        model.closeAll()
    }

    @Test("With two workers and maxConnections 1, a worker that never rests lets the other have its turn")
    func busyHandover() {
        var model = PoolModel(endpoints: 1, workers: 2, limits: ClusterLimits(connectionsMax: 1))
        for _ in 0..<4 { model.lease(worker: 0) }
        model.connect(0)
        let request = model.lease(worker: 1)
        for _ in 0..<Limits.handoverRequestsMax + 1 {
            while !model.pokes.isEmpty { model.deliver(0) }
            guard let connection = model.inUse.keys.first(where: { $0.worker == 0 }) else { break }
            model.lease(worker: 0)
            model.finish(connection)
        }
        model.settle()
        #expect(model.served.firstIndex(of: request).map { $0 <= Limits.handoverRequestsMax + 4 } == true)
        model.closeAll()
    }

    @Test("With one worker and maxConnections 1, an endpoint's idle connection gives way to another endpoint's request")
    func siblingHandover() {
        var model = PoolModel(endpoints: 2, workers: 1, limits: ClusterLimits(connectionsMax: 1))
        model.lease(worker: 0, endpoint: 0)
        model.settle()
        model.lease(worker: 0, endpoint: 1)
        model.settle()
        #expect(model.served.map(\.endpoint) == [0, 1])
        model.closeAll()
    }

    @Test("Endpoints that a new generation lacks keep no connection, and hold their slots until the last is closed")
    func retiredEndpoint() {
        let house = House([cluster(endpoints(2))])
        let pools = WorkerPools(worker: 0, board: house.board)
        pools.install(house.table)
        let (endpoint, record) = (house.table.endpoint(1), house.table.cluster(0))
        for request: UInt32 in 1...3 { _ = pools.lease(request: request, endpoint: endpoint, cluster: record) }
        pools.connected(connection: 7, endpoint: endpoint.slot, capacity: 1, now: 0)
        pools.connected(connection: 8, endpoint: endpoint.slot, capacity: 1, now: 0)
        #expect(pools.next() == .assign(request: 1, connection: 7, endpoint: endpoint.slot))
        #expect(pools.next() == .assign(request: 2, connection: 8, endpoint: endpoint.slot))
        pools.cancel(request: 3, endpoint: endpoint.slot)
        pools.released(connection: 8, cluster: record, isReusable: true, now: 0)
        #expect(pools.next() == nil)

        pools.install(ClusterTable(specs: [cluster(endpoints(1))], registry: house.registry))
        #expect(pools.next() == .close(connection: 8, endpoint: endpoint.slot))
        pools.closed(connection: 8)
        pools.released(connection: 7, cluster: record, isReusable: true, now: 0)
        #expect(pools.next() == .close(connection: 7, endpoint: endpoint.slot))
        pools.closed(connection: 7)
        #expect(pools.hasRetiredConnections)
        pools.connectFailed(endpoint: endpoint.slot)
        #expect(!pools.hasRetiredConnections)
        #expect(pools.next() == nil)
    }

    @Test("A limit set by a new generation makes idle connections give way, one that is lifted serves all who wait")
    func changedLimits() {
        let house = House([cluster(endpoints(1), limits: ClusterLimits(connectionsMax: 1))], workers: 2)
        let pools = (0..<2).map { WorkerPools(worker: $0, board: house.board) }
        for pool in pools { pool.install(house.table) }
        let (endpoint, record) = (house.table.endpoint(0), house.table.cluster(0))
        #expect(pools[0].lease(request: 1, endpoint: endpoint, cluster: record) == .connect)
        #expect(pools[1].lease(request: 2, endpoint: endpoint, cluster: record) == .wait)
        #expect(pools[1].lease(request: 3, endpoint: endpoint, cluster: record) == .wait)
        #expect(pools[1].next() == .poke(workers: 1, cluster: record.slot))
        pools[1].install(ClusterTable(specs: [cluster(endpoints(1))], registry: house.registry))
        #expect(pools[1].next() == .connect(endpoint: endpoint.slot, variant: 0, request: 3))
        #expect(pools[1].next() == .connect(endpoint: endpoint.slot, variant: 0, request: 3))
        #expect(pools[1].next() == nil)
        #expect(house.board.wanted(record.slot) == 0)
    }
}
