import Control
import Telemetry
import Wire

/// What admin answers: GET reads, POST changes. Pages are made from what the process says of itself at that moment.
package final class AdminRoutes {
    private struct Route: Sendable {
        let path: String
        let changes: Bool
        let help: String
        let respond: @Sendable (AdminRoutes, AdminRequest) -> AdminResponse
    }

    private let process: ProcessControl

    package init(_ process: ProcessControl) { self.process = process }

    private static let routes: [Route] = [
        Route(path: "/", changes: false, help: "this list") { routes, _ in .text(routes.list()) },
        Route(path: "/help", changes: false, help: "this list") { routes, _ in .text(routes.list()) },
        Route(path: "/ready", changes: false, help: "200 LIVE, or 503 and why not") { routes, _ in routes.ready() },
        Route(path: "/stats/prometheus", changes: false, help: "metrics for Prometheus") { routes, _ in routes.metrics()
        },
        Route(path: "/metrics", changes: false, help: "the same") { routes, _ in routes.metrics() },
        Route(path: "/clusters", changes: false, help: "endpoints, health and ejections (?format=json)") {
            $0.clusters($1)
        },
        Route(path: "/config_dump", changes: false, help: "the compiled configuration as JSON") { routes, _ in
            routes.configuration()
        },
        Route(path: "/certs", changes: false, help: "certificates, until when, and what does not serve, as JSON") {
            routes, _ in routes.certificates()
        },
        Route(path: "/generation", changes: false, help: "which configuration serves, and what does not, as JSON") {
            routes, _ in .json(GenerationPage.json(routes.process.generations.report))
        },
        Route(path: "/reload", changes: true, help: "look at the directory now") { routes, _ in
            routes.process.reload(cause: "admin")
            return .text("looking at the directory; see /generation\n", status: 202)
        },
        Route(
            path: "/eject", changes: true,
            help: "?endpoint=IP:PORT[&cluster=NAME][&seconds=N]: choose it no more for a time"
        ) {
            $0.eject($1)
        },
        Route(path: "/restore", changes: true, help: "?endpoint=IP:PORT[&cluster=NAME]: choose it again") {
            $0.restore($1)
        },
        Route(path: "/quitquitquit", changes: true, help: "end the process at once") { routes, _ in
            routes.process.quitNow()
            return .text("OK\n")
        },
    ]

    /// Finds and makes the answer to a request.
    package func respond(_ request: AdminRequest) -> AdminResponse {
        guard let route = Self.routes.first(where: { $0.path == request.path }) else {
            return .text("There is no page \(Self.printable(request.path)). There are:\n" + list(), status: 404)
        }
        let allowed = route.changes ? ["POST"] : ["GET", "HEAD"]
        guard allowed.contains(request.method) else {
            var response = AdminResponse.text(
                "Method \(Self.printable(request.method)) not allowed, \(allowed[0]) required.\n", status: 405)
            response.allow = allowed.joined(separator: ", ")
            return response
        }
        if route.changes, request.isFromPage {
            return .text("A page in a browser may not change a proxy.\n", status: 403)
        }
        return route.respond(self, request)
    }

    // MARK: - Pages

    private func list() -> String {
        let width = Self.routes.map { $0.path.count }.max() ?? 0
        return Self.routes.map { route in
            let gap = String(repeating: " ", count: width - route.path.count)
            return "\(route.changes ? "POST" : "GET ") \(route.path)\(gap)  \(route.help)\n"
        }.joined()
    }

    private func ready() -> AdminResponse {
        guard let reason = process.unreadiness else { return .text("LIVE\n") }
        return .text(reason + "\n", status: 503)
    }

    private func metrics() -> AdminResponse {
        let report = process.generations.report
        let gauges = [
            (name: "outrider_generation", help: "The number of the generation that serves.", value: report.number),
            (
                name: "outrider_generation_applied", help: "Whether every worker has it.",
                value: report.isAcknowledged ? 1 : 0
            ),
            (
                name: "outrider_resources_stale", help: "Resources that serve in their last good form.",
                value: report.troubled.count { $0.fate == .stale }
            ),
            (
                name: "outrider_resources_left_out", help: "Resources that do not serve, being broken.",
                value: report.troubled.count { $0.fate == .leftOut }
            ),
            (
                name: "outrider_endpoints_ejected", help: "Endpoints that are ejected now.",
                value: process.outliers.ledger.count { $0.isEjected }
            ),
            (
                name: "outrider_uptime_seconds", help: "Since the process began.",
                value: Int(process.uptimeMilliseconds / 1000)
            ),
        ]
        return AdminResponse(
            body: .pieces(
                PrometheusPage(
                    metrics: process.metrics, gauges: gauges, labelled: CertificatesPage.gauges(report.certificates)
                ).pieces()))
    }

    private func clusters(_ request: AdminRequest) -> AdminResponse {
        guard let table = process.generations.clusters else { return Self.nothingServes }
        let page = ClustersPage(
            table: table, board: process.board, metrics: process.metrics, ledger: process.outliers.ledger,
            now: process.outliers.now)
        guard request.query["format"] == "json" else { return AdminResponse(body: .pieces(page.text())) }
        return AdminResponse(contentType: "application/json", body: .pieces(page.json()))
    }

    private func configuration() -> AdminResponse {
        guard let plan = process.generations.plan else { return Self.nothingServes }
        let page = ConfigPage(plan: plan, generation: process.generations.report.number)
        return AdminResponse(contentType: "application/json", body: .pieces(page.pieces()))
    }

    private func certificates() -> AdminResponse {
        let page = CertificatesPage(
            report: process.generations.report.certificates, now: Int64(process.loop.realtimeMilliseconds / 1000))
        return AdminResponse(contentType: "application/json", body: .pieces(page.pieces()))
    }

    private static var nothingServes: AdminResponse {
        .text("No configuration serves yet; see /generation.\n", status: 503)
    }

    // MARK: - Changes

    private func eject(_ request: AdminRequest) -> AdminResponse {
        guard let endpoint = request.query["endpoint"] else { return Self.endpointMissing }
        let seconds = request.query["seconds"].map { Int($0) ?? 0 } ?? 300
        guard (1...Self.ejectionSecondsMax).contains(seconds) else {
            return .text("seconds is a number from 1 to \(Self.ejectionSecondsMax).\n", status: 400)
        }
        let cluster = request.query["cluster"]
        guard process.outliers.eject(address: endpoint, cluster: cluster, forMilliseconds: seconds * 1000) else {
            return Self.unknownEndpoint(endpoint)
        }
        return .text("OK\n")
    }

    private func restore(_ request: AdminRequest) -> AdminResponse {
        guard let endpoint = request.query["endpoint"] else { return Self.endpointMissing }
        guard process.outliers.restore(address: endpoint, cluster: request.query["cluster"]) else {
            return Self.unknownEndpoint(endpoint)
        }
        return .text("OK\n")
    }

    /// A week: long enough for any repair.
    private static let ejectionSecondsMax = 7 * 86_400

    private static var endpointMissing: AdminResponse {
        .text("Say which: ?endpoint=IP:PORT, as /clusters prints it.\n", status: 400)
    }

    private static func unknownEndpoint(_ name: String) -> AdminResponse {
        .text("There is no endpoint \(printable(name)); see /clusters.\n", status: 404)
    }

    /// A stranger's text, short and without control characters.
    private static func printable(_ text: String) -> String {
        String(text.unicodeScalars.prefix(200).map { $0.properties.generalCategory == .control ? "?" : Character($0) })
    }
}
