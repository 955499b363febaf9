import Testing
import Wire

@testable import Clusters

@Suite("Cluster tables")
struct ClusterTableTests {
    private func named(_ resolution: Resolution) -> ClusterSpec {
        var spec = cluster([
            EndpointSpec(address: .name("db.example", port: 5432), weight: 3, locality: "r/z"),
            EndpointSpec(address: .socket(.unix("/run/app.sock"))),
            EndpointSpec(address: .name("unknown.example", port: 1)),
        ])
        spec.resolution = resolution
        return spec
    }

    private let answers: [String: [SocketAddress]] = [
        "db.example": [.ipv4(0x0102_0304, port: 0), .ipv6(0, 1, port: 9, scope: 0), .ipv4(0x0102_0304, port: 1)]
    ]

    private func texts(_ table: ClusterTable) -> [String] {
        (0..<table.endpointCount).map { String(decoding: table.addressBytes(of: $0), as: UTF8.self) }
    }

    @Test("A name gives an endpoint for each of its addresses, with its own port, doubles once, unresolved names none")
    func dns() {
        let registry = SlotRegistry(board: Board(workers: 1))
        let table = ClusterTable(specs: [named(.dns)], registry: registry, resolved: answers)
        #expect(texts(table) == ["1.2.3.4:5432", "[::1]:5432", "unix:///run/app.sock"])
        #expect(table.cluster(0).endpointCount == 3)
        #expect(table.cluster(0).flags == .isWeighted)
        #expect(table.endpoint(1).weight == 3)
        #expect(table.locality(table.endpoint(0).localityIndex) == "r/z")
        #expect(table.endpointSpec(of: 2).address == .socket(.unix("/run/app.sock")))
        #expect(table.address(of: 2) == .unix("/run/app.sock"))
    }

    @Test("A logical name is one endpoint that keeps its slot when its address changes")
    func dnsFirst() {
        let registry = SlotRegistry(board: Board(workers: 1))
        let table = ClusterTable(specs: [named(.dnsFirst)], registry: registry, resolved: answers)
        #expect(texts(table) == ["1.2.3.4:5432", "unix:///run/app.sock"])
        let moved = ClusterTable(
            specs: [named(.dnsFirst)], registry: registry, resolved: ["db.example": [.ipv4(0x0506_0708, port: 0)]])
        #expect(texts(moved).first == "5.6.7.8:5432")
        #expect(moved.endpoint(0).slot == table.endpoint(0).slot)
    }

    @Test("Records say what is limited, bytes what clusters are called")
    func records() {
        var spec = cluster(
            endpoints(2), limits: ClusterLimits(connectionsMax: 7, requestsMax: 9),
            outlier: OutlierPolicy(splitsLocalFailures: true, minHealthPercent: 400))
        spec.tcpKeepalive = TCPKeepalive(probes: 1)
        spec.requestsPerConnectionMax = -4
        let house = House([cluster([], name: "none"), spec])
        let record = house.table.cluster(1)
        #expect(
            record.flags == [
                .countsRequests, .limitsConnections, .detectsOutliers, .splitsLocalFailures, .keepsAlive,
            ])
        #expect(record.connectionsMax == 7 && record.requestsMax == 9 && record.pendingMax == .max)
        #expect(record.panicPercent == 100 && record.requestsPerConnectionMax == 0)
        #expect(house.table.outlierPolicy(record.outlierIndex) == spec.outlier)
        #expect(house.table.cluster(0).outlierIndex == -1 && house.table.cluster(0).flags == [])
        #expect(String(decoding: house.table.nameBytes(of: 0), as: UTF8.self) == "none")
        #expect(house.table.index(of: "a") == 1 && house.table.index(of: "b") == nil)
        #expect(MemoryLayout<ClusterRecord>.stride <= 104 && MemoryLayout<EndpointRecord>.stride <= 24)
    }

    @Test("Weights below one count as one, absurd ones are cut")
    func weights() {
        let house = House([cluster(endpoints(3, weights: [-5, 0, .max]))])
        #expect((0..<3).map { house.table.endpoint($0).weight } == [1, 1, .max])
    }
}
