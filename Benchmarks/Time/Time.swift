import Benchmark
import Micro

/// The cases against the clock: `swift package benchmark` in this folder.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput], warmupIterations: 10, scalingFactor: .kilo, maxDuration: .milliseconds(500))
    for make in Case.all {
        let one = make()
        Benchmark(one.name) { benchmark in one.run(benchmark.scaledIterations.count) }
    }
}
