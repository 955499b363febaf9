import ArgumentParser
import Control
import Foundation
import Istio

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

    /// Reads the directory once, as a fresh process would.
    func load() -> ResourceStore.State { Self.load(directory) }

    /// Reads a directory once, as a fresh process would.
    static func load(_ directory: String) -> ResourceStore.State {
        let scan = ConfigDirectory(path: directory).scan()
        var files = DecodedFiles()
        var store = ResourceStore()
        var state = store.apply(files.update(scan), isIncomplete: scan.isIncomplete)
        state.diagnostics += scan.diagnostics
        return state
    }
}

/// What a verb prints: for people, or for programs.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}
