import ArgumentParser
import Plan
import Routing
import Wire

/// Why a request would go where it goes.
struct ExplainVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tells why a request goes where it goes: each rule that missed and what it missed by.",
        discussion: """
            Reads the directory, sends nothing. The URL's host and port choose the listener: one that listens there, else one \
            that serves this port, else the port for programs that use http_proxy. Exit status 1: the request finds no route.

              outrider explain GET http://shop.example/cart -H 'user-type: internal'
            """)

    @OptionGroup var options: ConfigOptions

    @Argument(help: "GET, POST, …")
    var method: String

    @Argument(help: "http://HOST[:PORT]/PATH, or only /PATH with -H 'Host: …'.")
    var url: String

    @Option(
        name: [.customShort("H"), .customLong("header")],
        help: ArgumentHelp("A field of the request; may be repeated.", valueName: "'Name: value'"))
    var header: [String] = []

    @Option(help: ArgumentHelp("The listener by name instead of by the URL.", valueName: "name"))
    var listener: String?

    @Option(
        help: ArgumentHelp(
            "The number that weighted destinations are drawn with (default: a random one).", valueName: "number"))
    var draw: UInt64?

    func validate() throws { _ = try ExplainedRequest(method: method, url: url, fields: header) }

    func run() throws {
        let request = try ExplainedRequest(method: method, url: url, fields: header)
        let (plan, quarantined) = try options.served()
        let chosen: ListenerSpec
        switch request.listener(in: plan, named: listener) {
        case .success(let found): chosen = found
        case .failure(let missing):
            Terminal.warn("Error: \(missing)")
            throw ExitCode(2)
        }
        guard PathNormalizer.normalize(request.head, mode: plan.settings.pathNormalization) else {
            Terminal.say("The path holds an escaped NUL: 400.")
            throw ExitCode(1)
        }
        Terminal.say("listener \(chosen.name) at \(chosen.address) (\(chosen.origin))")
        guard let index = chosen.chain(for: request.facts) else {
            Terminal.say("no chain takes \(request.connection): the connection is closed")
            throw ExitCode(1)
        }
        let chain = chosen.chains[index]
        if chosen.chains.count > 1 || chain.tls != nil {
            Terminal.say("chain \(ChainText.line(chain, plan, quarantined: quarantined))")
        }
        if ChainText.isQuarantined(chain, quarantined) { throw ExitCode(1) }
        guard case .http(let routes) = chain.action else { return }
        let table = RouteTable(plan.routeConfigurations)
        let explanation = table.explain(routes, request.head, draw: draw ?? .random(in: .min ... .max))
        for line in ExplanationText(explanation: explanation, table: table, plan: plan).lines { Terminal.say(line) }
        switch explanation.decision.outcome {
        case .route, .requiresTLS: break
        case .noVirtualHost, .noRoute: throw ExitCode(1)
        }
    }
}
