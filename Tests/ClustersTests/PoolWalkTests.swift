import Testing
import Wire

@testable import Clusters

/// Random walks through the model, one seed after the other.
@Suite("Pools at random")
struct PoolWalkTests {
    @Test("Whatever happens in whatever order: limits hold, queues are fair, nobody starves, nothing is left behind")
    func http1() {
        for seed in 1...UInt64(100) { walk(seed, isMultiplexed: false) }
    }

    @Test("The same with connections that carry several requests, are told to drain and change their capacity")
    func http2() {
        for seed in 1001...UInt64(1160) { walk(seed, isMultiplexed: true) }
    }

    private func walk(_ seed: UInt64, isMultiplexed: Bool) {
        var draws = Draws(seed: seed)
        let limits = ClusterLimits(
            connectionsMax: [1, 1, 2, 3, Limits.unlimited].randomElement(using: &draws) ?? 1,
            pendingMax: [3, 20, Limits.unlimited].randomElement(using: &draws) ?? 1,
            requestsMax: [2, Limits.unlimited].randomElement(using: &draws) ?? 1)
        let shape = Shape(
            workers: Int.random(in: 1...4, using: &draws), endpoints: Int.random(in: 1...3, using: &draws),
            variants: UInt32.random(in: 1...3, using: &draws), capacity: UInt32.random(in: 1...5, using: &draws))
        var model = PoolModel(
            endpoints: shape.endpoints, workers: shape.workers, limits: limits,
            requestsPerConnection: [0, 0, 1, 3].randomElement(using: &draws) ?? 0,
            streamsMax: isMultiplexed ? Int(shape.capacity) : nil,
            durationMaxMilliseconds: [0, 0, Limits.upstreamIdleTimeoutMilliseconds].randomElement(using: &draws) ?? 0)
        if seed % 2 == 0 { model.breaks = Draws(seed: seed) }
        for _ in 0..<600 {
            if isMultiplexed, Int.random(in: 0..<8, using: &draws) == 0 {
                alter(&model, shape, &draws)
            } else {
                step(&model, shape, &draws)
            }
        }
        model.settle("seed \(seed)")
        model.closeAll()
    }

    private struct Shape {
        var workers: Int
        var endpoints: Int
        var variants: UInt32
        var capacity: UInt32
    }

    private func alter(_ model: inout PoolModel, _ shape: Shape, _ draws: inout Draws) {
        guard let connection = model.connections.randomElement(using: &draws) else { return }
        if Int.random(in: 0..<4, using: &draws) == 0 {
            model.drain(connection)
        } else {
            model.changeCapacity(connection, to: UInt32.random(in: 0...shape.capacity + 1, using: &draws))
        }
    }

    private func step(_ model: inout PoolModel, _ shape: Shape, _ draws: inout Draws) {
        switch Int.random(in: 0..<100, using: &draws) {
        case 0..<35:
            model.lease(
                worker: Int.random(in: 0..<shape.workers, using: &draws),
                endpoint: Int.random(in: 0..<shape.endpoints, using: &draws),
                variant: UInt32.random(in: 0..<shape.variants, using: &draws))
        case 35..<55:
            guard !model.connecting.isEmpty else { return }
            model.connect(
                Int.random(in: 0..<model.connecting.count, using: &draws),
                succeeds: Int.random(in: 0..<10, using: &draws) > 0,
                capacity: model.isMultiplexed ? UInt32.random(in: 0...shape.capacity, using: &draws) : 1)
        case 55..<78:
            let used = model.inUse.keys.sorted { $0.id < $1.id }
            guard let connection = used.randomElement(using: &draws) else { return }
            let count = model.inUse[connection]?.count ?? 1
            model.finish(
                connection, Int.random(in: 0..<count, using: &draws),
                isReusable: Int.random(in: 0..<10, using: &draws) > 0)
        case 78..<82:
            if let connection = model.connections.randomElement(using: &draws) { model.drop(connection) }
        case 82..<86:
            guard !model.waiting.isEmpty else { return }
            model.cancel(Int.random(in: 0..<model.waiting.count, using: &draws))
        case 86..<88:
            model.now += Limits.upstreamIdleTimeoutMilliseconds / 2
            model.expire(worker: Int.random(in: 0..<shape.workers, using: &draws))
        default:
            guard !model.pokes.isEmpty else { return }
            model.deliver(Int.random(in: 0..<model.pokes.count, using: &draws))
        }
    }
}
