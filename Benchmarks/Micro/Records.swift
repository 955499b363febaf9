import Telemetry

// What is counted of a request that ended.
extension Case {
    static var records: [() -> Case] {
        [
            { record("record a request", series: 1) },
            { record("record requests of 100 series in turn", series: 100) },
        ]
    }

    private static func record(_ name: String, series: Int) -> Case {
        let metrics = WorkerMetrics()
        let keys = (0..<series).map {
            SeriesKey(destination: $0 + 1, source: 1, responseCode: 200, flags: [], reporter: .source)
        }
        for key in keys { metrics.record(key, durationMicroseconds: 0) }
        return Case(name) { times in
            for time in 0..<times {
                metrics.record(
                    keys[time % series], durationMicroseconds: UInt64(time & 8191), requestBytes: 400,
                    responseBytes: 300)
            }
            sink &+= metrics.value(.downstreamRequests)
        }
    }
}
