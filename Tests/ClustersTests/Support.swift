import Testing
import Wire

@testable import Clusters

/// A seeded generator (splitmix64), so that every run draws the same.
struct Draws: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}

/// A board, its registry and one table.
struct House {
    let board: Board
    let registry: SlotRegistry
    var table: ClusterTable

    init(_ specs: [ClusterSpec], workers: Int = 1) {
        board = Board(workers: workers)
        registry = SlotRegistry(board: board)
        table = ClusterTable(specs: specs, registry: registry)
    }

    func slot(_ endpoint: Int) -> Int32 { table.endpoint(endpoint).slot }
}

/// Endpoints 10.0.0.1:80 and so on.
func endpoints(_ count: Int, weights: [Int] = []) -> [EndpointSpec] {
    (0..<count).map {
        EndpointSpec(
            address: .socket(.ipv4(0x0A00_0001 + UInt32($0), port: 80)), weight: weights.isEmpty ? 1 : weights[$0])
    }
}

func cluster(
    _ endpoints: [EndpointSpec], _ balancer: BalancerKind = .leastRequest, name: String = "a",
    limits: ClusterLimits = ClusterLimits(), outlier: OutlierPolicy? = nil
) -> ClusterSpec {
    ClusterSpec(
        name: name, host: name, port: 80, endpoints: endpoints, balancer: balancer, limits: limits, outlier: outlier)
}
