import ArgumentParser
import Plan
import Routing
import TLS

/// The compiled route tables, in the order in which rules are tried.
struct RoutesVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes",
        abstract:
            "Prints the listeners with their chains, and the compiled routes in evaluation order, each with where it comes from."
    )

    @OptionGroup var options: ConfigOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("How it is printed.", valueName: "format"))
    var output: OutputFormat = .text

    func run() throws {
        let (plan, quarantined) = try options.served()
        switch output {
        case .text: for line in Self.lines(plan, quarantined: quarantined) { Terminal.say(line) }
        case .json: Terminal.say(try JSONText.encode(Self.tables(plan)))
        }
    }

    // MARK: - Text

    private static func lines(_ plan: Plan, quarantined: Set<TLSServerSettings>) -> [String] {
        var lines = plan.listeners.flatMap { ChainText.lines($0, plan, quarantined: quarantined) }
        for (index, table) in plan.routeConfigurations.enumerated() {
            let places = plan.listeners(of: index).map { "\($0.address)" }
            lines.append("\(table.name)  at \(places.isEmpty ? "no listener" : places.joined(separator: ", "))")
            for host in table.virtualHosts {
                lines.append("  \(host.domains.joined(separator: ", "))")
                for route in host.routes {
                    lines.append("    \(RouteText.condition(route))  →  \(RouteText.action(route.action, plan))")
                    lines.append("        \(route.provenance)")
                }
            }
        }
        return lines
    }

    // MARK: - JSON

    private struct Table: Encodable {
        struct Host: Encodable {
            var domains: [String]
            var routes: [Route]
        }
        struct Route: Encodable {
            var name: String
            var match: String
            var action: String
            var resource: String
            var file: String
            var line: Int
        }
        var name: String
        var addresses: [String]
        var virtualHosts: [Host]
    }

    private static func tables(_ plan: Plan) -> [Table] {
        plan.routeConfigurations.enumerated().map { index, table in
            Table(
                name: table.name,
                addresses: plan.listeners(of: index).map { "\($0.address)" },
                virtualHosts: table.virtualHosts.map { host in
                    Table.Host(domains: host.domains, routes: host.routes.map { route(of: $0, plan) })
                })
        }
    }

    private static func route(of route: RouteSpec, _ plan: Plan) -> Table.Route {
        let source = route.provenance
        return Table.Route(
            name: route.name, match: RouteText.condition(route), action: RouteText.action(route.action, plan),
            resource: "\(source.kind) \(source.namespace)/\(source.name) \(source.rule)", file: source.file,
            line: source.line)
    }
}

/// Routes in words.
enum RouteText {
    /// Everything that must hold.
    static func condition(_ route: RouteSpec) -> String {
        var parts = ["\(route.path)"]
        if let method = route.method { parts.append("method \(method)") }
        if let authority = route.authority { parts.append("authority \(authority)") }
        if let scheme = route.scheme { parts.append("scheme \(scheme)") }
        for header in route.headers {
            parts.append("\(header.isInverted ? "without " : "")header \(header.name) \(header.match)")
        }
        for parameter in route.queryParameters { parts.append("parameter \(parameter.name) \(parameter.match)") }
        return parts.joined(separator: ", ")
    }

    /// What happens then.
    static func action(_ action: RouteAction, _ plan: Plan) -> String {
        switch action {
        case .redirect(let redirect): return "redirect \(redirect.status)"
        case .direct(let direct): return "answer \(direct.status)"
        case .forward(let forward):
            var parts = forward.destinations.map { destination in
                let weight = forward.destinations.count > 1 ? "\(destination.weight) × " : ""
                return weight + ClusterText.name(destination.cluster, plan)
            }
            for mirror in forward.mirrors {
                parts.append(
                    "copy \(Double(mirror.partsPerMillion) / 10_000) % to \(ClusterText.name(mirror.cluster, plan))")
            }
            if let uri = forward.rewrite.uri { parts.append("path rewritten to \(uri)") }
            if let timeout = forward.timeoutMilliseconds { parts.append("at most \(timeout) ms") }
            return parts.joined(separator: ", ")
        }
    }
}
