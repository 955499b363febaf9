import Testing
import Wire

@testable import Clusters

@Suite("Balancers")
struct BalancerTests {
    /// Picks so often and counts by position.
    private func distribution(
        _ house: House, picks: Int, seed: UInt64 = 1, tried: TriedHosts = TriedHosts()
    ) -> [Int] {
        var balancer = Balancer(seed: 0)
        var draws = Draws(seed: seed)
        var counts = [Int](repeating: 0, count: house.table.endpointCount)
        for _ in 0..<picks {
            if case .endpoint(let index) = pick(&balancer, house, draws.next(), tried) { counts[Int(index)] += 1 }
        }
        return counts
    }

    private func pick(
        _ balancer: inout Balancer, _ house: House, _ draw: UInt64 = 0, _ tried: TriedHosts = TriedHosts()
    ) -> Pick {
        balancer.pick(
            cluster: house.table.cluster(0), table: house.table, board: house.board,
            loads: house.board.loads(worker: 0),
            draw: draw, excluding: tried)
    }

    /// Five standard deviations around the mean of a binomial distribution.
    private func isPlausible(_ count: Int, of trials: Int, share: Double) -> Bool {
        let mean = Double(trials) * share
        return abs(Double(count) - mean) <= 5 * (mean * (1 - share)).squareRoot()
    }

    @Test("RANDOM chooses evenly and ignores weights")
    func random() {
        let house = House([cluster(endpoints(4, weights: [1, 1, 1, 97]), .random)])
        for count in distribution(house, picks: 40_000) { #expect(isPlausible(count, of: 40_000, share: 0.25)) }
    }

    @Test("LEAST_REQUEST without load chooses evenly")
    func leastRequestEven() {
        let house = House([cluster(endpoints(5))])
        for count in distribution(house, picks: 50_000) { #expect(isPlausible(count, of: 50_000, share: 0.2)) }
    }

    @Test("LEAST_REQUEST with replacement picks the loaded one of two only if it is drawn twice")
    func leastRequestLoaded() {
        let house = House([cluster(endpoints(2))])
        house.board.loads(worker: 0).begin(endpoint: house.slot(0), cluster: house.table.cluster(0).slot)
        let counts = distribution(house, picks: 40_000)
        #expect(isPlausible(counts[0], of: 40_000, share: 0.25))
        #expect(house.board.activeRequests(endpoint: house.slot(0)) == 1)
    }

    @Test("Two equal loads keep the first sample")
    func leastRequestTie() {
        let house = House([cluster(endpoints(2))])
        var balancer = Balancer(seed: 0)
        // The upper half draws the last endpoint, the lower half the first.
        #expect(pick(&balancer, house, 0xFFFF_FFFF_0000_0000) == .endpoint(1))
        #expect(pick(&balancer, house, 0x0000_0000_FFFF_FFFF) == .endpoint(0))
    }

    @Test("ROUND_ROBIN rotates from its seed")
    func roundRobin() {
        let house = House([cluster(endpoints(3), .roundRobin)])
        var balancer = Balancer(seed: 4)
        #expect((0..<6).map { _ in pick(&balancer, house) } == [1, 2, 0, 1, 2, 0].map { .endpoint($0) })
    }

    @Test("Weighted ROUND_ROBIN follows earliest deadlines, ties in order of insertion")
    func weightedRoundRobin() {
        let house = House([cluster(endpoints(3, weights: [1, 2, 4]), .roundRobin)])
        var balancer = Balancer(seed: 0)
        // Deadlines: a at 1, b at 1/2, c at 1/4; at 1/2 b was inserted first; at 1 a, then b, then c.
        let order = (0..<14).map { _ in pick(&balancer, house) }
        #expect(order == [2, 1, 2, 2, 0, 1, 2, 2, 1, 2, 2, 0, 1, 2].map { .endpoint($0) })
    }

    @Test("A weighted schedule starts after as many turns as the seed says")
    func weightedStart() {
        let house = House([cluster(endpoints(3, weights: [1, 2, 4]), .roundRobin)])
        var balancer = Balancer(seed: 5)
        #expect((0..<3).map { _ in pick(&balancer, house) } == [2, 2, 0].map { .endpoint($0) })
    }

    @Test("Weighted LEAST_REQUEST shares by weight without load, and by weight over load with it")
    func weightedLeastRequest() {
        let house = House([cluster(endpoints(2, weights: [1, 3]))])
        #expect(distribution(house, picks: 4000) == [1000, 3000])
        let loads = house.board.loads(worker: 0)
        for _ in 0..<8 { loads.begin(endpoint: house.slot(1), cluster: house.table.cluster(0).slot) }
        // 1 to 3/9.
        #expect(distribution(house, picks: 4000)[0] > 2900)
    }

    @Test(
        "An ejected or unready endpoint is never chosen, whatever the algorithm",
        arguments: [
            BalancerKind.leastRequest, .roundRobin, .random,
        ])
    func ejectedNeverChosen(kind: BalancerKind) {
        for weights in [[1, 1, 1, 1], [1, 2, 3, 4]] {
            var specs = endpoints(4, weights: weights)
            specs[3].isUnhealthy = true
            let house = House([cluster(specs, kind)])
            var balancer = Balancer(seed: 9)
            var draws = Draws(seed: 3)
            _ = pick(&balancer, house)
            house.board.setHealth(.ejected, endpoint: house.slot(1), cluster: house.table.cluster(0).slot)
            var seen: Set<Pick> = []
            for _ in 0..<1000 { seen.insert(pick(&balancer, house, draws.next())) }
            #expect(seen == [.endpoint(0), .endpoint(2)])
            house.board.setHealth([], endpoint: house.slot(1), cluster: house.table.cluster(0).slot)
            for _ in 0..<1000 { seen.insert(pick(&balancer, house, draws.next())) }
            #expect(seen.count == 3)
        }
    }

    @Test("Without a healthy endpoint there is no pick, unless the panic threshold is above zero")
    func panic() {
        for count in [1, 3] {
            for (percent, expected) in [(0, 0), (50, 100)] {
                let house = House([cluster(endpoints(count), outlier: OutlierPolicy(minHealthPercent: percent))])
                for index in 0..<count {
                    house.board.setHealth(.ejected, endpoint: house.slot(index), cluster: house.table.cluster(0).slot)
                }
                #expect(distribution(house, picks: 100).reduce(0, +) == expected)
            }
        }
    }

    @Test("Panic begins strictly below the threshold")
    func panicThreshold() {
        let house = House([cluster(endpoints(2), outlier: OutlierPolicy(minHealthPercent: 50))])
        house.board.setHealth(.ejected, endpoint: house.slot(0), cluster: house.table.cluster(0).slot)
        #expect(distribution(house, picks: 100) == [0, 100])
    }

    @Test("A cluster without endpoints gives none")
    func empty() {
        let house = House([cluster([])])
        var balancer = Balancer(seed: 0)
        #expect(pick(&balancer, house) == .none)
    }

    @Test("A retry goes to a host it did not try while there is one, and then to any")
    func retries() {
        let house = House([cluster(endpoints(2), .random)])
        var tried = TriedHosts()
        tried.insert(house.slot(0))
        // Six picks in a row meet the tried one in 1 case of 64: the other one is taken then, too.
        #expect(distribution(house, picks: 64_000, tried: tried) == [0, 64_000])
        tried.insert(house.slot(1))
        #expect(distribution(house, picks: 100, tried: tried).reduce(0, +) == 100)
    }

    @Test("Rotation goes on over a generation that leaves the cluster as it was")
    func generations() {
        var house = House([cluster(endpoints(3), .roundRobin)])
        var balancer = Balancer(seed: 0)
        #expect(pick(&balancer, house) == .endpoint(0))
        house.table = ClusterTable(
            specs: [cluster(endpoints(3), .roundRobin), cluster(endpoints(1), name: "b")], registry: house.registry)
        #expect(pick(&balancer, house) == .endpoint(1))
        house.table = ClusterTable(specs: [cluster(endpoints(2), .roundRobin)], registry: house.registry)
        #expect(pick(&balancer, house) == .endpoint(0))
    }
}
