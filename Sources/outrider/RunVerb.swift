import Admin
import ArgumentParser
import Control
import Wire

/// Serves: one process, one Proxy, until a signal ends it.
struct RunVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Serves what a directory says, and follows it as files change.",
        discussion: """
            SIGTERM drains and ends: readiness fails at once, accepting goes on while the news spreads, connections close as \
            they become idle. SIGHUP looks at the directory again. SIGUSR1 reopens the access log's file.
            """)

    @OptionGroup var options: ConfigOptions

    @Option(
        help: ArgumentHelp(
            "Where admin listens: IP:PORT or unix://PATH. Overrides spec.admin.address.", valueName: "address"))
    var admin: String?

    @Option(help: ArgumentHelp("Worker threads; 0 is one a core. Overrides spec.workers.", valueName: "count"))
    var workers: Int?

    @Option(
        help: ArgumentHelp(
            """
            Where last good documents are kept; none keeps nothing (default: $XDG_STATE_HOME/outrider, \
            /var/lib/outrider for root, else ~/.local/state/outrider).
            """, valueName: "directory"))
    var state: String?

    @Flag(help: .hidden)
    var untilStdinCloses = false

    func validate() throws {
        if let admin, SocketAddress(admin) == nil {
            throw ValidationError("--admin \(admin) is no address of the form IP:PORT or unix://PATH.")
        }
        if let workers, workers < 0 { throw ValidationError("--workers is 0 or more.") }
    }

    func run() throws {
        var serve = ServeOptions(directory: options.directory)
        serve.proxy = options.proxy
        serve.admin = admin.flatMap { SocketAddress($0) }
        serve.workers = workers
        serve.state = state
        if untilStdinCloses { Lifeline.watch() }
        let status = Serve.run(serve)
        if status != 0 { throw ExitCode(status) }
    }
}
