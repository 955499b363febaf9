import Testing
import Wire

@testable import Routing

struct DestinationTests {
    private func weighted(_ weights: [Int]) -> RouteTable {
        let destinations = weights.enumerated().map { Destination(cluster: .index($0), weight: $1) }
        return table([route(.any, .forward(ForwardAction(destinations: destinations)))])
    }

    private func cluster(_ table: RouteTable, _ draw: UInt64) -> Int32 {
        table.cluster(of: table.decide(0, request("GET / HTTP/1.1\nHost: h"), draw: draw).destination)
    }

    @Test("The draw walks the weights in list order")
    func intervals() {
        let table = weighted([2, 0, 1])
        #expect([0, 1, 2, 3, 4, 5].map { cluster(table, $0) } == [0, 0, 2, 0, 0, 2])
    }

    @Test("A weight of zero is never drawn, and one destination needs no weight")
    func zero() {
        #expect((0..<50).allSatisfy { cluster(weighted([0, 100]), $0) == 1 })
        #expect(cluster(weighted([0]), 7) == 0)
        #expect(cluster(weighted([0, 0]), 7) == RouteTable.unknownCluster)
        #expect(cluster(weighted([]), 7) == RouteTable.unknownCluster)
    }

    @Test("Shares stay within five standard deviations", arguments: [[1, 1], [90, 10], [1, 2, 3, 4]])
    func shares(_ weights: [Int]) {
        let table = weighted(weights)
        var random = SplitMix(seed: 3)
        var counts = [Int](repeating: 0, count: weights.count)
        let trials = 20_000
        for _ in 0..<trials { counts[Int(cluster(table, random.next()))] += 1 }
        let total = Double(weights.reduce(0, +))
        for (count, weight) in zip(counts, weights) {
            let share = Double(weight) / total
            let deviation = (Double(trials) * share * (1 - share)).squareRoot()
            #expect(abs(Double(count) - Double(trials) * share) < 5 * deviation)
        }
    }

    @Test("Unknown and passthrough clusters have names of their own")
    func references() {
        for (reference, expected) in [
            (ClusterReference.unknown("x"), RouteTable.unknownCluster), (.passthrough, RouteTable.passthroughCluster),
            (.index(-7), RouteTable.unknownCluster),
        ] {
            let table = table([route(.any, .forward(ForwardAction(destinations: [Destination(cluster: reference)])))])
            #expect(cluster(table, 0) == expected)
        }
    }

    @Test("Mirrors sample the request's draw by parts of a million")
    func mirrors() {
        let mirrors = [
            Mirror(cluster: .index(3), partsPerMillion: 1_000_000), Mirror(cluster: .index(4), partsPerMillion: 0),
            Mirror(cluster: .index(5), partsPerMillion: 250_000),
        ]
        let destinations = [Destination(cluster: .index(0))]
        let table = table([route(.any, .forward(ForwardAction(destinations: destinations, mirrors: mirrors)))])
        let run = table.mirrors(0)
        #expect(run.indices.map { table.mirror($0).cluster } == [3, 4, 5])
        #expect(run.indices.map { table.mirror($0).fires(draw: 1_249_999) } == [true, false, true])
        #expect(run.indices.map { table.mirror($0).fires(draw: 1_250_000) } == [true, false, false])
    }

    // MARK: - Retries

    private func retriable(_ conditions: RetryPolicy.Conditions, codes: [UInt16] = [], _ answer: String) -> Bool {
        let policy = RetryPolicy(attempts: 2, conditions: conditions, statusCodes: codes)
        let action = ForwardAction(destinations: [Destination(cluster: .index(0))], retry: policy)
        return table([route(.any, .forward(action))]).isRetriable(answer: response(answer), route: 0)
    }

    @Test("Answers are retriable by the policy's tokens")
    func retries() {
        #expect(retriable(.serverError, "500"))
        #expect(!retriable(.gatewayError, "500"))
        #expect(retriable(.gatewayError, "503"))
        #expect(retriable(.retriable4xx, "409"))
        #expect(!retriable(.retriable4xx, "404"))
        #expect(retriable(.retriableStatusCodes, codes: [418], "418"))
        #expect(!retriable(.connectFailure, codes: [418], "418"))
        #expect(retriable(.grpcUnavailable, "200\ngrpc-status: 14"))
        #expect(!retriable(.grpcUnavailable, "200\ngrpc-status: 140"))
        #expect(!retriable(.grpcCancelled, "200\ngrpc-status: 14"))
        #expect(!retriable(.serverError, "503\nx-envoy-ratelimited: true"))
        #expect(retriable(.envoyRatelimited, "429\nx-envoy-ratelimited: true"))
    }

    @Test("A policy's numbers arrive, and redirects have none")
    func policies() {
        let policy = RetryPolicy(
            attempts: 3, conditions: [.reset], perTryTimeoutMilliseconds: 100, backoffMilliseconds: 10,
            ignoresPreviousHosts: false, triesRemoteLocalities: true, isExplicit: true)
        let action = ForwardAction(
            destinations: [Destination(cluster: .index(0))], timeoutMilliseconds: 1000, retry: policy)
        let table = table([route(.any, .forward(action)), route(.any, .redirect(RedirectAction()))])
        let record = table.retryPolicy(0)
        #expect(record.attempts == 3 && record.perTryTimeoutMilliseconds == 100 && record.backoffMilliseconds == 10)
        #expect(record.has(.reset) && !record.has(.serverError))
        #expect(!record.ignoresPreviousHosts && record.triesRemoteLocalities && record.isExplicit)
        #expect(table.route(0).timeoutMilliseconds == 1000)
        #expect(table.retryPolicy(1).attempts == 0)
        #expect(table.route(1).action == .redirect)
    }
}
