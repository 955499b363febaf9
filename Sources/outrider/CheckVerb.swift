import ArgumentParser
import Control
import Istio

/// Says what is wrong with a directory, before anything serves it.
struct CheckVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validates a directory: each finding as file:line: severity: sentence (fix).",
        discussion: """
            Without --proxy it compiles the directory for each of its Proxies. Notes tell what is worth knowing and warnings \
            what does not do what it seems to; only errors make the answer no (status 1). Certificates are read as the proxy \
            would read them, so it must run where their files are.
            """)

    @OptionGroup var options: ConfigOptions

    @Option(name: .shortAndLong, help: ArgumentHelp("How it is printed.", valueName: "format"))
    var output: OutputFormat = .text

    func run() throws {
        let findings = findings()
        switch output {
        case .text:
            for finding in findings { Terminal.say(finding.description) }
            Terminal.say(Self.summary(findings))
        case .json:
            Terminal.say(try JSONText.encode(findings.map(Finding.init)))
        }
        if findings.hasErrors { throw ExitCode(1) }
    }

    /// What is to be said for the Proxy that was asked for, else for each one of the directory; each finding once.
    private func findings() -> [Diagnostic] {
        let loaded = Control.load(directory: options.directory, proxy: options.proxy, buildsContexts: true)
        let names = loaded.resources.compactMap { resource -> String? in
            guard case .proxy(let proxy) = resource else { return nil }
            return "\(proxy.metadata.name).\(proxy.metadata.namespace)"
        }
        guard options.proxy == nil, names.count > 1 else { return loaded.diagnostics }
        var findings = Set<Diagnostic>()
        for name in names {
            let loaded = Control.load(directory: options.directory, proxy: name, buildsContexts: true)
            findings.formUnion(loaded.diagnostics)
        }
        return findings.sorted { ($0.location, $1.severity, $0.message) < ($1.location, $0.severity, $1.message) }
    }

    private static func summary(_ findings: [Diagnostic]) -> String {
        let counts = Diagnostic.Severity.allCases.reversed().map { severity in
            let count = findings.count { $0.severity == severity }
            return "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
        }
        return counts.joined(separator: ", ")
    }

    /// A diagnostic as programs read it.
    private struct Finding: Encodable {
        var file: String
        var line: Int
        var severity: String
        var resource: String?
        var message: String
        var fix: String?

        init(_ diagnostic: Diagnostic) {
            file = diagnostic.location.file
            line = diagnostic.location.line
            severity = diagnostic.severity.rawValue
            resource = diagnostic.resource
            message = diagnostic.message
            fix = diagnostic.fix
        }
    }
}
