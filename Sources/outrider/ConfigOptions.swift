import ArgumentParser
import Control
import Foundation
import Istio
import Plan
import TLS

/// Where the configuration is, and whose: what every verb takes that reads it.
struct ConfigOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The directory with the YAML (default: $OUTRIDER_CONFIG, else ./config).", valueName: "directory"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Which Proxy of the directory: NAME or NAME.NAMESPACE. Needed when there are several.", valueName: "name"))
    var proxy: String?

    /// The directory to read.
    var directory: String {
        if let config { return config }
        let environment = ProcessInfo.processInfo.environment["OUTRIDER_CONFIG"] ?? ""
        return environment.isEmpty ? "./config" : environment
    }

    /// The tables that the chosen Proxy would serve. Errors are said on standard error: what has one is left out of the
    /// tables, and without tables the verb ends.
    func plan() throws -> Plan { try served().plan }

    /// The same, and what of its TLS is quarantined: certificates are read as the proxy would read them.
    func served() throws -> (plan: Plan, quarantined: Set<TLSServerSettings>) {
        let loaded = Control.load(directory: directory, proxy: proxy, buildsContexts: true)
        for finding in loaded.diagnostics where finding.severity == .error { Terminal.warn(finding.description) }
        guard let plan = loaded.plan else { throw ExitCode(1) }
        return (plan, loaded.quarantined)
    }
}

/// What a verb prints: for people, or for programs.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}
