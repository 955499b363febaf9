import Testing
import Wire

@testable import Clusters

/// Workers, their pools and a network that does what it is told, to hold the pools to their word: it performs all actions,
/// delivers pokes when asked to, and checks after each step what must always hold.
struct PoolModel {
    struct Request: Hashable {
        var worker: Int
        var endpoint: Int
        var variant: UInt32 = 0
        var id: UInt32
    }

    struct Connection: Hashable {
        var worker: Int
        var endpoint: Int
        var id: UInt32
    }

    /// What the model knows of an open connection.
    struct Open {
        var variant: UInt32 = 0
        var capacity: UInt32 = 1
        var served = 0
        var drains = false
    }

    struct Attempt {
        var worker: Int
        var endpoint: Int
        var variant: UInt32
    }

    let house: House
    let pools: [WorkerPools]
    let isMultiplexed: Bool
    var now = 0
    /// Breaks one in ten connections when a request is assigned to it, from within the action.
    var breaks: Draws?
    private var lastID: UInt32 = 0
    private var isPerforming = false

    /// Connections on their way.
    var connecting: [Attempt] = []
    var open: [Connection: Open] = [:]
    /// Requests by connection, those that have none left out.
    var inUse: [Connection: [Request]] = [:]
    var waiting: [Request] = []
    var pokes: [(worker: Int, cluster: Int32)] = []
    var refused: [Request] = []
    var failed: [Request] = []
    var served: [Request] = []

    init(
        endpoints count: Int, workers: Int, limits: ClusterLimits = ClusterLimits(), requestsPerConnection: Int = 0,
        streamsMax: Int? = nil, durationMaxMilliseconds: Int = 0
    ) {
        var spec = cluster(endpoints(count), limits: limits)
        spec.requestsPerConnectionMax = requestsPerConnection
        spec.connectionDurationMaxMilliseconds = durationMaxMilliseconds
        spec.streamsMax = streamsMax ?? 1
        isMultiplexed = streamsMax != nil
        house = House([spec], workers: workers)
        pools = (0..<workers).map { [board = house.board] in WorkerPools(worker: $0, board: board) }
        for pool in pools { pool.install(house.table) }
    }

    var record: ClusterRecord { house.table.cluster(0) }
    var limits: ClusterLimits { house.table.specs[0].limits }
    var active: Int { inUse.values.reduce(0) { $0 + $1.count } }
    /// Open connections, the first first.
    var connections: [Connection] { open.keys.sorted { $0.id < $1.id } }

    // MARK: - Steps

    @discardableResult
    mutating func lease(worker: Int, endpoint: Int = 0, variant: UInt32 = 0) -> Request {
        lastID += 1
        let request = Request(worker: worker, endpoint: endpoint, variant: variant, id: lastID)
        let answer = pools[worker].lease(
            request: request.id, endpoint: house.table.endpoint(endpoint), cluster: record, variant: variant,
            isMultiplexed: isMultiplexed)
        switch answer {
        case .use(let id): use(Connection(worker: worker, endpoint: endpoint, id: id), request)
        case .connect:
            waiting.append(request)
            connecting.append(Attempt(worker: worker, endpoint: endpoint, variant: variant))
        case .wait: waiting.append(request)
        case .refuse: refused.append(request)
        }
        perform(worker)
        return request
    }

    mutating func connect(_ index: Int, succeeds: Bool = true, capacity: UInt32? = nil) {
        let attempt = connecting.remove(at: index)
        let (worker, endpoint) = (attempt.worker, attempt.endpoint)
        if succeeds {
            lastID += 1
            let capacity = capacity ?? record.streamsMax
            open[Connection(worker: worker, endpoint: endpoint, id: lastID)] = Open(
                variant: attempt.variant, capacity: capacity)
            pools[worker].connected(
                connection: lastID, endpoint: house.slot(endpoint), variant: attempt.variant, capacity: capacity,
                now: now)
        } else {
            pools[worker].connectFailed(endpoint: house.slot(endpoint), variant: attempt.variant)
        }
        perform(worker)
    }

    /// The `index`th request on the connection ends.
    mutating func finish(_ connection: Connection, _ index: Int = 0, isReusable: Bool = true) {
        guard let request = remove(connection, index) else { return }
        served.append(request)
        if !isReusable { open[connection]?.drains = true }
        pools[connection.worker].released(
            connection: connection.id, cluster: record, isReusable: isReusable, now: now)
        perform(connection.worker)
    }

    /// The peer closes.
    mutating func drop(_ connection: Connection) {
        let pool = pools[connection.worker]
        let requests = inUse.removeValue(forKey: connection) ?? []
        open[connection] = nil
        if requests.count == 1 {
            pool.closed(connection: connection.id, ending: record)
        } else {
            for _ in requests { pool.lost(connection: connection.id, cluster: record) }
            pool.closed(connection: connection.id)
        }
        perform(connection.worker)
    }

    mutating func drain(_ connection: Connection) {
        open[connection]?.drains = true
        pools[connection.worker].drain(connection: connection.id)
        perform(connection.worker)
    }

    mutating func changeCapacity(_ connection: Connection, to capacity: UInt32) {
        open[connection]?.capacity = capacity
        pools[connection.worker].capacityChanged(connection: connection.id, to: capacity)
        perform(connection.worker)
    }

    mutating func cancel(_ index: Int) {
        let request = waiting.remove(at: index)
        #expect(
            pools[request.worker].cancel(
                request: request.id, endpoint: house.slot(request.endpoint), variant: request.variant))
        perform(request.worker)
    }

    mutating func deliver(_ index: Int) {
        let poke = pokes.remove(at: index)
        pools[poke.worker].poked(cluster: poke.cluster)
        perform(poke.worker)
    }

    mutating func deliverAll() {
        while !pokes.isEmpty { deliver(0) }
    }

    mutating func expire(worker: Int) {
        _ = pools[worker].expire(now: now)
        perform(worker)
    }

    // MARK: - Actions

    private mutating func use(_ connection: Connection, _ request: Request) {
        let most = house.table.cluster(0).requestsPerConnectionMax
        guard let known = open[connection] else {
            Issue.record("only an open connection is used")
            return
        }
        #expect(known.variant == request.variant, "a connection serves its variant")
        #expect(!known.drains, "a connection that drains takes no requests")
        #expect(inUse[connection, default: []].count < Int(known.capacity), "a connection takes what it can")
        #expect(most == 0 || known.served < most, "a connection has its number of requests")
        open[connection]?.served += 1
        inUse[connection, default: []].append(request)
    }

    private mutating func remove(_ connection: Connection, _ index: Int) -> Request? {
        guard let request = inUse[connection]?.remove(at: index) else { return nil }
        if inUse[connection]?.isEmpty == true { inUse[connection] = nil }
        return request
    }

    private mutating func perform(_ worker: Int) {
        guard !isPerforming else { return }
        isPerforming = true
        while let action = pools[worker].next() { perform(action, worker) }
        isPerforming = false
        check()
    }

    private mutating func perform(_ action: PoolAction, _ worker: Int) {
        switch action {
        case .assign(let id, let connection, let slot): assign(id, connection, endpoint(slot), worker)
        case .connect(let slot, let variant, let id):
            #expect(waiting.contains { $0.id == id && $0.variant == variant })
            connecting.append(Attempt(worker: worker, endpoint: endpoint(slot), variant: variant))
        case .close(let id, _):
            let connection = open.keys.first { $0.worker == worker && $0.id == id }
            #expect(connection.map { inUse[$0] == nil } == true, "only a free connection is closed")
            if let connection { open[connection] = nil }
            pools[worker].closed(connection: id)
        case .refuse(let id, _): move(id, to: \.refused)
        case .fail(let id): move(id, to: \.failed)
        case .poke(let workers, let cluster):
            for worker in 0..<pools.count where workers >> UInt64(worker) & 1 == 1 { pokes.append((worker, cluster)) }
        }
    }

    private mutating func assign(_ id: UInt32, _ number: UInt32, _ endpoint: Int, _ worker: Int) {
        let connection = Connection(worker: worker, endpoint: endpoint, id: number)
        let variant = open[connection]?.variant
        let first = waiting.first { $0.worker == worker && $0.endpoint == endpoint && $0.variant == variant }
        #expect(first?.id == id, "who waits longest is served first")
        guard let first else { return }
        waiting.removeAll { $0 == first }
        use(connection, first)
        if breaks != nil, Int.random(in: 0..<10, using: &breaks!) == 0 { drop(connection) }
    }

    private func endpoint(_ slot: Int32) -> Int {
        house.table.endpointRange(of: 0).first { house.slot($0) == slot } ?? -1
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
        // Who lost a connection before it was told of it waits beyond the limit.
        #expect(waiting.count <= limits.pendingMax || breaks != nil)
        #expect(active <= limits.requestsMax)
        #expect(board.activeRequests(cluster: slot) == active)
        if limits.requestsMax < Limits.unlimited { #expect(board.count(.requests, slot) == active) }
        for pool in pools {
            let fault = pool.firstFault
            #expect(fault == nil)
        }
    }

    // MARK: - The end

    /// Lets everything under way come to its end, without new requests; then nothing may wait any more.
    mutating func settle(_ comment: Comment? = nil) {
        breaks = nil
        for _ in 0..<100_000 {
            if !pokes.isEmpty {
                deliver(0)
            } else if !connecting.isEmpty {
                connect(0)
            } else if let connection = inUse.keys.min(by: { $0.id < $1.id }) {
                finish(connection)
            } else if let paused = connections.first(where: { open[$0]?.capacity == 0 }) {
                changeCapacity(paused, to: 1)
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
