import ArgumentParser
import Control
import Demo
import Foundation
import Glibc

/// The product-catalog application on this machine: started, shown a scenario, put under load.
struct DemoVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Runs the product-catalog mesh on this machine: a gateway, three services, a sidecar each.",
        discussion: """
            Without an option it starts everything, prints the gateway's address and stays until Ctrl-C. While it runs, in \
            another terminal:

              outrider demo --scenario weights            changes who gets what
              outrider demo --scenario mirror --siege     changes it and counts who got what
              outrider demo --rotate                      renews every certificate

            Between the sidecars goes mutual TLS: the demo makes an authority and a certificate for each of them, in \
            certificates/ of its directory, by the command openssl. Where that is not installed everything goes in plain text.

            Without a running demo these start one: --scenario stays up, --siege ends when it has counted.
            """)

    @Option(
        help: ArgumentHelp(
            "even, v1, weights, path, header, mirror, mtls-strict or mtls-permissive: puts that scenario's file into the running directory.",
            valueName: "name"))
    var scenario: String?

    @Flag(help: "Drives siege -c 5 for some seconds and prints who got what, configured and observed.")
    var siege = false

    @Option(help: ArgumentHelp("How long --siege drives.", valueName: "count"))
    var seconds: Int = 5

    @Flag(help: "Renews every certificate of the running demo, and waits until each proxy has the new ones.")
    var rotate = false

    @Flag(help: "Prints the directory of the running demo, for commands: $(outrider demo --directory).")
    var directory = false

    @Flag(help: "Each proxy of a demo that is started writes its access log, among its other lines.")
    var accessLog = false

    @Option(
        help: ArgumentHelp(
            "Runs this directory as it is, instead of a copy of config/product-catalog.", valueName: "directory"))
    var config: String?

    func validate() throws {
        guard !rotate || config == nil else {
            throw ValidationError("--rotate renews what the running demo made; --config has certificates of its own.")
        }
        guard (1...3600).contains(seconds) else { throw ValidationError("--seconds is a number from 1 to 3600.") }
    }

    func run() throws {
        if directory {
            guard let running = RunningDirectory.current else { throw DemoError("No demo runs.") }
            return Terminal.say(running.config)
        }
        if rotate, RunningDirectory.current == nil {
            throw DemoError("No demo runs: there are no certificates to renew.")
        }
        if scenario != nil || siege || rotate, config == nil, let running = RunningDirectory.current {
            try show(running)
        } else {
            try start()
        }
    }

    // MARK: - A demo of our own

    private func start() throws {
        let source = try config ?? Self.examples()
        var marks: Set<Mark> = accessLog ? [.accessLog] : []
        if MeshCertificates.canBeMade { marks.insert(.certificates) }
        var directory = try RunningDirectory(
            from: Self.absolute(source), scenarios: Self.scenarios(beside: source), inPlace: config != nil, marks: marks
        )
        defer { directory.remove() }

        let layout = try Self.layout(of: directory)
        if config == nil, MeshCertificates.canBeMade {
            try directory.makeCertificates(for: layout)
        } else if config == nil {
            Terminal.warn("openssl is not installed, so there are no certificates and everything goes in plain text.")
        }
        if let scenario { _ = try directory.apply(scenario: scenario) }
        let signals = SignalSet([SIGINT, SIGTERM, SIGHUP])
        signals.block()
        let mesh = try Mesh(layout, directory, executable: Self.executable())
        defer { mesh.stop() }
        try directory.announce()
        try mesh.start()

        Terminal.say("gateway      http://\(layout.gateway)/")
        if let secure = layout.secureGateway {
            Terminal.say("             https://\(secure)/  curl --cacert \(directory.config)/certificates/root.pem")
        }
        if !directory.ports.isEmpty { Terminal.say("             some usual ports are taken; others are used instead") }
        Terminal.say("directory    \(directory.config)")
        Terminal.say("logs         \(directory.logs)")
        for (proxy, admin) in layout.admins { Terminal.say("admin        http://\(admin)/  \(proxy)") }
        if siege {
            try drive(directory, layout)
        } else {
            Terminal.say("Ctrl-C ends the demo.")
            while signals.wait(seconds: 1) == nil {
                for sentence in mesh.losses() { Terminal.warn(sentence) }
            }
        }
    }

    // MARK: - A demo that runs

    private func show(_ running: RunningDirectory) throws {
        let layout = try Self.layout(of: running)
        Terminal.say("gateway      http://\(layout.gateway)/")
        if rotate {
            let before = try ServedCertificates(of: layout)
            try running.renewCertificates(for: layout)
            try before.waitForNext(seconds: 10)
            Terminal.say("certificates renewed, and every proxy has them: \(running.config)/certificates")
        }
        if let scenario {
            let before = try Generations(of: layout)
            if try running.apply(scenario: scenario) {
                try before.waitForNext(seconds: 10)
                Terminal.say("scenario     \(scenario) serves: \(running.config)/\(RunningDirectory.scenarioFile)")
            } else {
                Terminal.say("scenario     \(scenario) served already")
            }
        }
        if siege { try drive(running, layout) }
    }

    /// Puts the page under load and compares what was seen with what the resources promise.
    private func drive(_ running: RunningDirectory, _ layout: MeshLayout) throws {
        guard let expectation = Expectation(Control.load(directory: running.config).resources) else {
            throw DemoError("The rules in \(running.config) promise no shares that could be counted.")
        }
        let page = "http://\(layout.gateway)/"
        let urls = expectation.paths == .versions ? ["\(page)v1/", "\(page)v2/"] : [page]
        let client = try Client()
        let before = try Observation(of: layout, client)
        let report = try Load.run(urls, seconds: seconds)
        usleep(300_000)  // Copies may be under way still.
        let counted = try Observation(of: layout, client).since(before)

        let table = ShareTable(expectation, counted: counted.requests)
        let availability = String(format: "%.2f %%", report.availability)
        Terminal.say(
            "load         \(report.tool), \(seconds) s: \(report.requests) requests, availability \(availability)")
        if running.hasCertificates { Terminal.say("security     \(counted.security)") }
        Terminal.say(table.text)
        if report.failures > 0 || !table.holds { throw ExitCode(1) }
    }

    // MARK: - Details

    private static func layout(of directory: RunningDirectory) throws -> MeshLayout {
        try MeshLayout(Control.load(directory: directory.config).resources)
    }

    /// `config/product-catalog` below the current directory, or below one of those that hold this program.
    private static func examples() throws -> String {
        var candidates = [FileManager.default.currentDirectoryPath]
        var folder = executable() as NSString
        while folder.length > 1 {
            folder = folder.deletingLastPathComponent as NSString
            candidates.append(folder as String)
        }
        for candidate in candidates {
            let path = "\(candidate)/config/product-catalog"
            if FileManager.default.fileExists(atPath: path) { return path }
        }
        throw DemoError(
            "There is no config/product-catalog here. Run the demo from the repository, or name a copy with --config.")
    }

    /// The scenarios beside a directory, else those of the examples.
    private static func scenarios(beside source: String) -> String {
        let sibling = { (path: String) in (absolute(path) as NSString).deletingLastPathComponent + "/scenarios" }
        let own = sibling(source)
        guard !FileManager.default.fileExists(atPath: own), let examples = try? examples() else { return own }
        return sibling(examples)
    }

    private static func executable() -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    private static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }
}
