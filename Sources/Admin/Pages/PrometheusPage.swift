import Telemetry

/// `/stats/prometheus`: text format 0.0.4, families sorted by name, Istio's metrics without help as Envoy prints them, ours
/// with it. Given out in pieces of a family or so many series.
struct PrometheusPage {
    private static let seriesPerPiece = 50

    let snapshot: Snapshot
    let reasonNames: [ReasonCounter: [String]]
    /// Gauges that are not a worker's: name, help and value.
    let gauges: [(name: String, help: String, value: Int)]
    let labelledGauges: [LabelledGauge]
    private let destinations: [DestinationLabels]
    private let sources: [WorkloadLabels]
    /// Of requests, of connections of bytes, and of gRPC's messages.
    private let keys: [SeriesKey]
    private let connectionKeys: [SeriesKey]
    private let messageKeys: [SeriesKey]

    init(
        metrics: Metrics, gauges: [(name: String, help: String, value: Int)] = [], labelled: [LabelledGauge] = []
    ) {
        labelledGauges = labelled
        snapshot = metrics.snapshot()
        reasonNames = metrics.reasonNames
        self.gauges = gauges.sorted { $0.name < $1.name }
        (destinations, sources) = metrics.labels.all()
        keys = snapshot.series.keys.sorted { $0.bits < $1.bits }
        connectionKeys = snapshot.connections.keys.sorted { $0.bits < $1.bits }
        messageKeys = snapshot.messages.keys.sorted { $0.bits < $1.bits }
    }

    /// The whole page, piece by piece.
    func pieces() -> () -> [UInt8]? {
        var steps = plan()[...]
        return {
            while let step = steps.popFirst() {
                let text = step()
                if !text.isEmpty { return Array(text.utf8) }
            }
            return nil
        }
    }

    /// The whole page at once, for tests and small ones.
    func text() -> String { plan().map { $0() }.joined() }

    private func plan() -> [() -> String] {
        var steps: [() -> String] = []
        family("istio_request_bytes", \.requestBytes, scale: .bytes, into: &steps)
        family("istio_request_duration_milliseconds", \.duration, scale: .milliseconds, into: &steps)
        counters("istio_request_messages_total", messageKeys, .messages, into: &steps) { messages($0).request }
        counters("istio_requests_total", keys, .requests, into: &steps) { snapshot.series[$0]?.requests ?? 0 }
        family("istio_response_bytes", \.responseBytes, scale: .bytes, into: &steps)
        counters("istio_response_messages_total", messageKeys, .messages, into: &steps) { messages($0).response }
        for (name, value) in Self.connectionFamilies {
            counters(name, connectionKeys, .connections, into: &steps) {
                snapshot.connections[$0]?[keyPath: value] ?? 0
            }
        }
        steps.append(own)
        return steps
    }

    // MARK: - Istio's metrics

    private enum Scale { case milliseconds, bytes }

    /// What is counted: not all have all labels.
    private enum Subject { case requests, connections, messages }

    private static var connectionFamilies: [(String, KeyPath<Snapshot.TCPSeries, UInt64>)] {
        [
            ("istio_tcp_connections_closed_total", \.closed), ("istio_tcp_connections_opened_total", \.opened),
            ("istio_tcp_received_bytes_total", \.receivedBytes), ("istio_tcp_sent_bytes_total", \.sentBytes),
        ]
    }

    private func messages(_ key: SeriesKey) -> Snapshot.Messages { snapshot.messages[key] ?? Snapshot.Messages() }

    private func slices(_ keys: [SeriesKey]) -> [ArraySlice<SeriesKey>] {
        stride(from: 0, to: keys.count, by: Self.seriesPerPiece).map {
            keys[$0..<min($0 + Self.seriesPerPiece, keys.count)]
        }
    }

    /// A counter's family; series that stand at 0 were never counted and are left out.
    private func counters(
        _ name: String, _ keys: [SeriesKey], _ subject: Subject, into steps: inout [() -> String],
        value: @escaping (SeriesKey) -> UInt64
    ) {
        guard keys.contains(where: { value($0) > 0 }) else { return }
        steps.append { "# TYPE \(name) counter\n" }
        for slice in slices(keys) {
            steps.append {
                slice.filter { value($0) > 0 }.map { "\(name){\(labels($0, subject))} \(value($0))\n" }.joined()
            }
        }
    }

    private func family(
        _ name: String, _ histogram: KeyPath<Snapshot.Series, Snapshot.Histogram>, scale: Scale,
        into steps: inout [() -> String]
    ) {
        guard snapshot.series.values.contains(where: { $0[keyPath: histogram].count > 0 }) else { return }
        steps.append { "# TYPE \(name) histogram\n" }
        for slice in slices(keys) {
            steps.append {
                var text = ""
                for key in slice {
                    guard let values = snapshot.series[key]?[keyPath: histogram], values.count > 0 else { continue }
                    write(name, values, labels(key, .requests), scale, to: &text)
                }
                return text
            }
        }
    }

    private func write(
        _ name: String, _ histogram: Snapshot.Histogram, _ labels: String, _ scale: Scale, to text: inout String
    ) {
        var sum: UInt64 = 0
        for (bucket, bound) in Buckets.labels.enumerated() {
            sum &+= histogram.buckets[bucket]
            text += "\(name)_bucket{\(labels),le=\"\(bound)\"} \(sum)\n"
        }
        text += "\(name)_bucket{\(labels),le=\"+Inf\"} \(histogram.count)\n"
        let total = scale == .bytes ? "\(histogram.sum)" : Self.thousandths(histogram.sum)
        text += "\(name)_sum{\(labels)} \(total)\n\(name)_count{\(labels)} \(histogram.count)\n"
    }

    /// Thousandths in fixed notation: 1500 is `1.5`.
    static func thousandths(_ value: UInt64) -> String {
        let rest = value % 1000
        if rest == 0 { return "\(value / 1000)" }
        var digits = String(rest)
        while digits.count < 3 { digits = "0" + digits }
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(value / 1000).\(digits)"
    }

    // MARK: - Labels

    /// Istio's labels, 25 for a request. The cluster labels are left out where they are unknown: Kiali would skip the series otherwise.
    private func labels(_ key: SeriesKey, _ subject: Subject) -> String {
        let isOverflow = key.isOverflow
        let destination =
            destinations.indices.contains(key.destination) ? destinations[key.destination] : DestinationLabels()
        let source = sources.indices.contains(key.source) ? sources[key.source] : WorkloadLabels()
        let reporter: SeriesKey.Reporter = isOverflow ? .source : key.reporter
        var pairs: [(String, String)] = [("reporter", "\(reporter)")]
        workload("source", source, &pairs)
        workload("destination", destination.workload, &pairs)
        pairs.append(("destination_service", destination.service))
        pairs.append(("destination_service_name", destination.serviceName))
        pairs.append(("destination_service_namespace", destination.serviceNamespace))
        if subject != .messages { describe(key, subject, &pairs) }
        return pairs.map { "\($0.0)=\"\(Self.escape($0.1))\"" }.joined(separator: ",")
    }

    /// What Istio's message counters do not have, since they count before it is known.
    private func describe(_ key: SeriesKey, _ subject: Subject, _ pairs: inout [(String, String)]) {
        let isKnown = !key.isOverflow
        pairs.append(("request_protocol", isKnown || key.isTCP ? "\(key.wireProtocol)" : "unknown"))
        if subject == .requests {
            pairs.append(("response_code", isKnown ? "\(key.responseCode)" : "0"))
            pairs.append(("grpc_response_status", isKnown ? key.grpcStatus.map { "\($0)" } ?? "" : ""))
        }
        pairs.append(("response_flags", isKnown ? key.flags.text : "-"))
        pairs.append(("connection_security_policy", isKnown ? Self.security(key.security) : "unknown"))
    }

    private func workload(_ side: String, _ labels: WorkloadLabels, _ pairs: inout [(String, String)]) {
        pairs.append(("\(side)_workload", labels.workload))
        pairs.append(("\(side)_workload_namespace", labels.namespace))
        pairs.append(("\(side)_canonical_service", labels.canonicalService))
        pairs.append(("\(side)_canonical_revision", labels.canonicalRevision))
        pairs.append(("\(side)_app", labels.app))
        pairs.append(("\(side)_version", labels.version))
        if labels.cluster != "unknown" { pairs.append(("\(side)_cluster", labels.cluster)) }
        pairs.append(("\(side)_principal", labels.principal))
    }

    private static func security(_ security: SeriesKey.Security) -> String {
        switch security {
        case .unknown: "unknown"
        case .none: "none"
        case .mutualTLS: "mutual_tls"
        }
    }

    static func escape(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C || $0 == 0x0A }) else { return value }
        var escaped = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    // MARK: - Our own

    private func own() -> String {
        var families: [(name: String, text: String)] = Counter.allCases.map { counter in
            let (name, help) = counter.described
            let value = counter.isGauge ? max(snapshot[counter], 0) : snapshot[counter]
            return (name, Self.head(name, help, counter.isGauge ? "gauge" : "counter") + "\(name){} \(value)\n")
        }
        for gauge in gauges {
            families.append(
                (gauge.name, Self.head(gauge.name, gauge.help, "gauge") + "\(gauge.name){} \(gauge.value)\n"))
        }
        for gauge in labelledGauges where !gauge.samples.isEmpty {
            var text = Self.head(gauge.name, gauge.help, "gauge")
            for sample in gauge.samples {
                let labels = sample.labels.map { "\($0.name)=\"\(Self.escape($0.value))\"" }.joined(separator: ",")
                text += "\(gauge.name){\(labels)} \(sample.value)\n"
            }
            families.append((gauge.name, text))
        }
        for counter in ReasonCounter.allCases { families.append((counter.described.name, reasons(counter))) }
        return families.sorted { $0.name < $1.name }.map(\.text).joined()
    }

    /// A counter by reason; reasons that never happened are left out.
    private func reasons(_ counter: ReasonCounter) -> String {
        let (name, help) = counter.described
        let names = reasonNames[counter] ?? []
        var text = ""
        for (reason, count) in snapshot.reasons[counter.rawValue].enumerated() where count > 0 {
            let label = names.indices.contains(reason) ? names[reason] : "\(reason)"
            text += "\(name){reason=\"\(Self.escape(label))\"} \(count)\n"
        }
        return text.isEmpty ? "" : Self.head(name, help, "counter") + text
    }

    private static func head(_ name: String, _ help: String, _ type: String) -> String {
        "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }
}

/// A gauge with a value for each of its label sets.
struct LabelledGauge {
    struct Sample {
        var labels: [(name: String, value: String)]
        var value: Int
    }

    var name: String
    var help: String
    var samples: [Sample] = []
}
