import Testing
import Wire

@testable import Clusters

/// Workers, their pools and a network that does what it is told, to hold the pools to their word: it performs all actions,
/// delivers pokes when asked to, and checks after each step what must always hold.
struct PoolModel {
    struct Request: Hashable {
        var worker: Int
        var endpoint: Int
        var id: UInt32
    }

    struct Connection: Hashable {
        var worker: Int
        var endpoint: Int
        var id: UInt32
    }

    let house: House
    let pools: [WorkerPools]
    var now = 0
    private var lastID: UInt32 = 0

    /// Connections on their way, by worker and endpoint.
    var connecting: [(worker: Int, endpoint: Int)] = []
    var open: [Connection: Int] = [:]
    var inUse: [Connection: Request] = [:]
    var waiting: [Request] = []
    var pokes: [(worker: Int, cluster: Int32)] = []
    var refused: [Request] = []
    var failed: [Request] = []
    var served: [Request] = []

    init(endpoints count: Int, workers: Int, limits: ClusterLimits, requestsPerConnection: Int = 0) {
        var spec = cluster(endpoints(count), limits: limits)
        spec.requestsPerConnectionMax = requestsPerConnection
        house = House([spec], workers: workers)
        pools = (0..<workers).map { [board = house.board] in WorkerPools(worker: $0, board: board) }
        for pool in pools { pool.install(house.table) }
    }

    var record: ClusterRecord { house.table.cluster(0) }
    var limits: ClusterLimits { house.table.specs[0].limits }

    // MARK: - Steps

    @discardableResult
    mutating func lease(worker: Int, endpoint: Int = 0) -> Request {
        lastID += 1
        let request = Request(worker: worker, endpoint: endpoint, id: lastID)
        switch pools[worker].lease(request: request.id, endpoint: house.table.endpoint(endpoint), cluster: record) {
        case .use(let id): use(Connection(worker: worker, endpoint: endpoint, id: id), request)
        case .connect:
            waiting.append(request)
            connecting.append((worker, endpoint))
        case .wait: waiting.append(request)
        case .refuse: refused.append(request)
        }
        perform(worker)
        return request
    }

    mutating func connect(_ index: Int, succeeds: Bool = true) {
        let (worker, endpoint) = connecting.remove(at: index)
        if succeeds {
            lastID += 1
            open[Connection(worker: worker, endpoint: endpoint, id: lastID)] = 0
            pools[worker].connected(connection: lastID, endpoint: house.slot(endpoint), now: now)
        } else {
            pools[worker].connectFailed(endpoint: house.slot(endpoint))
        }
        perform(worker)
    }

    mutating func finish(_ connection: Connection, isReusable: Bool = true) {
        guard let request = inUse.removeValue(forKey: connection) else { return }
        served.append(request)
        pools[connection.worker].released(
            connection: connection.id, endpoint: house.slot(connection.endpoint), cluster: record,
            isReusable: isReusable,
            served: open[connection] ?? 0, now: now)
        perform(connection.worker)
    }

    /// The peer closes.
    mutating func drop(_ connection: Connection) {
        open[connection] = nil
        let wasInUse = inUse.removeValue(forKey: connection) != nil
        pools[connection.worker].closed(
            connection: connection.id, endpoint: house.slot(connection.endpoint), ending: wasInUse ? record : nil)
        perform(connection.worker)
    }

    mutating func cancel(_ index: Int) {
        let request = waiting.remove(at: index)
        #expect(pools[request.worker].cancel(request: request.id, endpoint: house.slot(request.endpoint)))
        perform(request.worker)
    }

    mutating func deliver(_ index: Int) {
        let poke = pokes.remove(at: index)
        pools[poke.worker].poked(cluster: poke.cluster)
        perform(poke.worker)
    }

    mutating func expire(worker: Int) {
        _ = pools[worker].expire(now: now)
        perform(worker)
    }

    // MARK: - Actions

    private mutating func use(_ connection: Connection, _ request: Request) {
        #expect(open[connection] != nil && inUse[connection] == nil, "a connection carries one request")
        open[connection, default: 0] += 1
        inUse[connection] = request
    }

    private mutating func perform(_ worker: Int) {
        while let action = pools[worker].next() {
            switch action {
            case .assign(let id, let connection, let slot):
                let endpoint = house.table.endpointRange(of: 0).first { house.slot($0) == slot } ?? -1
                let first = waiting.first { $0.worker == worker && $0.endpoint == endpoint }
                #expect(first?.id == id, "who waits longest is served first")
                waiting.removeAll { $0.id == id }
                use(
                    Connection(worker: worker, endpoint: endpoint, id: connection),
                    Request(worker: worker, endpoint: endpoint, id: id))
            case .connect(let slot, let id):
                #expect(waiting.contains { $0.id == id })
                connecting.append((worker, house.table.endpointRange(of: 0).first { house.slot($0) == slot } ?? -1))
            case .close(let id, let slot):
                let connection = open.keys.first { $0.worker == worker && $0.id == id }
                #expect(connection.map { inUse[$0] == nil } == true, "only a free connection is closed")
                if let connection { open[connection] = nil }
                pools[worker].closed(connection: id, endpoint: slot)
            case .refuse(let id, _): move(id, to: \.refused)
            case .fail(let id): move(id, to: \.failed)
            case .poke(let workers, let cluster):
                for worker in 0..<pools.count where workers >> UInt64(worker) & 1 == 1 {
                    pokes.append((worker, cluster))
                }
            }
        }
        check()
    }

    private mutating func move(_ id: UInt32, to list: WritableKeyPath<PoolModel, [Request]>) {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else {
            Issue.record("an action speaks of a request that does not wait")
            return
        }
        self[keyPath: list].append(waiting.remove(at: index))
    }

    private func check() {
        let slot = record.slot
        let board = house.board
        let connections = board.count(.connections, slot)
        #expect(connections == open.count + connecting.count)
        #expect(connections <= limits.connectionsMax)
        #expect(board.count(.pending, slot) == waiting.count)
        #expect(waiting.count <= limits.pendingMax)
        #expect(inUse.count <= limits.requestsMax)
        #expect(board.activeRequests(cluster: slot) == inUse.count)
        if limits.requestsMax < Limits.unlimited { #expect(board.count(.requests, slot) == inUse.count) }
    }

    // MARK: - The end

    /// Lets everything under way come to its end, without new requests; then nothing may wait any more.
    mutating func settle(_ comment: Comment? = nil) {
        for _ in 0..<100_000 {
            if !pokes.isEmpty {
                deliver(0)
            } else if !connecting.isEmpty {
                connect(0)
            } else if let connection = inUse.keys.min(by: { $0.id < $1.id }) {
                finish(connection)
            } else {
                break
            }
        }
        #expect(waiting.isEmpty && inUse.isEmpty && pokes.isEmpty, comment)
    }

    /// Closes what is idle and sees that nothing is left on the board.
    mutating func closeAll() {
        for connection in open.keys { drop(connection) }
        settle()
        let (board, slot) = (house.board, record.slot)
        for counter: Board.ClusterCounter in [.connections, .pending, .requests] {
            #expect(board.count(counter, slot) == 0)
        }
        for endpoint in house.table.endpointRange(of: 0) {
            #expect(board.count(.connections, endpoint: house.slot(endpoint)) == 0)
            #expect(board.count(.requests, endpoint: house.slot(endpoint)) == 0)
        }
        #expect(board.wanted(slot) == 0)
        #expect(board.activeRequests(cluster: slot) == 0)
    }
}
