import Testing
import Wire

@testable import Clusters

@Suite("Outlier detection")
struct OutlierTests {
    /// A detector over one cluster, with reports in short.
    private struct Bench {
        let house: House
        var detector: OutlierDetector
        var actions: [OutlierDetector.Action] = []

        init(_ count: Int, _ policy: OutlierPolicy?) {
            house = House([cluster(endpoints(count), outlier: policy)])
            detector = OutlierDetector(board: house.board)
            _ = detector.update(house.table, now: 0)
        }

        var record: ClusterRecord { house.table.cluster(0) }

        /// Classifies, posts if it must be, and reports statuses of one endpoint's answers.
        mutating func answers(_ statuses: [Int], endpoint: Int = 0, now: Int = 0) {
            for status in statuses { event(.answered(status: status), endpoint: endpoint, now: now) }
        }

        mutating func event(_ event: OutlierSignal.Event, endpoint: Int = 0, now: Int = 0) {
            let slot = house.slot(endpoint)
            guard let signal = OutlierSignal.classify(event, cluster: record),
                signal.mustBePosted(endpoint: slot, board: house.board)
            else { return }
            actions += detector.report(signal, endpoint: slot, now: now)
        }

        mutating func tick(_ now: Int) { actions += detector.tick(now: now) }

        func isEjected(_ endpoint: Int = 0) -> Bool { house.board.health(house.slot(endpoint)).contains(.ejected) }
    }

    private let eager = OutlierPolicy(consecutive5xx: 3, ejectionPercentMax: 100)

    @Test("Three errors in a row eject at the third; a success between starts the count again")
    func consecutive() {
        var bench = Bench(10, eager)
        bench.answers([500, 500, 200, 500, 500])
        #expect(!bench.isEjected())
        bench.answers([500])
        #expect(bench.isEjected())
        #expect(
            bench.actions == [.eject(endpoint: bench.house.slot(0), until: 30_000, reason: .consecutive5xx, count: 1)])
    }

    @Test("Answers below 500 are successes, and cost no message without failures before them")
    func successes() {
        var bench = Bench(10, eager)
        bench.answers([500, 500, 404])
        let slot = bench.house.slot(0)
        #expect(bench.house.board.failing(slot) == [])
        #expect(!OutlierSignal.success.mustBePosted(endpoint: slot, board: bench.house.board))
        bench.answers([500, 500])
        #expect(!bench.isEjected())
        #expect(bench.house.board.count(.consecutive5xx, endpoint: slot) == 2)
    }

    @Test("By default five errors eject, one host in ten, and of nine none")
    func percentages() {
        var bench = Bench(9, OutlierPolicy())
        bench.answers([Int](repeating: 503, count: 50))
        #expect(!bench.isEjected())
        #expect(bench.detector.overflows(cluster: bench.record.slot) == 10)

        bench = Bench(10, OutlierPolicy())
        bench.answers([Int](repeating: 503, count: 5))
        bench.answers([Int](repeating: 503, count: 5), endpoint: 1)
        #expect(bench.isEjected() && !bench.isEjected(1))
        #expect(bench.detector.ejected(cluster: bench.record.slot) == 1)
    }

    @Test("After a refused ejection another full run of errors is needed")
    func refusedEjection() {
        var bench = Bench(2, OutlierPolicy(consecutive5xx: 3, ejectionPercentMax: 50))
        bench.answers([500, 500, 500])
        bench.answers([500, 500, 500, 500, 500], endpoint: 1)
        bench.tick(30_000)
        #expect(!bench.isEjected())
        #expect(!bench.isEjected(1))
        bench.answers([500], endpoint: 1, now: 30_001)
        #expect(bench.isEjected(1))
    }

    @Test("A hundred per cent lets a whole cluster go")
    func everybody() {
        var bench = Bench(2, eager)
        bench.answers([500, 500, 500])
        bench.answers([500, 500, 500], endpoint: 1)
        #expect(bench.isEjected() && bench.isEjected(1))
    }

    @Test("Gateway errors count for both runs, and another error ends the gateway's run")
    func gatewayErrors() {
        var policy = OutlierPolicy(consecutive5xx: 0, consecutiveGatewayErrors: 2, ejectionPercentMax: 100)
        var bench = Bench(10, policy)
        bench.answers([502, 500, 503])
        #expect(!bench.isEjected())
        bench.answers([504])
        #expect(bench.isEjected())
        #expect(bench.detector.ledger().first?.reason == .consecutiveGatewayErrors)

        policy.consecutive5xx = 3
        policy.consecutiveGatewayErrors = 0
        bench = Bench(10, policy)
        bench.answers([502, 500, 503])
        #expect(bench.isEjected())
        #expect(bench.detector.ledger().first?.reason == .consecutive5xx)
    }

    @Test("Without the split, refused connections, resets and timeouts are gateway errors")
    func localUnsplit() {
        var bench = Bench(10, OutlierPolicy(consecutive5xx: 0, consecutiveGatewayErrors: 4, ejectionPercentMax: 100))
        for event: OutlierSignal.Event in [.connectFailed, .connected, .connectTimedOut, .reset, .timedOut] {
            #expect(!bench.isEjected())
            bench.event(event)
        }
        #expect(bench.isEjected())
    }

    @Test("With the split, local failures are a run of their own that an established connection ends")
    func localSplit() {
        var policy = eager
        policy.splitsLocalFailures = true
        policy.consecutiveLocalFailures = 2
        var bench = Bench(10, policy)
        for event: OutlierSignal.Event in [.connectFailed, .connected, .answered(status: 500), .timedOut] {
            bench.event(event)
        }
        bench.answers([200])
        #expect(!bench.isEjected())
        bench.event(.reset)
        #expect(bench.isEjected())
        #expect(bench.detector.ledger().first?.reason == .consecutiveLocalFailures)
    }

    @Test("A cluster without outlierDetection gives no signal")
    func off() {
        let bench = Bench(1, nil)
        #expect(OutlierSignal.classify(.answered(status: 500), cluster: bench.record) == nil)
    }

    @Test("Ejections last 30, 60, 90 s and so on to 300 s at most, and end on a sweep")
    func growth() {
        var bench = Bench(10, eager)
        var now = 5000
        for round in 1...13 {
            bench.answers([500, 500, 500], now: now)
            #expect(bench.isEjected())
            let entry = bench.detector.ledger()[0]
            #expect(entry.count == round && entry.since == now && entry.isEjected)
            #expect(entry.until == (now + min(30_000 * round, 300_000) + 9999) / 10_000 * 10_000)
            // Wake by wake, as the runner does.
            while let wake = bench.detector.nextWake, bench.isEjected() {
                #expect(wake > now)
                now = wake
                bench.tick(now)
            }
            #expect(now == entry.until)
            #expect(bench.detector.ledger()[0].until == 0)
            now += 1
        }
    }

    @Test("Each quiet interval after the first takes one step back")
    func decrement() {
        var bench = Bench(10, eager)
        bench.answers([500, 500, 500], now: 1)
        bench.tick(40_000)
        bench.answers([500, 500, 500], now: 40_001)
        bench.tick(110_000)
        #expect(!bench.isEjected())
        // Two steps to forget, at 120 and 130 s; then nothing is left to wake for.
        bench.tick(120_000)
        #expect(bench.detector.nextWake == 130_000)
        bench.tick(130_000)
        #expect(bench.detector.nextWake == nil)
        bench.answers([500, 500, 500], now: 130_001)
        #expect(bench.detector.ledger()[0].until == 170_000)
    }

    @Test("Results of requests still under way do not prolong an ejection")
    func inFlight() {
        var bench = Bench(10, eager)
        bench.answers([500, 500, 500, 500, 500, 500], now: 1)
        #expect(bench.actions.count == 1)
        bench.tick(40_000)
        #expect(!bench.isEjected())
        bench.answers([500, 500], now: 40_001)
        #expect(!bench.isEjected())
    }

    @Test("A base longer than 300 s is its own limit")
    func longBase() {
        var policy = eager
        policy.baseEjectionMilliseconds = 400_000
        var bench = Bench(10, policy)
        bench.answers([500, 500, 500])
        #expect(bench.detector.ledger()[0].until == 400_000)
        bench.tick(400_000)
        bench.answers([500, 500, 500], now: 400_000)
        #expect(bench.detector.ledger()[0].until == 800_000)
    }

    @Test("An operator ejects for a time and restores, whatever the percentage")
    func manual() {
        var bench = Bench(2, nil)
        let unknown = bench.detector.eject(endpoint: 999, for: 5000, now: 0)
        #expect(unknown.isEmpty)
        let slot = bench.house.slot(1)
        let ejected = bench.detector.eject(endpoint: slot, for: 5000, now: 100)
        #expect(
            ejected == [.eject(endpoint: slot, until: 5100, reason: .manual, count: 1)])
        #expect(bench.isEjected(1))
        #expect(bench.detector.nextWake == 5100)
        bench.tick(5099)
        #expect(bench.isEjected(1))
        bench.tick(5100)
        #expect(!bench.isEjected(1) && bench.actions == [.restore(endpoint: slot)])
        _ = bench.detector.eject(endpoint: slot, for: .max, now: 6000)
        let restored = [1, 2].map { _ in bench.detector.restore(endpoint: slot, now: 6001) }
        #expect(restored == [[.restore(endpoint: slot)], []])
        #expect(bench.detector.nextWake == nil && bench.detector.ejected(cluster: bench.record.slot) == 0)
    }

    @Test("State survives generations; an endpoint that left and came back starts afresh")
    func generations() {
        var bench = Bench(10, eager)
        bench.answers([500, 500, 500])
        bench.answers([500, 500], endpoint: 1)
        let registry = bench.house.registry
        let same = ClusterTable(specs: [cluster(endpoints(12), outlier: eager)], registry: registry)
        let actions = bench.detector.update(same, now: 1)
        #expect(actions.isEmpty)
        #expect(bench.isEjected())
        #expect(bench.detector.ejected(cluster: bench.record.slot) == 1)
        bench.answers([500], endpoint: 1)
        #expect(bench.isEjected(1))

        let fewer = ClusterTable(
            specs: [cluster(Array(endpoints(10).dropFirst(2)), outlier: eager)], registry: registry)
        _ = bench.detector.update(fewer, now: 2)
        #expect(bench.detector.ledger().isEmpty && bench.detector.ejected(cluster: bench.record.slot) == 0)
        _ = bench.detector.update(same, now: 3)
        #expect(!bench.isEjected() && !bench.isEjected(1))
    }

    @Test("A cluster that loses outlierDetection gets its endpoints back, but for those an operator ejected")
    func policyRemoved() {
        var bench = Bench(10, eager)
        bench.answers([500, 500, 500])
        _ = bench.detector.eject(endpoint: bench.house.slot(1), for: 50_000, now: 0)
        let plain = ClusterTable(specs: [cluster(endpoints(10))], registry: bench.house.registry)
        let actions = bench.detector.update(plain, now: 1)
        #expect(actions == [.restore(endpoint: bench.house.slot(0))])
        #expect(!bench.isEjected() && bench.isEjected(1))
    }

    @Test("gRPC statuses stand for HTTP's")
    func grpc() {
        let statuses = (0...17).map { OutlierSignal.httpStatus(grpcStatus: $0) }
        #expect(
            statuses == [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401, 500])
    }
}
