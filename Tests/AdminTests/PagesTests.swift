import Clusters
import Istio
import Plan
import Routing
import Telemetry
import Testing
import Wire

@testable import Admin
@testable import Control

@Suite("Admin's pages")
struct PagesTests {
    @Test("Istio's metrics print as Envoy prints them")
    func prometheus() {
        let metrics = Metrics(workers: 2)
        var source = WorkloadLabels()
        source.workload = "ingress"
        source.namespace = "workshop"
        var destination = DestinationLabels()
        destination.service = "catalogdetail.workshop.svc.cluster.local"
        destination.serviceName = "catalogdetail"
        destination.serviceNamespace = "workshop"
        destination.workload.version = "v\"1\\"
        let key = SeriesKey(
            destination: metrics.labels.number(destination), source: metrics.labels.number(source), responseCode: 503,
            flags: [.upstreamConnectFailure, .retriesExhausted], reporter: .source)
        metrics.workers[0].record(key, durationMicroseconds: 700)
        metrics.workers[1].record(key, durationMicroseconds: 1_800)
        let labels =
            "reporter=\"source\",source_workload=\"ingress\",source_workload_namespace=\"workshop\","
            + "source_canonical_service=\"unknown\",source_canonical_revision=\"latest\",source_app=\"unknown\","
            + "source_version=\"unknown\",source_principal=\"unknown\",destination_workload=\"unknown\","
            + "destination_workload_namespace=\"unknown\",destination_canonical_service=\"unknown\","
            + "destination_canonical_revision=\"latest\",destination_app=\"unknown\","
            + "destination_version=\"v\\\"1\\\\\",destination_principal=\"unknown\","
            + "destination_service=\"catalogdetail.workshop.svc.cluster.local\",destination_service_name=\"catalogdetail\","
            + "destination_service_namespace=\"workshop\",request_protocol=\"http\",response_code=\"503\","
            + "grpc_response_status=\"\",response_flags=\"UF,URX\",connection_security_policy=\"unknown\""
        let lines = PrometheusPage(metrics: metrics).text().split(separator: "\n").map(String.init)
        #expect(
            Array(lines.prefix(5)) == [
                "# TYPE istio_request_duration_milliseconds histogram",
                "istio_request_duration_milliseconds_bucket{\(labels),le=\"0.5\"} 0",
                "istio_request_duration_milliseconds_bucket{\(labels),le=\"1\"} 1",
                "istio_request_duration_milliseconds_bucket{\(labels),le=\"5\"} 2",
                "istio_request_duration_milliseconds_bucket{\(labels),le=\"10\"} 2",
            ])
        #expect(lines.contains("istio_request_duration_milliseconds_bucket{\(labels),le=\"+Inf\"} 2"))
        #expect(lines.contains("istio_request_duration_milliseconds_sum{\(labels)} 2.5"))
        #expect(lines.contains("istio_request_duration_milliseconds_count{\(labels)} 2"))
        #expect(lines.contains("# TYPE istio_requests_total counter"))
        #expect(lines.contains("istio_requests_total{\(labels)} 2"))
        // Sizes were not told, so their histograms are not there.
        #expect(!lines.contains { $0.hasPrefix("istio_request_bytes") })
    }

    @Test("connections of bytes print without codes, and messages without what is not known of them yet")
    func connectionsAndMessages() throws {
        let metrics = Metrics(workers: 1)
        var destination = DestinationLabels()
        destination.service = "db.workshop.svc.cluster.local"
        let numbers = (
            metrics.labels.number(destination), metrics.labels.number(peer: "spiffe://cluster.local/ns/shop/sa/web")
        )
        let tcp = SeriesKey(
            destination: numbers.0, source: numbers.1, responseCode: 0, flags: [], reporter: .destination,
            protocol: .tcp, security: .mutualTLS)
        metrics.workers[0].countTCPOpened(tcp)
        metrics.workers[0].addTCP(tcp, receivedBytes: 12, sentBytes: 345)
        let grpc = SeriesKey(
            destination: numbers.0, source: numbers.1, responseCode: 200, flags: [], reporter: .destination,
            protocol: .grpc, security: .mutualTLS, grpcStatus: 7)
        metrics.workers[0].record(grpc, durationMicroseconds: 1)
        metrics.workers[0].addMessages(grpc, request: 3, response: 0)
        let page = PrometheusPage(metrics: metrics).text()
        let lines = page.split(separator: "\n").map(String.init)
        func line(_ name: String) -> String? { lines.first { $0.hasPrefix(name + "{") } }

        let opened = try #require(line("istio_tcp_connections_opened_total"))
        #expect(
            opened.hasPrefix("istio_tcp_connections_opened_total{reporter=\"destination\",source_workload=\"unknown\""))
        #expect(opened.contains("source_workload_namespace=\"shop\""))
        #expect(opened.contains("source_principal=\"spiffe://cluster.local/ns/shop/sa/web\""))
        #expect(
            opened.hasSuffix(
                "request_protocol=\"tcp\",response_flags=\"-\",connection_security_policy=\"mutual_tls\"} 1"))
        #expect(!opened.contains("response_code") && !opened.contains("grpc_response_status"))
        #expect(line("istio_tcp_received_bytes_total")?.hasSuffix(" 12") == true)
        #expect(line("istio_tcp_sent_bytes_total")?.hasSuffix(" 345") == true)
        // Nothing was closed, so nothing is said of it.
        #expect(!page.contains("istio_tcp_connections_closed_total"))

        #expect(
            line("istio_requests_total")?.contains(
                "request_protocol=\"grpc\",response_code=\"200\",grpc_response_status=\"7\"") == true)
        let messages = try #require(line("istio_request_messages_total"))
        #expect(messages.hasSuffix("destination_service_namespace=\"unknown\"} 3"))
        for label in ["request_protocol", "response_code", "response_flags", "connection_security_policy"] {
            #expect(!messages.contains(label))
        }
        #expect(!page.contains("istio_response_messages_total"))
        let types = lines.filter { $0.hasPrefix("# TYPE istio") }
        #expect(types == types.sorted() && Set(types).count == types.count)
    }

    @Test("overflow series print as unknown, each in its own family")
    func overflows() {
        let metrics = Metrics(workers: 1)
        metrics.workers[0].record(.overflow, durationMicroseconds: 1)
        metrics.workers[0].countTCPOpened(.overflowTCP)
        let lines = PrometheusPage(metrics: metrics).text().split(separator: "\n").map(String.init)
        let requests = lines.filter { $0.hasPrefix("istio_requests_total") }
        #expect(requests.count == 1)
        #expect(
            requests[0].hasSuffix(
                "request_protocol=\"unknown\",response_code=\"0\",grpc_response_status=\"\",response_flags=\"-\","
                    + "connection_security_policy=\"unknown\"} 1"))
        let connections = lines.filter { $0.hasPrefix("istio_tcp_connections_opened_total") }
        #expect(connections.count == 1)
        #expect(
            connections[0].hasSuffix(
                "request_protocol=\"tcp\",response_flags=\"-\",connection_security_policy=\"unknown\"} 1"))
    }

    @Test("our own metrics have help, reasons have names, and pieces make the same page")
    func own() {
        var metrics = Metrics(workers: 1)
        metrics.reasonNames[.retry] = ["connect_failure", "reused_connection"]
        metrics.workers[0].add(.retry, reason: 1)
        metrics.workers[0].add(.retry, reason: 9)
        metrics.workers[0].subtract(.downstreamConnections)
        for code in 200..<320 {
            metrics.workers[0].record(
                SeriesKey(destination: 0, source: 0, responseCode: code, flags: [], reporter: .destination),
                durationMicroseconds: 1, requestBytes: 10, responseBytes: 20)
        }
        let page = PrometheusPage(metrics: metrics, gauges: [("outrider_generation", "The number.", 7)])
        let text = page.text()
        #expect(text.contains("outrider_retries_by_reason_total{reason=\"reused_connection\"} 1\n"))
        #expect(text.contains("outrider_retries_by_reason_total{reason=\"9\"} 1\n"))
        #expect(text.contains("# TYPE outrider_downstream_connections gauge\noutrider_downstream_connections{} 0\n"))
        #expect(
            text.contains(
                "# HELP outrider_generation The number.\n# TYPE outrider_generation gauge\noutrider_generation{} 7\n"))
        #expect(text.contains("istio_response_bytes_sum"))
        var pieces: [UInt8] = []
        let next = page.pieces()
        while let piece = next() { pieces += piece }
        #expect(String(decoding: pieces, as: UTF8.self) == text)
        // One TYPE line a family, and no family twice.
        let types = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(Set(types).count == types.count)
    }

    @Test("thousandths print in fixed notation")
    func thousandths() {
        #expect(PrometheusPage.thousandths(0) == "0")
        #expect(PrometheusPage.thousandths(1) == "0.001")
        #expect(PrometheusPage.thousandths(1_500) == "1.5")
        #expect(PrometheusPage.thousandths(20_010) == "20.01")
    }

    @Test("clusters show health and ejections, as text and as JSON")
    func clusters() throws {
        let board = Board(workers: 1)
        let registry = SlotRegistry(board: board)
        let address = try #require(SocketAddress("127.0.0.1:3000"))
        let cluster = ClusterSpec(
            name: "outbound|80||svc", host: "svc", port: 80,
            endpoints: [EndpointSpec(address: .socket(address), locality: "r/z/s", workload: "svc-v1")])
        let table = ClusterTable(specs: [cluster], registry: registry)
        var detector = OutlierDetector(board: board)
        _ = detector.update(table, now: 1000)
        _ = detector.eject(endpoint: table.endpoint(0).slot, for: 5000, now: 1000)
        let metrics = Metrics(workers: 2)
        metrics.workers[0].countAttempt(endpoint: table.endpoint(0).slot, isError: false)
        metrics.workers[1].countAttempt(endpoint: table.endpoint(0).slot, isError: true)
        let page = ClustersPage(table: table, board: board, metrics: metrics, ledger: detector.ledger(), now: 2000)
        let text = String(decoding: all(page.text()), as: UTF8.self)
        #expect(text.contains("outbound|80||svc::127.0.0.1:3000::health_flags::/failed_outlier_check\n"))
        #expect(text.contains("outbound|80||svc::127.0.0.1:3000::ejected_for_ms::4000\n"))
        #expect(text.contains("outbound|80||svc::127.0.0.1:3000::zone::z\n"))
        #expect(text.contains("outbound|80||svc::127.0.0.1:3000::rq_total::2\n"))
        #expect(text.contains("outbound|80||svc::127.0.0.1:3000::rq_error::1\n"))
        let json = String(decoding: all(page.json()), as: UTF8.self)
        #expect(json.hasPrefix("{\"cluster_statuses\":[{\"name\":\"outbound|80||svc\""))
        #expect(json.contains("\"ejected\":true") && json.hasSuffix("]}]}"))
    }

    private func all(_ next: () -> [UInt8]?) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = next() { bytes += piece }
        return bytes
    }

    @Test("the plan is dumped whole, and hostile texts stay texts")
    func configuration() {
        let provenance = Provenance(kind: "VirtualService", namespace: "n", name: "a\"b\n", file: "f.yaml", line: 3)
        let route = RouteSpec(
            name: "r", path: .prefix("/x", ignoreCase: true),
            action: .direct(DirectAction(status: 200, body: [0x68, 0x69])),
            provenance: provenance)
        let host = VirtualHostSpec(name: "h", domains: ["*"], routes: [route], provenance: provenance)
        let plan = Plan(
            identity: ProxyIdentity(name: "p", namespace: "n", mode: .gateway, labels: ["b": "2", "a": "1"]),
            routeConfigurations: [RouteConfigurationSpec(name: "http.80", virtualHosts: [host])],
            clusters: [ClusterSpec(name: "c", host: "h", port: 1)])
        let json = String(decoding: all(ConfigPage(plan: plan, generation: 4).pieces()), as: UTF8.self)
        #expect(
            json.hasPrefix("{\"generation\":4,\"identity\":{\"name\":\"p\",\"namespace\":\"n\",\"mode\":\"gateway\""))
        #expect(json.contains("\"labels\":{\"a\":\"1\",\"b\":\"2\"}"))
        #expect(json.contains("\"prefix\":"))
        #expect(json.contains("\"a\\\"b\\n\""))
        #expect(json.hasSuffix("}]}"))
        #expect(json.count { $0 == "{" } == json.count { $0 == "}" })
    }

    @Test("the generation page names what is stale and left out")
    func generation() {
        var report = GenerationReport()
        report.number = 3
        report.workers = 2
        report.acknowledged = 2
        report.appliedMilliseconds = 1_709_210_096_789
        report.troubled = [
            ResourceStatus(
                id: ResourceID(kind: "VirtualService", namespace: "n", name: "x"), fate: .stale,
                location: SourceLocation(file: "a.yaml", line: 4), message: "a field is wrong")
        ]
        report.certificates.statuses = [.serving, .stale, .quarantined].map { state in
            ContextStatus(
                side: .server, owner: "Gateway n/\(state), server \"x\"", origin: "g.yaml:7", state: state, sources: [],
                certificates: [], problem: nil, warnings: [])
        }
        let json = String(decoding: GenerationPage.json(report), as: UTF8.self)
        #expect(json.contains("\"tls_stale\":[{\"side\":\"server\",\"owner\":\"Gateway n/stale, server"))
        #expect(json.contains("\"tls_quarantined\":[{\"side\":\"server\",\"owner\":\"Gateway n/quarantined, server"))
        #expect(!json.contains("Gateway n/serving"))
        #expect(json.contains("\"generation\":3"))
        #expect(json.contains("\"applied_at\":\"2024-02-29T12:34:56.789Z\""))
        #expect(json.contains("\"applied\":true"))
        #expect(
            json.contains(
                "\"stale\":[{\"kind\":\"VirtualService\",\"namespace\":\"n\",\"name\":\"x\",\"at\":\"a.yaml:4\""))
        #expect(json.contains("\"left_out\":[]"))
        #expect(report.line(isNew: false, cause: "files changed").contains("1 stale: VirtualService n/x at a.yaml:4"))
    }
}
