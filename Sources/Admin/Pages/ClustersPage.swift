import Clusters
import Telemetry
import Wire

/// `/clusters`: every endpoint with its health, ejections and what is under way, in Envoy's text form or as JSON. A cluster a
/// piece.
struct ClustersPage {
    let table: ClusterTable
    let board: Board
    let metrics: Metrics
    /// By endpoint slot.
    let ejections: [Int32: EjectionEntry]
    /// The time of the ejections' times.
    let now: Int

    init(table: ClusterTable, board: Board, metrics: Metrics, ledger: [EjectionEntry], now: Int) {
        self.table = table
        self.board = board
        self.metrics = metrics
        self.now = now
        ejections = Dictionary(ledger.map { ($0.endpointSlot, $0) }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - Text

    func text() -> () -> [UInt8]? {
        var next = 0
        return {
            guard next < table.clusterCount else { return nil }
            defer { next += 1 }
            return Array(text(of: next).utf8)
        }
    }

    private func text(of index: Int) -> String {
        let name = table.name(of: index)
        let limits = table.specs[index].limits
        var lines = [
            "observability_name::\(name)",
            "default_priority::max_connections::\(limits.connectionsMax)",
            "default_priority::max_pending_requests::\(limits.pendingMax)",
            "default_priority::max_requests::\(limits.requestsMax)",
            "default_priority::max_retries::\(limits.retriesMax)",
            "added_via_api::false",
        ]
        for endpoint in table.endpointRange(of: index) {
            let address = table.address(of: endpoint)
            for (key, value) in facts(endpoint) { lines.append("\(address)::\(key)::\(value)") }
        }
        return lines.map { "\(name)::\($0)\n" }.joined()
    }

    private func facts(_ endpoint: Int) -> [(String, String)] {
        let record = table.endpoint(endpoint)
        let spec = table.endpointSpec(of: endpoint)
        let totals = metrics.totals(endpoint: record.slot)
        let zone = spec.locality.split(separator: "/", omittingEmptySubsequences: false)
        var facts: [(String, String)] = [
            ("cx_active", "\(board.count(.connections, endpoint: record.slot))"),
            ("rq_active", "\(board.activeRequests(endpoint: record.slot))"),
            ("rq_total", "\(totals.attempts)"),
            ("rq_success", "\(totals.attempts &- min(totals.errors, totals.attempts))"),
            ("rq_error", "\(totals.errors)"),
            ("hostname", spec.workload),
            ("health_flags", health(record.slot, spec)),
            ("weight", "\(record.weight)"),
            ("region", zone.first.map(String.init) ?? ""),
            ("zone", zone.count > 1 ? String(zone[1]) : ""),
            ("sub_zone", zone.count > 2 ? String(zone[2]) : ""),
            ("consecutive_5xx", "\(board.count(.consecutive5xx, endpoint: record.slot))"),
        ]
        if let ejection = ejections[record.slot] {
            facts.append(("ejections", "\(ejection.count)"))
            if ejection.isEjected {
                facts.append(("ejected_because", ejection.reason.rawValue))
                facts.append(("ejected_for_ms", "\(max(ejection.until - now, 0))"))
            }
        }
        return facts
    }

    private func health(_ slot: Int32, _ spec: EndpointSpec) -> String {
        let health = board.health(slot)
        var flags = ""
        if health.contains(.unhealthy) { flags += "/failed_active_hc" }
        if health.contains(.ejected) { flags += "/failed_outlier_check" }
        if spec.isUnhealthy { flags += "/failed_eds_health" }
        return flags.isEmpty ? "healthy" : flags
    }

    // MARK: - JSON

    func json() -> () -> [UInt8]? {
        var writer = JSONWriter()
        var next = -1
        return {
            defer { next += 1 }
            if next == -1 {
                writer.open("{")
                writer.key("cluster_statuses")
                writer.open("[")
            } else if next < table.clusterCount {
                write(next, to: &writer)
            } else if next == table.clusterCount {
                writer.close("]")
                writer.close("}")
            } else {
                return nil
            }
            return writer.take()
        }
    }

    private func write(_ index: Int, to json: inout JSONWriter) {
        let slot = table.cluster(index).slot
        json.object { json in
            json.field("name", table.name(of: index))
            json.field("origin", table.specs[index].origin)
            json.field("connections", board.count(.connections, slot))
            json.field("pending", board.count(.pending, slot))
            json.field("active", board.activeRequests(cluster: slot))
            json.key("host_statuses")
            json.array { json in
                for endpoint in table.endpointRange(of: index) { write(endpoint: endpoint, to: &json) }
            }
        }
    }

    private func write(endpoint: Int, to json: inout JSONWriter) {
        let record = table.endpoint(endpoint)
        let spec = table.endpointSpec(of: endpoint)
        json.object { json in
            json.field("address", table.address(of: endpoint).description)
            json.field("workload", spec.workload)
            json.field("version", spec.version)
            json.field("locality", spec.locality)
            json.field("weight", Int(record.weight))
            json.field("health", health(record.slot, spec))
            json.field("connections", board.count(.connections, endpoint: record.slot))
            json.field("active", board.activeRequests(endpoint: record.slot))
            let totals = metrics.totals(endpoint: record.slot)
            json.field("requests", totals.attempts)
            json.field("errors", totals.errors)
            guard let ejection = ejections[record.slot] else { return }
            json.field("ejections", ejection.count)
            json.field("ejected", ejection.isEjected)
            json.field("ejection_reason", ejection.reason.rawValue)
            if ejection.isEjected { json.field("ejected_for_ms", max(ejection.until - now, 0)) }
        }
    }
}
