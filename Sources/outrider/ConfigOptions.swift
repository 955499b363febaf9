import ArgumentParser
import Control
import Foundation
import Istio
import Plan

/// Where the configuration is, and whose: what every verb takes that reads it.
struct ConfigOptions: ParsableArguments {
    @Option(help: "The directory with the YAML (default: $OUTRIDER_CONFIG, else ./config).")
    var config: String?

    @Option(help: "Which Proxy of the directory: NAME or NAME.NAMESPACE. Needed when there are several.")
    var proxy: String?

    /// The directory to read.
    var directory: String {
        if let config { return config }
        let environment = ProcessInfo.processInfo.environment["OUTRIDER_CONFIG"] ?? ""
        return environment.isEmpty ? "./config" : environment
    }

    /// The tables that the chosen Proxy would serve. What keeps it from having any is said and ends the verb.
    func plan() throws -> Plan {
        let loaded = Control.load(directory: directory, proxy: proxy)
        if let plan = loaded.plan { return plan }
        for finding in loaded.diagnostics where finding.severity == .error { Terminal.warn(finding.description) }
        throw ExitCode(1)
    }
}

/// What a verb prints: for people, or for programs.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}
