import Clusters
import Wire

// An endpoint is chosen, a connection leased and given back.
extension Case {
    static var clusters: [() -> Case] {
        [
            { pick("least request", .leastRequest) },
            { pick("least request with weights", .leastRequest, weights: [1, 2, 3, 4]) },
            { pick("round robin", .roundRobin) },
            { pick("round robin with weights", .roundRobin, weights: [1, 2, 3, 4]) },
            { pick("random", .random) },
            { lease() },
        ]
    }

    /// A cluster of 16 endpoints, and what goes with it.
    private struct Place {
        let board = Board(workers: 1)
        let registry: SlotRegistry
        let table: ClusterTable

        init(_ kind: BalancerKind, weights: [Int]) {
            registry = SlotRegistry(board: board)
            let endpoints = (0..<16).map { number in
                EndpointSpec(
                    address: .socket(.ipv4(0x0A00_0001 + UInt32(number), port: 80)),
                    weight: weights[number % weights.count])
            }
            let spec = ClusterSpec(name: "app", host: "app", port: 80, endpoints: endpoints, balancer: kind)
            table = ClusterTable(specs: [spec], registry: registry)
        }
    }

    private static func pick(_ name: String, _ kind: BalancerKind, weights: [Int] = [1]) -> Case {
        let place = Place(kind, weights: weights)
        let loads = place.board.loads(worker: 0)
        let cluster = place.table.cluster(0)
        var balancer = Balancer(seed: 7)
        var draw: UInt64 = 7
        return Case("pick by \(name)") { times in
            for _ in 0..<times {
                draw = draw &* 0x5851_F42D_4C95_7F2D &+ 0x1405_7B7E_F767_814F
                let pick = balancer.pick(
                    cluster: cluster, table: place.table, board: place.board, loads: loads, draw: draw)
                guard case .endpoint(let index) = pick else { fatalError("no endpoint") }
                sink &+= Int(index)
            }
        }
    }

    private static func lease() -> Case {
        let place = Place(.leastRequest, weights: [1])
        let cluster = place.table.cluster(0)
        let endpoint = place.table.endpoint(0)
        let pools = WorkerPools(worker: 0, board: place.board)
        pools.install(place.table)
        guard case .connect = pools.lease(request: 0, endpoint: endpoint, cluster: cluster) else {
            fatalError("no connection")
        }
        pools.connected(connection: 0, endpoint: endpoint.slot, capacity: 1, now: 0)
        while pools.next() != nil {}
        pools.released(connection: 0, cluster: cluster, isReusable: true, now: 0)
        while pools.next() != nil {}
        return Case("lease a connection and give it back") { times in
            for time in 0..<times {
                guard case .use(let connection) = pools.lease(request: 1, endpoint: endpoint, cluster: cluster) else {
                    fatalError("no connection")
                }
                pools.released(connection: connection, cluster: cluster, isReusable: true, now: time)
                while pools.next() != nil {}
                sink &+= Int(connection)
            }
        }
    }
}
