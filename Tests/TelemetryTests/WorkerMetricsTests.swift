import Testing

@testable import Telemetry

@Suite("Counters of a worker")
struct WorkerMetricsTests {
    private func key(_ destination: Int, code: Int = 200, flags: ResponseFlags = []) -> SeriesKey {
        SeriesKey(destination: destination, source: 1, responseCode: code, flags: flags, reporter: .source)
    }

    @Test("counters add, gauges go up and down, workers are summed")
    func counters() {
        let metrics = Metrics(workers: 2)
        metrics.workers[0].add(.downstreamAccepted, 3)
        metrics.workers[1].add(.downstreamAccepted)
        metrics.workers[0].add(.downstreamConnections)
        // Accepted by one worker, closed by another: the sum is right though one part is negative.
        metrics.workers[1].subtract(.downstreamConnections)
        metrics.workers[1].set(.bufferBytes, to: 4096)
        metrics.workers[1].add(.retry, reason: 5)
        metrics.workers[1].add(.retry, reason: 1000)
        let snapshot = metrics.snapshot()
        #expect(snapshot[.downstreamAccepted] == 4)
        #expect(snapshot[.downstreamConnections] == 0)
        #expect(snapshot[.bufferBytes] == 4096)
        #expect(snapshot.reasons[ReasonCounter.retry.rawValue][5] == 1)
        #expect(snapshot.reasons[ReasonCounter.retry.rawValue][63] == 1)
        #expect(ReasonCounter.cellsCount == ReasonCounter.allCases.count * ReasonCounter.reasonsMax)
    }

    @Test("a histogram's buckets take values up to and including their bound")
    func buckets() throws {
        let worker = WorkerMetrics()
        for duration: UInt64 in [0, 500, 501, 1000, 3_600_000_000, 3_600_000_001] {
            worker.record(key(1), durationMicroseconds: duration, requestBytes: 1, responseBytes: UInt64.max)
        }
        let series = try #require(Snapshot([worker]).series[key(1)])
        #expect(series.requests == 6)
        #expect(series.duration.buckets[0] == 2)
        #expect(series.duration.buckets[1] == 2)
        #expect(series.duration.buckets[18] == 1)
        #expect(series.duration.buckets[19] == 1)
        #expect(series.duration.count == 6)
        #expect(series.duration.sum == 7_200_002_002)
        #expect(series.requestBytes.buckets[1] == 6)
        #expect(series.responseBytes.buckets[19] == 6)
    }

    @Test("interleaved keys count apart, through growth of the index")
    func manyKeys() {
        let worker = WorkerMetrics()
        for _ in 0..<3 {
            for destination in 1...1000 { worker.record(key(destination), durationMicroseconds: 1) }
        }
        let snapshot = Snapshot([worker, worker])
        #expect(snapshot.series.count == 1000)
        #expect(snapshot.series.values.allSatisfy { $0.requests == 6 })
    }

    @Test("beyond the limit of series, requests are counted without labels")
    func overflow() throws {
        let worker = WorkerMetrics()
        for destination in 1...(WorkerMetrics.seriesMax + 9) {
            worker.record(key(destination), durationMicroseconds: 1)
        }
        let snapshot = Snapshot([worker])
        // Two of the places are the overflow series: requests' and connections'.
        #expect(snapshot.series.count == WorkerMetrics.seriesMax - 1)
        #expect(snapshot.series[.overflow]?.requests == 11)
        #expect(snapshot[.seriesOverflows] == 11)
    }

    private func tcp(_ destination: Int, flags: ResponseFlags = []) -> SeriesKey {
        SeriesKey(
            destination: destination, source: 1, responseCode: 0, flags: flags, reporter: .destination, protocol: .tcp)
    }

    @Test("connections of bytes stand apart from requests, and their parts come when they are counted")
    func connections() throws {
        let workers = [WorkerMetrics(), WorkerMetrics()]
        workers[0].countTCPOpened(tcp(1))
        workers[0].addTCP(tcp(1), receivedBytes: 10, sentBytes: 200)
        workers[0].record(key(1), durationMicroseconds: 1)
        workers[1].countTCPOpened(tcp(1))
        workers[1].addTCP(tcp(1, flags: .upstreamClosed), receivedBytes: 5, sentBytes: 0)
        workers[1].countTCPClosed(tcp(1, flags: .upstreamClosed))
        let snapshot = Snapshot(workers)
        #expect(snapshot.series.count == 1)
        #expect(snapshot.series[key(1)]?.duration.count == 1)
        let open = try #require(snapshot.connections[tcp(1)])
        #expect(open.opened == 2 && open.closed == 0 && open.receivedBytes == 10 && open.sentBytes == 200)
        let closed = try #require(snapshot.connections[tcp(1, flags: .upstreamClosed)])
        #expect(closed.opened == 0 && closed.closed == 1 && closed.receivedBytes == 5)
        #expect(snapshot.connections.count == 2)
    }

    @Test("beyond the limit, a connection of bytes does not write into the histograms of requests")
    func overflowOfConnections() throws {
        let worker = WorkerMetrics()
        for destination in 1...WorkerMetrics.seriesMax { worker.record(key(destination), durationMicroseconds: 1) }
        worker.countTCPOpened(tcp(7))
        worker.addTCP(tcp(7), receivedBytes: 1_000_000, sentBytes: 2_000_000)
        worker.countTCPClosed(tcp(8))
        worker.record(key(9_000), durationMicroseconds: 1, requestBytes: 1, responseBytes: 1)
        let snapshot = Snapshot([worker])
        let requests = try #require(snapshot.series[.overflow])
        #expect(requests.duration.count == requests.requests)
        #expect(requests.duration.sum == requests.requests)
        #expect(requests.requestBytes.count == 1)
        let connections = try #require(snapshot.connections[.overflowTCP])
        #expect(connections.opened == 1 && connections.closed == 1)
        #expect(connections.receivedBytes == 1_000_000 && connections.sentBytes == 2_000_000)
        #expect(snapshot.connections.count == 1)
    }

    @Test("messages of gRPC are summed by the two sides, whatever became of the request")
    func messages() throws {
        func grpc(_ status: Int?, code: Int = 200) -> SeriesKey {
            SeriesKey(
                destination: 3, source: 2, responseCode: code, flags: [], reporter: .destination, protocol: .grpc,
                security: .mutualTLS, grpcStatus: status)
        }
        let worker = WorkerMetrics()
        worker.addMessages(grpc(nil, code: 0), request: 4, response: 0)
        worker.record(grpc(0), durationMicroseconds: 1, requestBytes: 1, responseBytes: 1)
        worker.addMessages(grpc(0), request: 1, response: 2)
        worker.record(grpc(14), durationMicroseconds: 1, requestBytes: 1, responseBytes: 1)
        worker.addMessages(grpc(14), request: 1, response: 0)
        let snapshot = Snapshot([worker])
        // What was told of a stream under way is no request.
        #expect(Set(snapshot.series.keys) == [grpc(0), grpc(14)])
        let sides = grpc(0).sides
        #expect(sides.destination == 3 && sides.source == 2 && sides.reporter == .destination)
        let totals = try #require(snapshot.messages[sides])
        #expect(snapshot.messages.count == 1)
        #expect(totals.request == 6 && totals.response == 2)
        #expect(snapshot.series[grpc(0)]?.responseBytes.count == 1)
    }

    @Test("endpoints are counted by slot, and impossible slots hurt nobody")
    func endpoints() {
        let metrics = Metrics(workers: 2)
        metrics.workers[0].countAttempt(endpoint: 5, isError: false)
        metrics.workers[1].countAttempt(endpoint: 5, isError: true)
        for slot: Int32 in [-1, .min, .max, 1 << 20] { metrics.workers[0].countAttempt(endpoint: slot, isError: true) }
        #expect(metrics.totals(endpoint: 5) == (2, 1))
        #expect(metrics.totals(endpoint: 6) == (0, 0))
        #expect(metrics.totals(endpoint: .max) == (0, 0))
    }

    @Test("a reader beside the writer sees whole words and no series before its key")
    func concurrentReader() async {
        let worker = WorkerMetrics()
        async let writer: Void = Task.detached {
            for round in 0..<20_000 {
                worker.record(
                    SeriesKey(destination: 1 + round % 500, source: 1, responseCode: 200, flags: [], reporter: .source),
                    durationMicroseconds: 7)
            }
        }.value
        var last: UInt64 = 0
        while last < 20_000 {
            let snapshot = Snapshot([worker])
            let sum = snapshot.series.values.reduce(0) { $0 + $1.requests }
            #expect(sum >= last)
            #expect(snapshot.series.keys.allSatisfy { $0.responseCode == 200 && (1...500).contains($0.destination) })
            last = sum
            await Task.yield()
        }
        await writer
    }
}

@Suite("Keys, flags and outcomes")
struct KeyTests {
    @Test("a key gives back what was packed")
    func roundTrip() {
        let key = SeriesKey(
            destination: 1_048_575, source: 32_767, responseCode: 503,
            flags: [.upstreamConnectFailure, .retriesExhausted],
            reporter: .destination, protocol: .grpc, security: .mutualTLS, grpcStatus: 14)
        #expect(key.destination == 1_048_575)
        #expect(key.source == 32_767)
        #expect(key.responseCode == 503)
        #expect(key.flags == [.upstreamConnectFailure, .retriesExhausted])
        #expect(key.reporter == .destination)
        #expect(key.wireProtocol == .grpc)
        #expect(key.security == .mutualTLS)
        #expect(key.grpcStatus == 14)
        #expect(!key.isOverflow)
        #expect(SeriesKey.overflow.isOverflow && !SeriesKey.overflow.isTCP)
        #expect(SeriesKey.overflowTCP.isOverflow && SeriesKey.overflowTCP.isTCP)
    }

    @Test("numbers that do not fit become unknown and disturb no neighbour")
    func hostileNumbers() {
        let key = SeriesKey(
            destination: -1, source: 1 << 40, responseCode: -5, flags: [], reporter: .source, grpcStatus: -9)
        #expect(key.source == 0)
        #expect(key.flags == [])
        #expect(key.reporter == .source)
        #expect(key.grpcStatus == 2)
        #expect(SeriesKey(destination: 0, source: 0, responseCode: 0, flags: [], reporter: .source).grpcStatus == nil)
    }

    @Test("flags print in Envoy's order and survive their index")
    func flags() {
        #expect(ResponseFlags().text == "-")
        #expect(ResponseFlags([.retriesExhausted, .upstreamClosed]).text == "UC,URX")
        #expect(ResponseFlags.noCluster.text == "NC")
        #expect(ResponseFlags.downstreamReset.text == "DR")
        for bit in 0..<UInt32(30) {
            let flag = ResponseFlags(rawValue: 1 << bit)
            #expect(ResponseFlags(index: flag.index) == flag)
            let both = flag.union(.retriesExhausted)
            #expect(ResponseFlags(index: both.index) == both)
        }
    }

    @Test("outcomes give the flags that Envoy would")
    func outcomes() {
        #expect(Outcome.completed.flags.text == "-")
        #expect(Outcome(.client, .wait, .closed).flags.text == "DC")
        #expect(Outcome(.client, .head, .malformed).flags.text == "DPE")
        #expect(Outcome(.upstream, .connect, .refused).flags.text == "UF")
        #expect(Outcome(.upstream, .connect, .timedOut).flags.text == "UF")
        #expect(Outcome(.upstream, .wait, .closed).flags.text == "UC")
        #expect(Outcome(.upstream, .wait, .malformed).flags.text == "UPE")
        #expect(Outcome(.config, .wait, .timedOut).flags.text == "UT")
        #expect(Outcome(.config, .queue, .overflow).flags.text == "UO")
        #expect(Outcome(.config, .route, .missing).flags.text == "NR")
        #expect(Outcome(.config, .filter, .missing).flags.text == "NC")
        #expect(Outcome(.config, .pick, .missing).flags.text == "UH")
        #expect(
            Outcome(.upstream, .wait, .closed).sentence
                == "the upstream closed the connection while the answer was awaited")
    }

    @Test("equal labels have one number, and 0 is unknown")
    func labels() {
        let sets = LabelSets()
        var labels = DestinationLabels()
        #expect(sets.number(labels) == 0)
        labels.service = "catalogdetail.workshop.svc.cluster.local"
        let number = sets.number(labels)
        #expect(number == 1)
        #expect(sets.number(labels) == 1)
        #expect(sets.all().destinations[number] == labels)
    }

    @Test("a peer is known by its SPIFFE URI and the namespace in it, and by nothing else")
    func peers() {
        let labels = WorkloadLabels(peer: "spiffe://cluster.local/ns/workshop/sa/frontend")
        #expect(labels.principal == "spiffe://cluster.local/ns/workshop/sa/frontend")
        #expect(labels.namespace == "workshop")
        #expect(labels.workload == "unknown")
        #expect(WorkloadLabels(peer: "spiffe://other/path").namespace == "unknown")
        #expect(WorkloadLabels(peer: "spiffe://other/path").principal == "spiffe://other/path")
        #expect(WorkloadLabels(peer: "spiffe://d/ns//sa/x").namespace == "unknown")
        #expect(WorkloadLabels(peer: "https://example.com") == WorkloadLabels())
        #expect(WorkloadLabels(peer: "spiffe://" + String(repeating: "x", count: 2048)) == WorkloadLabels())
    }

    @Test("strangers' identities are bounded and leave room for the configuration's labels")
    func boundedPeers() {
        let sets = LabelSets()
        let first = sets.number(peer: "spiffe://d/ns/a/sa/0")
        #expect(first == 1)
        for account in 1..<(LabelSets.peersMax + 10) { _ = sets.number(peer: "spiffe://d/ns/a/sa/\(account)") }
        #expect(sets.number(peer: "spiffe://d/ns/a/sa/new") == 0)
        #expect(sets.number(peer: "spiffe://d/ns/a/sa/0") == first)
        #expect(sets.number(peer: "nonsense") == 0)
        var own = WorkloadLabels()
        own.workload = "ingress"
        #expect(sets.number(own) == LabelSets.peersMax + 1)
        #expect(sets.all().sources.count == LabelSets.peersMax + 2)
    }
}
