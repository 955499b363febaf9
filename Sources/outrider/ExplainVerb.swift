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

    @Option(name: [.customShort("H"), .customLong("header")], help: "A field as 'Name: value'; may be repeated.")
    var header: [String] = []

    @Option(help: "The listener by name instead of by the URL.")
    var listener: String?

    @Option(help: "The random number that weighted destinations are drawn with.")
    var draw: UInt64 = .random(in: .min ... .max)

    func run() throws {
        let request = try ExplainedRequest(method: method, url: url, fields: header)
        let plan = try options.plan()
        let chosen = try request.listener(in: plan, named: listener)
        guard PathNormalizer.normalize(request.head, mode: plan.settings.pathNormalization) else {
            Terminal.say("The path holds an escaped NUL: 400.")
            throw ExitCode(1)
        }
        let table = RouteTable(plan.routeConfigurations)
        let explanation = table.explain(chosen.routeConfiguration, request.head, draw: draw)
        Terminal.say("listener \(chosen.name) at \(chosen.address) (\(chosen.origin))")
        for line in ExplanationText(explanation: explanation, table: table, plan: plan).lines { Terminal.say(line) }
        guard explanation.decision.outcome == .route else { throw ExitCode(1) }
    }
}
